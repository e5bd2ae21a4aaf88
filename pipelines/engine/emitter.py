"""Emitting: how a task writes the rows that others will read by key.

In:  batches of rows, in any order.
Out: one `.rows` file with one segment per full buffer, and notes for the task's receipt.
Guaranteed: the content hash depends on the rows alone, not on batches, their order, or `spill_bytes`. The file appears
when the emitter is closed. Memory stays below `spill_bytes` and one batch, and while the buffer is sorted 20 bytes a
row (65 if all share their key); `combine` holds the buffer twice.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from pipelines.engine.rowhash import RowHash
from pipelines.engine.rows import Indices, Layout, Rows, opaque, total_order
from pipelines.engine.segments import SegmentWriter
from pipelines.engine.storage import Storage

SPILL_BYTES = 256 * 1024 * 1024
Combine = Callable[[Rows], Rows]


@dataclass(frozen=True)
class Emitted:
    """What a task emitted.

    Args:
        rows: number of rows added.
        content: hash of the rows added, before `combine`; see `rowhash`.
        segments: number of sorted streams in the file.
        bytes: size of the file.
        hash: hex digits (xxh3_128) of the file's bytes, which depend on `spill_bytes`.
    """

    rows: int
    content: str
    segments: int
    bytes: int
    hash: str


class Emitter:
    """Sorts rows and writes them; as a context manager it is closed by the block's end, or given up by its error.

    Args:
        storage: where to.
        path: the file.
        layout: of all rows.
        spill_bytes: size of the buffer; a batch that is larger becomes a segment of its own.
        combine: makes fewer rows of the sorted rows of one segment, for instance one per key. It sees the rows of a
            key in as many pieces as there are segments, so who reads them combines again, and
            combine(a + b) must be combine(combine(a) + combine(b)).
    """

    def __init__(
        self,
        storage: Storage,
        path: str,
        layout: Layout,
        spill_bytes: int = SPILL_BYTES,
        combine: Combine | None = None,
    ) -> None:
        self._buffer = _Buffer(layout, spill_bytes)
        self._combine = combine
        self._hash = RowHash(layout)
        self._rows = 0
        self._file = ExitStack()
        self._writer = SegmentWriter(self._file.enter_context(storage.write(path)), layout)
        self._notes: Emitted | None = None

    def add(self, rows: Rows) -> None:
        """Take rows; a full buffer is written.

        Raises:
            ValueError: the emitter is closed.
        """
        if self._notes is not None:
            raise ValueError("the emitter is closed")
        with self._giving_up_on_error():
            self._hash.update(rows)
            self._rows += len(rows)
            if not self._buffer.has_room_for(rows):
                self._spill(self._buffer.rows)
                self._buffer.clear()
            if self._buffer.has_room_for(rows):
                self._buffer.append(rows)
            else:
                self._spill(rows)

    def close(self) -> Emitted:
        """Write what is left and give the file its name; a second call returns the same notes."""
        if self._notes is None:
            with self._giving_up_on_error():
                self._spill(self._buffer.rows)
                self._writer.finish()
            self._file.close()
            self._notes = Emitted(
                self._rows, self._hash.hexdigest(), self._writer.segments, self._writer.size, self._writer.hash
            )
        return self._notes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.__exit__(kind, error, trace)

    def _spill(self, rows: Rows) -> None:
        if not len(rows):
            return
        order = _order(rows)
        if self._combine is not None:
            rows = self._combine(rows.take(order))
            order = _order(rows)
        self._writer.write(rows, order)

    @contextmanager
    def _giving_up_on_error(self) -> Iterator[None]:
        """Leave no file where the block fails, and let the storage say why (a full disk has its own error)."""
        try:
            yield
        except BaseException as error:
            self._file.__exit__(type(error), error, error.__traceback__)
            raise


class _Buffer:
    """Room for rows, reserved once; the system provides memory only for what is used."""

    def __init__(self, layout: Layout, capacity: int) -> None:
        self._capacity = capacity
        self._header = np.empty(capacity // layout.dtype.itemsize, layout.dtype)
        self._payload = np.empty(capacity, np.uint8)
        self.clear()

    @property
    def rows(self) -> Rows:
        """The rows held, over the buffer's memory: valid until the next `append`."""
        return Rows(self._header[: self._count], self._payload[: self._bytes])

    def has_room_for(self, rows: Rows) -> bool:
        used = self._count * self._header.dtype.itemsize + self._bytes
        return used + rows.nbytes <= self._capacity

    def append(self, rows: Rows) -> None:
        opaque(self._header)[self._count : self._count + len(rows)] = opaque(rows.header)
        self._payload[self._bytes : self._bytes + len(rows.payload)] = rows.payload
        self._count += len(rows)
        self._bytes += len(rows.payload)

    def clear(self) -> None:
        self._count = self._bytes = 0


def _order(rows: Rows) -> Indices:
    return total_order(rows["key"], rows["row"], rows["slot"])
