"""One pinned version of Unicode, 14.0, for every kernel: what a character is, whatever Python runs.

In:  `codepoints.npy`, made by `make_codepoints.py`.
Out: `CLASSES`, uint32[0x110000], the bits of `filters/kernels/flags.py`; `LOWERCASE`, int32[0x110000], the lower-case
     code point, the character's own where it has none or where it takes more than one (U+0130).
Guaranteed: the same on every supported Python. The arrays are handed to kernels as arguments.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, signed
from filters.kernels.flags import BLOCK

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]


def _load() -> tuple[U32, I32]:
    stored = np.load(Path(__file__).with_name("codepoints.npy"))
    ends = 4 + np.cumsum(stored[:4].astype(np.int64))
    numbers, blocks, lower_numbers, lower_blocks = np.split(stored[4:], ends[:3] - 4)
    classes = blocks.reshape(-1, BLOCK)[numbers].reshape(-1)
    distances = lower_blocks.reshape(-1, BLOCK)[lower_numbers].reshape(-1)
    codes = np.arange(len(classes), dtype=np.uint32)
    return classes, (codes + distances).astype(np.int32)


CLASSES, LOWERCASE = _load()


@inlined
def decode(data: U8, at: int) -> tuple[int, int]:
    """Return the code point that begins at byte `at` of valid UTF-8, and its number of bytes."""
    first = signed(data[at])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        return (first & 0x1F) << 6 | (signed(data[at + 1]) & 0x3F), 2
    if first < 0xF0:
        return (first & 0x0F) << 12 | (signed(data[at + 1]) & 0x3F) << 6 | (signed(data[at + 2]) & 0x3F), 3
    high = (first & 0x07) << 18 | (signed(data[at + 1]) & 0x3F) << 12
    return high | (signed(data[at + 2]) & 0x3F) << 6 | (signed(data[at + 3]) & 0x3F), 4
