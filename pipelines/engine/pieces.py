"""Pieces: a split, a few megabytes at a time, whether its text comes from the source, from a part, or is not needed.

In:  a split and what earlier passes left of it.
Out: pieces that cover its rows in order: the records, and the text of some of them.
Guaranteed: a text that is read twice is the same, or the build stops with the file's name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.companions import Companions
from pipelines.engine.job import RECORDS, Job
from pipelines.engine.keys import document_uids, text_hashes
from pipelines.engine.parts import AlignedReader, scan_part
from pipelines.engine.splits import Split
from pipelines.engine.storage import open_storage
from pipelines.errors import SourceChanged
from pipelines.sources.beside import joined_schema
from pipelines.sources.reading import read, read_texts

Bools = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
Rows = TypeVar("Rows", pa.RecordBatch, pa.LargeStringArray)


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


def source_pieces(job: Job, split: Split, companions: Companions | None = None) -> Iterator[Piece]:
    """Read a split for the first time: records and texts, from its source.

    Of a split without records, yield an empty piece, so that every split has the same columns.

    Args:
        job: the build.
        split: what is read.
        companions: what lies beside its file; they can say afterwards what was joined.

    Raises:
        SourceChanged: the file is not the one that was planned, or no longer when it was read.
    """
    source, schema = job.manifest.sources[split.source], records_schema(job, split.source)
    extent, first = (split.start, split.end), 0
    with companions or Companions(source, split.file) as beside:
        for raw in _opened(split, lambda file: read(source, file, *extent, split.file.path)):
            yield _piece(split, first, beside.joined(raw), schema)
            first += raw.num_rows
    if first == 0:
        yield _piece(split, first, pa.RecordBatch.from_pylist([], joined_schema(source)), schema)


def _piece(split: Split, first: int, raw: pa.RecordBatch, schema: pa.Schema) -> Piece:
    return Piece(first, _records(split, raw, schema), np.arange(raw.num_rows), raw.column("text"))


def text_pieces(job: Job, split: Split, records: str, wanted: Bools) -> Iterator[Piece]:
    """Read the texts of a split from its source again, beside its records part.

    Args:
        job: the build.
        split: what is read.
        records: its records part.
        wanted: bool, one per record; the text of others may be "".

    Raises:
        SourceChanged: the file is not the one that was planned, or a text that is wanted is not what it was.
    """
    source, reader, first = job.manifest.sources[split.source], AlignedReader(job.storage, records), 0
    extent = (split.start, split.end)
    for text in _opened(split, lambda file: read_texts(source, file, extent, split.file.path, wanted)):
        held, chosen = reader.take(len(text)), wanted[first : first + len(text)]
        _check(split, held.num_rows == len(text) and _same_texts(held, text, chosen))
        yield Piece(first, held, np.arange(len(text)), text)
        first += len(text)
    _check(split, first == len(wanted))
    if first == 0:
        yield Piece(0, reader.take(0), np.arange(0), pa.array([], pa.large_string()))


def _same_texts(records: pa.Table, text: pa.LargeStringArray, wanted: Bools) -> bool:
    """Tell whether the wanted texts are those of the records."""
    chosen = pa.array(np.flatnonzero(wanted))
    known = records.column("text_hash").take(chosen).combine_chunks()
    return known.null_count == 0 and np.array_equal(text_hashes(text.take(chosen)), known.to_numpy())


def _opened(split: Split, reading: Callable[[BinaryIO], Iterator[Rows]]) -> Iterator[Rows]:
    """Read the records of a split, and see before and after that the file is the one that was planned."""
    storage = open_storage(split.file.root)
    _check(split, storage.identify(split.file.path) == split.file.identity)
    with storage.open(split.file.path) as file:
        yield from first_records(reading(file), split.most)
    _check(split, storage.identify(split.file.path) == split.file.identity)


def _check(split: Split, same: bool) -> None:
    if not same:
        raise SourceChanged(
            f"{split.file.root}/{split.file.path} changed while it was being read (source {split.source!r}): "
            "let whatever writes it finish, then run the same command again; only this file's splits are redone"
        )


def first_records(batches: Iterator[Rows], most: int) -> Iterator[Rows]:
    """Yield batches, or their texts, up to `most` records; all of them if that is -1."""
    left = most
    while left != 0 and (batch := next(batches, None)) is not None:
        some = batch if left < 0 else batch.slice(0, left)
        left -= len(some) if left > 0 else 0
        yield some


def _records(split: Split, raw: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Return what is kept of each record but its text."""
    ordinals = raw.column("ordinal").to_numpy()
    readable = raw.column("problem").is_null()
    text = raw.column("text")
    known = {
        "uid": pa.array(document_uids(split.source, split.file.path, ordinals)),
        "id": _ids(split, raw),
        "chars": pc.if_else(readable, pc.utf8_length(text), None).cast(pa.int64()),
        "text_hash": pa.array(text_hashes(text), mask=~readable.to_numpy(zero_copy_only=False)),
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
