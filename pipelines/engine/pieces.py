"""Pieces: a split, a few megabytes at a time, whether its text comes from the source, from a part, or is not needed.

In:  a split and what earlier passes left of it.
Out: pieces that cover its rows in order: the records, and the text of some of them.
Guaranteed: a source read twice gives the same records or the build stops with the file's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines.engine.companions import Companions
from pipelines.engine.job import RECORDS, Job
from pipelines.engine.keys import content_hash, document_uids
from pipelines.engine.parts import AlignedReader, scan_part
from pipelines.engine.splits import Split
from pipelines.engine.storage import open_storage
from pipelines.errors import SourceChanged
from pipelines.sources.beside import joined_schema
from pipelines.sources.reading import read

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """Some consecutive rows of a split.

    Args:
        first: row number of the first.
        records: table in the columns of `RECORDS` and the declared fields, one row each.
        rows: offsets from `first` of the rows whose text is at hand.
        text: their text; None where no step needs it.
    """

    first: int
    records: pa.Table
    rows: I64
    text: pa.LargeStringArray | None


def records_schema(job: Job, source: str) -> pa.Schema:
    """Return the columns of the records parts of one source."""
    raw = joined_schema(job.manifest.sources[source])
    return pa.schema([*RECORDS, *(field for field in raw if field.name not in {"text", *RECORDS.names})])


class SourceReading:
    """One reading of a split from its source; iterate over its pieces, then ask for its `digest`."""

    def __init__(self, job: Job, split: Split) -> None:
        self._job = job
        self._split = split
        self._digest = xxhash.xxh3_128()
        self.companions = Companions(job.manifest.sources[split.source], split.file)

    def __iter__(self) -> Iterator[Piece]:
        """Yield the pieces; of a split without records, an empty one, so that every split has the same columns."""
        schema = joined_schema(self._job.manifest.sources[self._split.source])
        first = 0
        for raw in self._batches():
            self._digest.update(content_hash(pa.Table.from_batches([raw])).encode())
            yield self._piece(first, raw)
            first += raw.num_rows
        if first == 0:
            yield self._piece(first, pa.RecordBatch.from_pylist([], schema))

    def _piece(self, first: int, raw: pa.RecordBatch) -> Piece:
        records = _records(self._split, raw, records_schema(self._job, self._split.source))
        return Piece(first, records, np.arange(raw.num_rows), raw.column("text"))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Read the source's batches, with what lies beside it; see that the file is, and stays, the planned one."""
        split = self._split
        storage = open_storage(split.file.root)
        self._check(storage.identify(split.file.path) == split.file.identity)
        with storage.open(split.file.path) as file, self.companions:
            raws = read(self._job.manifest.sources[split.source], file, split.start, split.end, split.file.path)
            yield from map(self.companions.joined, raws)
        self._check(storage.identify(split.file.path) == split.file.identity)

    def digest(self) -> str:
        """Return the hash of all that was read, once the iteration has ended."""
        return self._digest.hexdigest()

    def check(self, digest: str) -> None:
        """Stop the build if this reading differs from the one that gave `digest`."""
        self._check(self.digest() == digest)

    def _check(self, same: bool) -> None:
        if not same:
            file = f"{self._split.file.root}/{self._split.file.path}"
            raise SourceChanged(
                f"{file} changed while it was being read (source {self._split.source!r}): "
                "let whatever writes it finish, then run the same command again; only this file's splits are redone"
            )


def _records(split: Split, raw: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Return what is kept of each record but its text."""
    ordinals = raw.column("ordinal").to_numpy()
    readable = raw.column("problem").is_null()
    known = {
        "uid": pa.array(document_uids(split.source, split.file.path, ordinals)),
        "id": _ids(split, raw),
        "chars": pc.if_else(readable, pc.utf8_length(raw.column("text")), None).cast(pa.int64()),
    }
    return pa.table([known[name] if name in known else raw.column(name) for name in schema.names], schema)


def _ids(split: Split, raw: pa.RecordBatch) -> pa.StringArray:
    """Return the corpus's own id, or `path:ordinal` where it has none."""
    own = raw.column("id")
    missing = pc.equal(own, "").fill_null(True)
    if not pc.any(missing).as_py():
        return own
    made = pa.array([f"{split.file.path}:{ordinal}" for ordinal in raw.column("ordinal").to_pylist()], pa.string())
    return pc.if_else(missing, made, own)


def part_pieces(job: Job, records: str, texts: str, rows: int) -> Iterator[Piece]:
    """Read the text that an earlier pass wrote, beside the records part; the last piece may have none."""
    reader = AlignedReader(job.storage, records)
    first = 0
    for group in (group for group in scan_part(job.storage, texts) if group.num_rows):
        held = group.column("row").to_numpy().astype(np.int64)
        count = int(held[-1]) + 1 - first
        yield Piece(first, reader.take(count), held - first, group.column("text").combine_chunks())
        first += count
    if first < rows or rows == 0:
        yield Piece(first, reader.take(rows - first), np.arange(0), pa.array([], pa.large_string()))


def record_pieces(job: Job, records: str) -> Iterator[Piece]:
    """Read the records part alone, for passes whose numbers are all at hand."""
    first = 0
    for table in scan_part(job.storage, records):
        yield Piece(first, table, np.arange(table.num_rows), None)
        first += table.num_rows
