"""Rows: what an exchange carries, in memory.

In:  columns of numbers, and optionally a payload of bytes per row.
Out: `Rows`: one array of fixed headers and one buffer with the payloads, one after another.
Guaranteed: no Python object per row; a value that does not fit its column is refused, not cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Header = npt.NDArray[np.void]
Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]
KEY_MAX = (1 << 64) - 1
RESERVED = frozenset({"key", "row", "slot", "length", "split"})


@dataclass(frozen=True)
class Layout:
    """The fixed columns of a kind of row, beyond key, row, slot and the payload's length.

    Args:
        columns: (name, numpy dtype) such as ("low", "u8") or ("score", "f4"); stored little-endian, without gaps.
    """

    columns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names = [name for name, _ in self.columns]
        if len(set(names)) < len(names) or RESERVED & set(names):
            raise ValueError(f"columns {names} must differ from each other and from {sorted(RESERVED)}")

    @cached_property
    def dtype(self) -> np.dtype[np.void]:
        """The header: key u8, row u4, slot u4, the columns, length u4."""
        own = [(name, np.dtype(kind).newbyteorder("<")) for name, kind in self.columns]
        return np.dtype([("key", "<u8"), ("row", "<u4"), ("slot", "<u4"), *own, ("length", "<u4")])


@dataclass(frozen=True)
class Rows:
    """Rows of one layout.

    Args:
        header: structured array: key, row, slot, the layout's columns, length, and `split` (int64) once they were read.
        payload: uint8 array, the payloads in row order, sum(length) bytes.
    """

    header: Header
    payload: Bytes

    def __post_init__(self) -> None:
        held = int(self.header["length"].sum(dtype=np.int64))
        if held != len(self.payload):
            raise ValueError(f"lengths add up to {held} bytes, the payload has {len(self.payload)}")

    @classmethod
    def build(
        cls,
        layout: Layout,
        *,
        key: npt.ArrayLike,
        row: npt.ArrayLike,
        slot: npt.ArrayLike = 0,
        payloads: Sequence[bytes] | pa.Array | pa.ChunkedArray | None = None,
        **columns: npt.ArrayLike,
    ) -> "Rows":
        """Make rows from columns; scalars are repeated.

        Args:
            layout: which columns there are; all of them must be given.
            key: what the exchange is by, uniform over 64 bits.
            row: number of the record in its split.
            slot: which band, line or piece of the record.
            payloads: bytes per row: a list, or an Arrow (large) binary array without nulls.
            columns: the layout's columns.

        Raises:
            ValueError: a column is missing, unknown, of another length, or holds a value that does not fit.
        """
        values = {"key": key, "row": row, "slot": slot, **columns}
        lengths, payload = _flatten(payloads)
        header = np.empty(len(np.atleast_1d(np.asarray(key))), layout.dtype)
        if set(values) | {"length"} != set(layout.dtype.names or ()):
            raise ValueError(f"columns {sorted(columns)} given, {[name for name, _ in layout.columns]} expected")
        for name, value in values.items():
            header[name] = _fitting(name, value, layout.dtype[name])
        header["length"] = lengths
        return cls(header, payload)

    @classmethod
    def empty(cls, dtype: np.dtype[np.void]) -> "Rows":
        """Return no rows, with headers of `dtype`."""
        return cls(np.empty(0, dtype), np.empty(0, np.uint8))

    @classmethod
    def concat(cls, pieces: Sequence["Rows"]) -> "Rows":
        """Return the rows of all pieces (at least one), in this order.

        Raises:
            ValueError: the pieces differ in their layout.
        """
        if len(pieces) == 1:
            return pieces[0]
        dtype, *others = {piece.header.dtype for piece in pieces}
        if others:
            raise ValueError(f"rows of different layouts: {dtype} and {others[0]}")
        header = np.concatenate([opaque(piece.header) for piece in pieces]).view(dtype)
        return cls(header, np.concatenate([piece.payload for piece in pieces]))

    def __len__(self) -> int:
        return len(self.header)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return one column of the header."""
        column: npt.NDArray[Any] = self.header[name]
        return column

    def of_split(self, number: int) -> "Rows":
        """Return the rows with one more field at the end of their header: `split`, the same for all."""
        header = np.empty(len(self), [("head", f"V{self.header.dtype.itemsize}"), ("split", "<i8")])
        header["head"] = opaque(self.header)
        header["split"] = number
        return Rows(header.view([*self.header.dtype.descr, ("split", "<i8")]), self.payload)

    @property
    def split(self) -> Indices:
        """The number of the split that each row comes from: int64, only of rows that were read."""
        return self.header["split"]

    @property
    def nbytes(self) -> int:
        """Size in bytes, headers and payloads."""
        return self.header.nbytes + self.payload.nbytes

    @cached_property
    def offsets(self) -> Indices:
        """Where each payload begins, and after them the end: int64, one more than rows."""
        return offsets_of(self.header["length"])

    def payloads(self) -> pa.LargeBinaryArray:
        """Return the payloads as an Arrow array over the same memory."""
        buffers = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.payload)]
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(self), buffers)

    def slice(self, start: int, end: int) -> "Rows":
        """Return the rows [start, end), over the same memory."""
        return Rows(self.header[start:end], self.payload[self.offsets[start] : self.offsets[end]])

    def take(self, indices: npt.NDArray[Any]) -> "Rows":
        """Return the rows at `indices` (or where a boolean mask is true), in this order."""
        places = np.flatnonzero(indices) if indices.dtype == np.bool_ else indices
        header = np.take(opaque(self.header), places).view(self.header.dtype)
        if not len(self.payload):
            return Rows(header, self.payload)
        return Rows(header, _contiguous(self.payloads().take(pa.array(places))))


