"""Parts: Parquet tables that tasks write once and read in step with the rows of their split.

In:  tables, one after another.
Out: a file under its final name, and what its receipt will say of it.
Guaranteed: the same tables give the same bytes; the content hash counts logical values, so a new zstd is not new data.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from pipelines.engine.keys import content_hash
from pipelines.engine.receipts import FileNote
from pipelines.engine.storage import Storage

GROUP_ROWS = 65_536
"""Rows per row group, so that boundaries depend on the rows alone."""


class HashingFile:
    """A binary file that hashes and counts what is written through it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = xxhash.xxh3_128()
        self._discarding = False
        self.bytes = 0
        self.closed = False

    def discard(self) -> None:
        """From now on write nothing."""
        self._discarding = True

    def write(self, data: bytes) -> int:
        """Write `data` and take it into the hash."""
        if self._discarding:
            return len(data)
        self._digest.update(data)
        self._file.write(data)
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Flush the file below."""
        self._file.flush()

    def note(self) -> FileNote:
        """Return size and hash of all that was written."""
        return FileNote(bytes=self.bytes, hash=self._digest.hexdigest())


def _parquet(file: pa.PythonFile, schema: pa.Schema) -> pq.ParquetWriter:
    """Return what writes a part; texts and runs are all different and long: no dictionary is tried, no bound kept."""
    long = (pa.large_string(), pa.large_binary())
    short = [field.name for field in schema if field.type not in long]
    some = short if len(short) < len(schema) else True
    return pq.ParquetWriter(
        file, schema, compression="zstd", compression_level=1, use_dictionary=some, write_statistics=some
    )


class PartWriter:
    """Writes one table part in row groups of `GROUP_ROWS` rows; use as a context manager.

    Args:
        storage: the build folder.
        part: path of the part in it; the file appears only when the block ends without an error.
        schema: schema of every table added.
        grouped: gather rows into groups of `GROUP_ROWS`; False makes each table added a group (for long texts).
    """

    def __init__(self, storage: Storage, part: str, schema: pa.Schema, *, grouped: bool = True) -> None:
        self.part = part
        self.rows = 0
        self._schema = schema
        self._group_rows = GROUP_ROWS if grouped else 1
        self._open = False
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self._digest = xxhash.xxh3_128()
        self._opening: AbstractContextManager[BinaryIO] = storage.write(part)

    def __enter__(self) -> Self:
        self._file = HashingFile(self._opening.__enter__())
        self._parquet = _parquet(pa.PythonFile(self._file, mode="w"), self._schema)
        self._open = True
        return self

    def abandon(self) -> None:
        """Throw away what was written; the file never appears."""
        abandoned = InterruptedError(f"{self.part} is not needed")
        self.__exit__(InterruptedError, abandoned, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._open:
            return
        self._open = False
        if kind is None:
            self._finish()
        else:
            self._give_up(error, trace)

    def _finish(self) -> None:
        try:
            self._flush(self._pending_rows)
            self._parquet.close()
        except BaseException as failure:
            self._give_up(failure, failure.__traceback__)
            raise
        self._opening.__exit__(None, None, None)

    def _give_up(self, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave no file; what the Parquet library still writes when it is let go of goes nowhere."""
        self._file.discard()
        self._parquet.is_open = False
        self._opening.__exit__(None if error is None else type(error), error, trace)

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        self.rows += table.num_rows
        self._pending.append(table)
        self._pending_rows += table.num_rows
        if self._pending_rows >= self._group_rows:
            self._flush(self._pending_rows // self._group_rows * self._group_rows)

    def _flush(self, rows: int) -> None:
        if rows == 0:
            return
        table = pa.concat_tables(self._pending)
        size = max(self._group_rows, rows) if self._group_rows == 1 else self._group_rows
        for start in range(0, rows, size):
            group = table.slice(start, min(size, rows - start)).combine_chunks()
            self._digest.update(content_hash(group).encode())
            self._parquet.write_table(group, row_group_size=size)
        self._pending = [table.slice(rows)]
        self._pending_rows -= rows

    @property
    def files(self) -> dict[str, FileNote]:
        """What the receipt says of the file, once the block has ended."""
        return {self.part: self._file.note()}

    @property
    def content(self) -> str:
        """Hash of the logical values of all rows, once the block has ended."""
        return self._digest.hexdigest()


def read_part(storage: Storage, part: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table part whole."""
    with storage.open(part) as file:
        return pq.ParquetFile(file).read(columns=None if columns is None else list(columns), use_threads=False)


def scan_part(storage: Storage, part: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Read a table part row group by row group; of a part without rows, one empty table."""
    names = None if columns is None else list(columns)
    with storage.open(part) as file:
        parquet = pq.ParquetFile(file)
        if parquet.num_row_groups == 0:
            yield parquet.read(columns=names, use_threads=False)
        for group in range(parquet.num_row_groups):
            yield parquet.read_row_group(group, columns=names, use_threads=False)


class AlignedReader:
    """Reads a row-aligned part in step with its split: `take(n)` gives the next n rows.

    Args:
        storage: the build folder.
        part: path of the part.
        columns: columns to read; all of them by default.
    """

    def __init__(self, storage: Storage, part: str, columns: Sequence[str] | None = None) -> None:
        self._groups = scan_part(storage, part, columns)
        self._held: list[pa.Table] = []
        self._rows = 0

    def take(self, rows: int) -> pa.Table:
        """Return the next `rows` rows; at the end of the part, those that are left."""
        while self._rows < rows or not self._held:
            group = next(self._groups, None)
            if group is None:
                break
            self._held.append(group)
            self._rows += group.num_rows
        table = pa.concat_tables(self._held)
        self._held = [table.slice(rows)]
        self._rows = max(self._rows - rows, 0)
        return table.slice(0, rows)
