"""New texts from pieces of old ones: bytes are copied in runs, nothing is decoded.

In:  UTF-8 bytes, and which pieces of them are kept.
Out: the bytes of the new texts, and where each text begins; or the same bytes without what was cut out.
Guaranteed: pieces that begin and end between characters give valid UTF-8; two passes, the second of which copies.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.compiled import inlined, kernel

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


@inlined
def copy_bytes(source: U8, target: U8) -> None:
    """Copy bytes."""
    for at in range(len(source)):
        target[at] = source[at]


@kernel
def _joined_offsets(first: I64, start: I64, end: I64, kept: U8) -> I64:
    offsets = np.zeros(len(first), np.int64)
    for text in range(len(first) - 1):
        size = pieces = np.int64(0)
        for piece in range(first[text], first[text + 1]):
            size += (end[piece] - start[piece]) * kept[piece]
            pieces += kept[piece]
        offsets[text + 1] = offsets[text] + size + max(pieces - 1, 0)
    return offsets


@kernel
def joined(data: U8, first: I64, pieces: tuple[I64, I64, U8], separator: int) -> tuple[U8, I64]:
    """Join the kept pieces of each text.

    Args:
        data: uint8, the bytes that the pieces lie in.
        first: int64, one more than texts; the pieces of text d are numbers `first[d]` to `first[d + 1]`.
        pieces: start (int64), end (int64) and kept (uint8, 1 or 0) of each piece.
        separator: the byte between two pieces; the new texts are UTF-8 if it is ASCII.

    Returns:
        The bytes (uint8) and the offsets (int64, one more than texts) of the new texts.
    """
    start, end, kept = pieces
    offsets = _joined_offsets(first, start, end, kept)
    out = np.empty(offsets[-1], np.uint8)
    for text in range(len(first) - 1):
        at, begun = offsets[text], False
        for piece in range(first[text], first[text + 1]):
            if not kept[piece]:
                continue
            if begun:
                out[at] = separator
                at += 1
            begun = True
            size = end[piece] - start[piece]
            copy_bytes(data[start[piece] : end[piece]], out[at : at + size])
            at += size
    return out, offsets


@kernel
def without(data: U8, cut_start: I64, cut_end: I64) -> U8:
    """Return the bytes without those of ascending, disjoint cuts."""
    out = np.empty(len(data) - np.sum(cut_end - cut_start), np.uint8)
    at, read = 0, 0
    for cut in range(len(cut_start)):
        size = cut_start[cut] - read
        copy_bytes(data[read : cut_start[cut]], out[at : at + size])
        at += size
        read = cut_end[cut]
    copy_bytes(data[read:], out[at:])
    return out


@kernel
def moved(places: I64, cut_start: I64, cut_end: I64) -> I64:
    """Return where ascending places, none of them inside a cut, lie after `without`."""
    out = np.empty_like(places)
    cut, gone = 0, np.int64(0)
    for number in range(len(places)):
        while cut < len(cut_end) and cut_end[cut] <= places[number]:
            gone += cut_end[cut] - cut_start[cut]
            cut += 1
        out[number] = places[number] - gone
    return out


def texts_of(data: U8, offsets: I64) -> pa.LargeStringArray:
    """Return texts as an Arrow array over these very buffers: UTF-8 bytes, and int64 offsets, one more than texts."""
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))


def bytes_of(texts: pa.LargeStringArray) -> tuple[U8, I64]:
    """Return the bytes of all texts, without copying them, and where each begins: int64, one more than texts."""
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    held = np.frombuffer(b"" if data is None else data, np.uint8)[bounds[0] : bounds[-1]]
    return held, bounds - bounds[0]
