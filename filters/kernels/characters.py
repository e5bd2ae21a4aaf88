"""Steps from character to character in valid UTF-8.

In:  bytes and a place in them.
Out: places, and what kind of character stands there.
Guaranteed: a place between two characters leads to another one; nothing is read outside the bounds given.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined
from filters.kernels.flags import ALNUM, STRIPPED
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

UNDERSCORE = 0x5F


@inlined
def before(data: U8, at: int) -> int:
    """Return where the character begins that ends at `at`; `at` is not the first place."""
    at -= 1
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


@inlined
def is_space(code: int, classes: U32) -> bool:
    r"""Whether `\s` of a regular expression finds this character (`str.isspace`)."""
    return bool(classes[code] & STRIPPED)


@inlined
def is_word(code: int, classes: U32) -> bool:
    r"""Whether `\w` of a regular expression finds this character: alphanumeric, or '_'."""
    return code == UNDERSCORE or bool(classes[code] & ALNUM)


@inlined
def word_at(data: U8, at: int, stop: int, classes: U32) -> bool:
    r"""Whether a character of `\w` stands at `at`, which may be the end."""
    if at >= stop:
        return False
    code, _ = decode(data, at)
    return is_word(code, classes)
