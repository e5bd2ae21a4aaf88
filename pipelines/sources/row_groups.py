"""Parquet files, read row group by row group.

In:  an open Parquet file and the range of its row groups to read.
Out: raw batches; the ordinal is the number of the row in the file.
Guaranteed: what cannot be read of a row group is one unreadable record at the next ordinal, and the row groups after it
are read all the same; memory is bounded by a few batches, however large the row groups are. Only the file's own OSError
is raised.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.batches import BATCH_BYTES, raw_schema, regroup, unreadable
from pipelines.sources.frames import Frames, has_text, text_type
from pipelines.sources.options import SourceOptions
from pipelines.sources.streams import Problem

READ_ROWS = 1024
BUFFER_BYTES = 1 << 20
ERRORS = (pa.ArrowException, OSError, ValueError)
"""What pyarrow raises on a corrupt file."""


class WatchedFile:
    """A file that remembers its own failure, to tell it from the OSError by which pyarrow reports a corrupt page."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failure: OSError | None = None
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        try:
            return self._file.read(size)
        except OSError as error:
            self.failure = error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek as the file does."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Tell as the file does."""
        return self._file.tell()

    def close(self) -> None:
        """Leave the file open: it is the caller's."""


@dataclass(frozen=True)
class Opened:
    """An open Parquet file that has the source's text.

    Args:
        file: the file under it.
        parquet: reads it.
        rows: how many rows each row group holds.
        sizes: uncompressed bytes of each row group.
    """

    file: WatchedFile
    parquet: pq.ParquetFile
    rows: list[int]
    sizes: list[int]


def open_parquet(source: SourceOptions, file: BinaryIO) -> Opened | Problem:
    """Open a Parquet file, or say why it cannot be read."""
    watched = WatchedFile(file)
    try:
        parquet = pq.ParquetFile(watched, buffer_size=BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True)
        schema = parquet.schema_arrow
    except ERRORS as error:
        return _problem(watched, error)
    kind = text_type(schema, source.layout.text)
    if kind is None:
        return Problem("parquet", f"no column {source.layout.text!r}")
    if source.layout.chat is None and not has_text(kind):
        return Problem("type", f"{source.layout.text!r} is {kind}, not a string")
    if source.layout.chat is not None and not pa.types.is_list(kind):
        return Problem("type", f"{source.layout.text!r} is {kind}, not a list of messages")
    groups = [parquet.metadata.row_group(number) for number in range(parquet.metadata.num_row_groups)]
    opened = Opened(watched, parquet, [group.num_rows for group in groups], [group.total_byte_size for group in groups])
    return opened if _is_sane(opened.rows) else Problem("parquet", "the row groups' sizes are impossible")


def row_group_extents(source: SourceOptions, file: BinaryIO, split_bytes: int) -> list[tuple[int, int]]:
    """Cut a file into ranges of row groups of at most `split_bytes` (uncompressed), or of one row group."""
    opened = open_parquet(source, file)
    if isinstance(opened, Problem):
        return [(0, -1)]
    extents: list[tuple[int, int]] = []
    size = 0
    for group, more in enumerate(opened.sizes):
        if size + more > split_bytes or not extents:
            extents.append((group, group))
            size = 0
        extents[-1] = (extents[-1][0], group + 1)
        size += more
    return extents or [(0, -1)]


def read_row_groups(source: SourceOptions, file: BinaryIO, start: int, end: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the row groups [start, end); `end` -1 is the file's end."""
    opened = open_parquet(source, file)
    if isinstance(opened, Problem):
        yield unreadable(raw_schema(source), 0, opened)
        return
    groups = range(start, len(opened.rows) if end < 0 else end)
    yield from regroup(chain.from_iterable(_rows(source, opened, group) for group in groups))


def _is_sane(rows: list[int]) -> bool:
    return all(count >= 0 for count in rows) and sum(rows) < 2**63


def _rows(source: SourceOptions, opened: Opened, group: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a row group; the first that cannot be read stands for all that follow it."""
    frames = Frames(source, opened.parquet.schema_arrow)
    ordinal = sum(opened.rows[:group])
    end = ordinal + opened.rows[group]
    problem = Problem("parquet", f"row group {group} ends before its {opened.rows[group]} rows")
    for frame in _frames(opened, group, frames.columns):
        if isinstance(frame, Problem):
            problem = frame
        else:
            yield frames.batch(frame, ordinal)
            ordinal += len(frame)
    if ordinal < end:
        yield unreadable(raw_schema(source), ordinal, problem)


def _frames(opened: Opened, group: int, columns: list[str]) -> Iterator[pa.RecordBatch | Problem]:
    mean = max(1, opened.sizes[group] // max(1, opened.rows[group]))
    rows = max(1, min(READ_ROWS, BATCH_BYTES // mean))
    try:
        yield from opened.parquet.iter_batches(rows, [group], columns, use_threads=False)
    except ERRORS as error:
        yield _problem(opened.file, error)


def _problem(file: WatchedFile, error: Exception) -> Problem:
    """Return what pyarrow says of a corrupt file, in one line; what the file itself raised is raised again."""
    if file.failure is not None:
        raise file.failure
    return Problem("parquet", " ".join(str(error).split()))