def offsets_of(lengths: npt.NDArray[Any]) -> Indices:
    """Return the running sum of `lengths` from 0: int64, one more than there are."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, dtype=np.int64, out=offsets[1:])
    return offsets


def total_order(key: npt.NDArray[np.uint64], *minor: npt.NDArray[Any]) -> Indices:
    """Return the indices that sort by key, then by the minor columns, then by place.

    Keys are mostly different: their leading bits are sorted first, and only rows that share those are compared whole.
    """
    leading, order = _sort_leading_bits(key)
    tied = np.zeros(len(key), np.bool_)
    tied[1:] = leading[1:] == leading[:-1]
    tied[:-1] |= tied[1:]
    places = np.flatnonzero(tied)
    if len(places):
        among = order[places]
        columns = [column[among] for column in (key, *minor)]
        order[places] = among[np.lexsort(columns[::-1])]
    return order


def _sort_leading_bits(key: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], Indices]:
    """Return the sorted leading bits of the keys, and which row each belongs to.

    Bits and place share one 64-bit number, since numpy sorts numbers several times faster than it sorts indices.
    """
    least, most = int(key.min(initial=KEY_MAX)), int(key.max(initial=0))
    places = len(key).bit_length()
    cut = max((most - least).bit_length() + places - 64, 0) if len(key) else 0
    packed = key - np.uint64(least)
    packed >>= np.uint64(cut)
    packed <<= np.uint64(places)
    packed |= np.arange(len(key), dtype=np.uint64)
    packed.sort()
    order = (packed & np.uint64((1 << places) - 1)).view(np.int64)
    packed >>= np.uint64(places)
    return packed, order


def opaque(header: Header) -> Header:
    """View headers as plain bytes, which numpy copies several times faster than fields."""
    return np.ascontiguousarray(header).view(f"V{header.dtype.itemsize}")


def _fitting(name: str, value: npt.ArrayLike, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return `value` in its column's type.

    Raises:
        ValueError: a value would change (floats may be rounded).
    """
    given = np.asarray(value)
    if np.can_cast(given.dtype, dtype, "same_kind" if dtype.kind == "f" else "safe"):
        return given
    cast = given.astype(dtype, casting="unsafe")
    if not np.array_equal(cast, given):
        raise ValueError(f"column {name}: a value does not fit {dtype}")
    return cast


def _flatten(payloads: Sequence[bytes] | pa.Array | pa.ChunkedArray | None) -> tuple[npt.NDArray[Any] | int, Bytes]:
    """Return the lengths (0 for all, where there are no payloads) and the bytes, one after another."""
    if payloads is None:
        return 0, np.empty(0, np.uint8)
    if isinstance(payloads, pa.ChunkedArray):
        payloads = payloads.combine_chunks()
    array = payloads if isinstance(payloads, pa.Array) else pa.array(payloads, pa.large_binary())
    array = array.cast(pa.large_binary())
    if array.null_count:
        raise ValueError("a payload is null; an empty one is b''")
    return np.diff(_arrow_offsets(array)), _contiguous(array)


def _arrow_offsets(array: pa.LargeBinaryArray) -> Indices:
    offsets = array.buffers()[1]
    if offsets is None or not len(array):
        return np.zeros(len(array) + 1, np.int64)
    return np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]


def _contiguous(array: pa.LargeBinaryArray) -> Bytes:
    """Return the bytes of all values of an array without nulls, over the same memory."""
    data = array.buffers()[2]
    if data is None:
        return np.empty(0, np.uint8)
    offsets = _arrow_offsets(array)
    return np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
