"""White space at the edges of a line or a text, as `str.strip` takes it away.

In:  a span of valid UTF-8.
Out: where what is left begins and ends.
Guaranteed: only the characters at the edges are looked at.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel
from filters.kernels.flags import STRIPPED
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]


@kernel
def begin_behind_space(data: U8, start: int, end: int, classes: U32) -> int:
    """Return where the first character stands that is left; `end` where none is."""
    at = start
    while at < end:
        code, size = decode(data, at)
        if not classes[code] & STRIPPED:
            break
        at += size
    return at


@kernel
def end_before_space(data: U8, start: int, end: int, classes: U32) -> int:
    """Return the byte behind the last character that is left; `start` where none is."""
    stop = end
    while stop > start:
        at = stop - 1
        while data[at] & 0xC0 == 0x80:
            at -= 1
        code, _ = decode(data, at)
        if not classes[code] & STRIPPED:
            break
        stop = at
    return stop
