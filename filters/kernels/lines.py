"""Lines: one scan that finds where each line lies.

In:  the UTF-8 bytes of texts.
Out: arrays with one value per line.
Guaranteed: the lines of `str.splitlines`, on every Python; a line never spans two texts.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel
from filters.kernels.flags import LINE_END
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

Found = tuple[I64, I64, I64, I32]
"""First (one more than texts), then per line start, end and chars, as in `filters/kernels/scans.py`."""


def room_for_lines(texts: int, most: int) -> Found:
    """Make room for what is found."""
    return np.zeros(texts + 1, np.int64), np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int32)


@kernel
def text_lines(data: U8, offsets: I64, classes: U32, found: Found) -> None:
    """Find the lines of texts.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        classes: uint32 flags by code point.
        found: is filled; where there was not room enough, `first[-1]` is greater than the room, and the rest of no use.
    """
    first, start, end, chars = found
    count = 0
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        begun, length = at, np.int32(0)
        while at < stop:
            code, size = decode(data, at)
            if classes[code] & LINE_END:
                if count < len(start):
                    start[count], end[count], chars[count] = begun, at, length
                count += 1
                at += 2 if code == 13 and at + 1 < stop and data[at + 1] == 10 else size
                begun, length = at, np.int32(0)
            else:
                length += np.int32(1)
                at += size
        if begun < stop:
            if count < len(start):
                start[count], end[count], chars[count] = begun, stop, length
            count += 1
        first[text + 1] = count
