"""White space at the edges of a line and between its words, as `str.strip` and `str.split` have it.

In:  UTF-8 bytes, and where a line lies in them.
Out: where it lies without white space at its edges; how many words it has; how long they are.
Guaranteed: what Python 3.11 says of the same string; no character is read twice; counting stops at the number asked.

This white space is the property White_Space and the four separators U+001C to U+001F: C4 and its copies call
`str.split`, while the words of `filters/kernels/words.py` know White_Space alone.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before
from filters.kernels.compiled import kernel, leaf
from filters.kernels.flags import STRIPPED
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

BLANK = 32


@leaf
def skip_spaces(data: U8, at: int, stop: int, classes: U32) -> int:
    """Return the first byte from `at` on, before `stop`, that is not white space; `stop` where there is none."""
    going = True
    while going and at < stop:
        code, size = decode(data, at)
        going = classes[code] & STRIPPED != 0
        at += size if going else 0
    return at


@leaf
def skip_spaces_back(data: U8, start: int, at: int, classes: U32) -> int:
    """Return where the last character between `start` and `at` ends that is not white space, or else `start`."""
    going = True
    while going and at > start:
        begun = before(data, at)
        code, _ = decode(data, begun)
        going = classes[code] & STRIPPED != 0
        at = begun if going else at
    return at


@kernel
def strip_lines(data: U8, start: I64, end: I64, classes: U32) -> tuple[I64, I64]:
    """Return starts and ends of lines without white space at their edges; a blank line is empty."""
    first, last = np.empty_like(start), np.empty_like(end)
    for line in range(len(start)):
        first[line] = skip_spaces(data, start[line], end[line], classes)
        last[line] = skip_spaces_back(data, first[line], end[line], classes)
    return first, last


@leaf
def has_words(data: U8, at: int, stop: int, least: int, classes: U32) -> bool:
    """Return whether `bytes[at:stop]` has at least that many words of `str.split`; it reads no more than these."""
    count, inside = 0, False
    while at < stop and count < least:
        code, size = decode(data, at)
        space = classes[code] & STRIPPED != 0
        if not space and not inside:
            count += 1
        inside = not space
        at += size
    return count >= least


@leaf
def has_longer_word(data: U8, at: int, stop: int, most: int, classes: U32) -> bool:
    """Return whether a word of `bytes[at:stop]` has more than `most` characters.

    Such a word has no blank in its first `most + 1` bytes: most text is leapt over from blank to blank.
    """
    while stop - at > most:
        blank = at + most
        while blank >= at and data[blank] != BLANK:
            blank -= 1
        if blank < at:
            break
        at = blank + 1
    length = 0
    while stop - at > most - length:
        code, size = decode(data, at)
        length = 0 if classes[code] & STRIPPED else length + 1
        if length > most:
            return True
        at += size
    return False


@kernel
def trim_text(data: U8, start: I64, end: I64, kept: U8, classes: U32) -> None:
    """Do to the kept lines of one text what `str.strip` does to them joined by line ends; the arrays are changed.

    Args:
        data: uint8, the bytes.
        start: int64, where each line of the text begins; the first that is kept may begin later afterwards.
        end: int64, where each ends; the last that is kept may end earlier.
        kept: uint8, 1 or 0; becomes 0 for blank lines at the beginning and at the end.
        classes: uint32 flags by code point.
    """
    for line in range(len(start)):
        if kept[line]:
            start[line] = skip_spaces(data, start[line], end[line], classes)
            if start[line] < end[line]:
                break
            kept[line] = 0
    for line in range(len(start) - 1, -1, -1):
        if kept[line]:
            end[line] = skip_spaces_back(data, start[line], end[line], classes)
            if start[line] < end[line]:
                break
            kept[line] = 0


@kernel
def trim_texts(data: U8, first: I64, lines: tuple[I64, I64, U8], classes: U32) -> None:
    """Do to the kept lines of each text what `trim_text` does; `lines` are their starts, ends, and whether kept."""
    start, end, kept = lines
    for text in range(len(first) - 1):
        begin, stop = first[text], first[text + 1]
        trim_text(data, start[begin:stop], end[begin:stop], kept[begin:stop], classes)
