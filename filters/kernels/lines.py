"""Lines: one scan that finds where each line lies.

In:  the UTF-8 bytes of texts.
Out: arrays with one value per line.
Guaranteed: the lines of `str.splitlines`, on every Python; a line never spans two texts. Sixty-four bytes are one step:
     only bytes that may begin a line end are looked at by themselves, and code points are counted, not decoded.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.vectors import ONE, STEP, below, bit_count, characters, line_end_heads, lowest, rest_of

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

Found = tuple[I64, I64, I64, I32]
"""First (one more than texts), then per line start, end and chars, as in `filters/kernels/scans.py`."""

LINE_FEED, CARRIAGE_RETURN = 0x0A, 0x0D
NEXT_LINE, SEPARATORS = (0xC2, 0x85), (0xE2, 0x80, 0xA8)
"""Bytes of U+0085, and of U+2028, from which U+2029 differs in the last bit."""


def room_for_lines(texts: int, most: int) -> Found:
    """Make room for what is found."""
    return np.zeros(texts + 1, np.int64), np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int32)


@leaf
def _line_end(data: U8, at: int, stop: int) -> tuple[int, int]:
    """Return the bytes and the code points of the line end at a byte of `line_end_heads`; 0 bytes if there is none."""
    place = np.uint64(at)
    byte = data[place]
    if byte == CARRIAGE_RETURN and at + 1 < stop and data[place + ONE] == LINE_FEED:
        return 2, 2
    if byte < 0x80:
        return 1, 1
    if byte == NEXT_LINE[0]:
        return 2 * (data[place + ONE] == NEXT_LINE[1]), 1
    last = data[place + ONE + ONE] & 0xFE
    return 3 * (data[place + ONE] == SEPARATORS[1] and last == SEPARATORS[2]), 1


@leaf
def _marks(data: U8, at: int, left: int) -> tuple[np.uint64, np.uint64]:
    """Mark what may begin a line end, and what begins a code point, in the `left` bytes from `at` on."""
    place, inside = np.uint64(at), below(np.uint64(left))
    return line_end_heads(data, place) & inside, characters(data, place) & inside


@leaf
def _enter(found: Found, count: int, begun: int, stop: int, chars: int) -> int:
    """Enter a line, where there is room; return how many there are then."""
    _, start, end, lengths = found
    if count < len(start):
        start[count], end[count], lengths[count] = begun, stop, chars
    return count + 1


@kernel
def text_lines(data: U8, offsets: I64, _classes: U32, found: Found) -> None:
    """Find the lines of texts.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        _classes: uint32 flags by code point; lines need none of them.
        found: is filled; where there was not room enough, `first[-1]` is greater than the room, and the rest of no use.
    """
    count = 0
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        begun, chars, before = at, 0, 0
        while at < stop:
            if at + signed(STEP) <= len(data):
                heads, points = _marks(data, at, stop - at)
            else:
                heads, points = _marks(rest_of(data, at), 0, stop - at)
            while heads:
                head = lowest(heads)
                heads &= heads - ONE
                place = at + signed(head)
                size, ends = _line_end(data, place, stop)
                if size and place >= begun:
                    here = chars + bit_count(points & below(head))
                    count = _enter(found, count, begun, place, here - before)
                    begun, before = place + size, here + ends
            chars += bit_count(points)
            at += signed(STEP)
        if begun < stop:
            count = _enter(found, count, begun, stop, chars - before)
        found[0][text + 1] = count
