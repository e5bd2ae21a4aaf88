"""A companion that lists documents: those that stand in it are what it says.

In:  an open Parquet file with a column of ids, such as RedPajama v2's duplicates {shard_id, doc_id, digest}.
Out: the ids, each with true.
Guaranteed: where the file was read whole, a document that it does not name is not what it says; else nobody knows.
"""

from typing import BinaryIO

import pyarrow as pa

from pipelines.sources.columnar import read_columns
from pipelines.sources.companions import Companion
from pipelines.sources.joining import Told


def read_listing(companion: Companion, file: BinaryIO) -> Told:
    """Return the ids of a file, and true for each of them."""
    table, problem = read_columns(file, [companion.id])
    named = pa.array([True] * len(table), pa.bool_())
    return Told(table.column(companion.id), dict.fromkeys(companion.fields, named), problem)
