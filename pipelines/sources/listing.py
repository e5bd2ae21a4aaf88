"""A companion that lists documents: those that stand in it are what it says.

In:  an open Parquet file with a column of ids, such as RedPajama v2's duplicates {shard_id, doc_id, digest}.
Out: the ids, each with true.
Guaranteed: where the file was read whole, a document that it does not name is not what it says; else nobody knows.
"""

from typing import BinaryIO

import pyarrow as pa

from pipelines.sources.columnar import column_groups
from pipelines.sources.companions import Companion
from pipelines.sources.joining import Told
from pipelines.sources.streams import Problem


def read_listing(companion: Companion, file: BinaryIO) -> Told:
    """Return the ids of a file, and true for each of them."""
    groups = list(column_groups(file, [companion.id]))
    problems = [str(group) for group in groups if isinstance(group, Problem)]
    ids = [group.column(0) for group in groups if not isinstance(group, Problem)]
    whole = pa.concat_arrays([pa.array([], pa.string()), *ids])
    listed = pa.array([True] * len(whole), pa.bool_())
    return Told(whole, dict.fromkeys(companion.fields, listed), problems[0] if problems else "")
