"""Reading: sequences of the stream, by their places in it.

In:  an index.
Out: rows of shards, as tables.
Guaranteed: only the row groups that hold the sequences asked for are read, and sequences asked for in their order cost
    each row group one reading. One row group is kept.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import RequestError
from pipelines.loader.finished import footer_of
from pipelines.loader.index import Index

T = TypeVar("T")

AHEAD = 2
"""Batches that are read while the present one is used."""


class Reader:
    """Reads sequences; use as a context manager, from one thread at a time.

    Args:
        index: where they are.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._file = ExitStack()
        self._shard = self._group = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def rows(self, first: int, last: int) -> pa.Table:
        """Return the sequences from `first` to before `last`; of none, the columns.

        Raises:
            RequestError: a shard was replaced since the index was read.
            FileNotFoundError: a shard is gone.
        """
        if first == last:
            self._open(0)
            return self._parquet.schema_arrow.empty_table()
        groups = self._index.groups_of(first, last)
        return pa.concat_tables([self._rows_of(group, first, last) for group in groups])

    def _rows_of(self, group: int, first: int, last: int) -> pa.Table:
        """Return those of the sequences that are in a row group."""
        begin, end = self._index.starts[group : group + 2].tolist()
        held = self._read(group)
        return held.slice(max(first - begin, 0), max(min(last, end) - max(first, begin), 0))

    def _read(self, group: int) -> pa.Table:
        if group != self._group:
            shard, number = self._index.shard_of(group)
            self._open(shard)
            self._table = self._parquet.read_row_group(number, use_threads=False)
            self._group = group
        return self._table

    def _open(self, shard: int) -> None:
        if shard == self._shard:
            return
        self._file.close()
        path, storage = self._index.shards[shard], self._index.storage
        self._parquet = pq.ParquetFile(self._file.enter_context(storage.open(path)))
        if footer_of(self._parquet) != self._index.footers[shard]:
            raise RequestError(f"{storage.url}/{path} was replaced while it was read: the folder was built again")
        self._shard = shard


def read_ahead(read: Callable[[int], T], steps: Iterable[int]) -> Iterator[T]:
    """Yield `read(step)` for each step, in order; a thread is `AHEAD` calls ahead of who iterates."""
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(1, "loader") as thread:
        for step in steps:
            waiting.append(thread.submit(read, step))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
