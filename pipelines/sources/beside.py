"""How a companion file is read: its kind in the manifest's words, and who reads it.

In:  a companion, and its open file.
Out: what it tells of documents.
Guaranteed: what is wrong with the file is said in `Told.problem`; only the file's own OSError is raised.
"""

from collections.abc import Callable
from typing import BinaryIO

import pyarrow as pa

from pipelines.sources.attributes import read_attributes
from pipelines.sources.bands import read_bands
from pipelines.sources.batches import raw_schema
from pipelines.sources.companions import Companion, CompanionKind
from pipelines.sources.joining import Told
from pipelines.sources.listing import read_listing
from pipelines.sources.options import SourceOptions

READERS: dict[CompanionKind, Callable[[Companion, BinaryIO], Told]] = {
    "attributes": read_attributes,
    "bands": read_bands,
    "listing": read_listing,
}
"""Kind of a companion -> what reads it."""


def read_companion(companion: Companion, file: BinaryIO) -> Told:
    """Return what a companion file tells."""
    return READERS[companion.kind](companion, file)


def joined_schema(source: SourceOptions) -> pa.Schema:
    """Return the schema of the source's raw batches once all companions are joined to them."""
    added = [field for companion in source.companions for field in companion.schema]
    return pa.schema([*raw_schema(source), *added])
