"""Words between white space: where the word that begins here ends.

In:  a byte of valid UTF-8 at which a word begins.
Out: the byte behind the word, its code points, and the flags of its characters.
Guaranteed: a word is a longest run of characters without the property White_Space. Eight bytes of ASCII in which there
     is no space are one step; what is left is read character by character.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel
from filters.kernels.flags import LETTER, WHITE_SPACE
from filters.kernels.hashing import WIDTH, load
from filters.kernels.swar import bytes_before, first_bytes, letters, unusual
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

SPACE = np.uint8(0x20)
LETTERS = np.uint32(LETTER)
NOTHING = np.uint32(0)


@inlined
def letter_flag(block: np.uint64) -> np.uint32:
    """Return LETTER if some byte of ASCII is a letter."""
    return LETTERS if letters(block) else NOTHING


@inlined
def word_end(data: U8, at: int, stop: int, classes: U32) -> tuple[int, int, np.uint32]:
    """Return the end of the word, its characters, and their flags (of ASCII, LETTER alone).

    Args:
        data: uint8, all texts.
        at: where the word begins.
        stop: the byte behind its text.
        classes: uint32 flags by code point.
    """
    if at + WIDTH <= stop:
        block = load(data, at)
        marks = unusual(block)
        size = bytes_before(marks)
        if marks and data[at + size] == SPACE:
            return at + size, size, letter_flag(first_bytes(block, size))
    return _long_word_end(data, at, stop, classes)


@kernel
def _long_word_end(data: U8, begun: int, stop: int, classes: U32) -> tuple[int, int, np.uint32]:
    """Return the same for a word of any kind."""
    at = begun
    flags = NOTHING
    while at + WIDTH <= stop:
        block = load(data, at)
        marks = unusual(block)
        if marks:
            break
        flags |= letter_flag(block)
        at += WIDTH
    chars = at - begun
    while at < stop:
        code, size = decode(data, at)
        if classes[code] & WHITE_SPACE:
            break
        flags |= classes[code]
        chars += 1
        at += size
    return at, chars, flags
