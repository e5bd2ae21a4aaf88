"""From places counted in characters to places counted in bytes.

In:  valid UTF-8 texts, and ascending places in them, in characters.
Out: the same places in bytes.
Guaranteed: a place behind the end of a text is its end; each text is walked over once, up to its last place.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


@kernel
def byte_places(data: U8, offsets: I64, text: I64, place: I64) -> I64:
    """Return where places lie in `data`.

    Args:
        data: uint8, holds the texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        offsets: int64, one more than texts.
        text: int64, the text of each place, ascending.
        place: int64, in characters (code points) from the beginning of its text, ascending in each.
    """
    out = np.empty_like(place)
    current, at, passed = np.int64(-1), np.int64(0), np.int64(0)
    for number in range(len(place)):
        if text[number] != current:
            current, at, passed = text[number], offsets[text[number]], np.int64(0)
        end = offsets[current + 1]
        while at < end and passed < place[number]:
            at += 1
            while at < end and data[at] & 0xC0 == 0x80:
                at += 1
            passed += 1
        out[number] = at
    return out
