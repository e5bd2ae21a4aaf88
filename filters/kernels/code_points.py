"""Code points of UTF-8, counted without decoding: as many as there are bytes that continue none.

In:  valid UTF-8 bytes, and what lies where in them.
Out: numbers of code points.
Guaranteed: sixty-four bytes are one step, but for those at the end of the buffer.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.vectors import STEP, below, bit_count, characters

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


@leaf
def code_points(data: U8, start: int, end: int) -> int:
    """Return the code points of `data[start:end]`."""
    count, at = 0, start
    while at < end and at + signed(STEP) <= len(data):
        count += bit_count(characters(data, np.uint64(at)) & below(np.uint64(end - at)))
        at += signed(STEP)
    while at < end:
        count += data[at] & 0xC0 != 0x80
        at += 1
    return count


@kernel
def text_code_points(data: U8, offsets: I64) -> I64:
    """Return the code points of each text (int64); text d is `data[offsets[d]:offsets[d + 1]]`."""
    counts = np.empty(len(offsets) - 1, np.int64)
    for text in range(len(counts)):
        counts[text] = code_points(data, offsets[text], offsets[text + 1])
    return counts


@kernel
def piece_code_points(data: U8, start: I64, end: I64) -> I64:
    """Return the code points of each piece (int64), given the byte at which it begins and the one behind it."""
    counts = np.empty(len(start), np.int64)
    for piece in range(len(start)):
        counts[piece] = code_points(data, start[piece], end[piece])
    return counts
