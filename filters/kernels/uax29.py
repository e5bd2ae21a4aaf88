"""Word boundaries of UAX #29: where the segment that begins here ends.

In:  a byte of valid UTF-8 at which there is a boundary.
Out: the byte of the next boundary, the code points between them, and the flags of these.
Guaranteed: rules WB3 to WB999 of revision 45 (Unicode 16.0); between two boundaries nothing before the first counts.
     Time grows with the length: what a mark in the middle of a word asks of the text behind it is asked once.

Runs of ASCII letters are read eight bytes in one step.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel, signed
from filters.kernels.flags import ALNUM, LETTER, PICTOGRAPHIC, WORD_BREAK_SHIFT, WORD_BREAKS
from filters.kernels.hashing import WIDTH, load
from filters.kernels.swar import HIGH, bytes_before, letters
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

OTHER, CR, LF, NEWLINE, EXTEND, ZWJ, FORMAT, REGIONAL, KATAKANA, HEBREW, ALETTER = range(11)
SINGLE_QUOTE, DOUBLE_QUOTE, MID_NUM_LET, MID_LETTER, MID_NUM, NUMERIC, EXTEND_NUM_LET, SPACES = range(11, 19)
NONE = -1
SPACE = np.uint8(0x20)
LETTERS = np.uint32(LETTER | ALNUM)

if len(WORD_BREAKS) != SPACES + 1:
    raise ValueError("the Word_Break values are not those of filters/kernels/flags.py")


@inlined
def _ignored(kind: int) -> bool:
    """Whether a character is passed over behind another one (WB4)."""
    return kind in (EXTEND, FORMAT, ZWJ)


@inlined
def _letter(kind: int) -> bool:
    return kind in (ALETTER, HEBREW)


@kernel
def _kind_behind(data: U8, at: int, stop: int, classes: U32) -> int:
    """Return the Word_Break value of the next character that is not passed over; -1 at the end of the text."""
    while at < stop:
        code, size = decode(data, at)
        kind = signed(classes[code] >> WORD_BREAK_SHIFT)
        if not _ignored(kind):
            return kind
        at += size
    return NONE


@inlined
def _joined_by_mid(before: int, previous: int, kind: int) -> bool:
    """WB7, WB7c and WB11: whether a mark in the middle joins what stands before it to this character."""
    if _letter(before) and _letter(kind) and previous in (MID_LETTER, MID_NUM_LET, SINGLE_QUOTE):
        return True
    if before == HEBREW and previous == DOUBLE_QUOTE and kind == HEBREW:
        return True
    return before == NUMERIC and kind == NUMERIC and previous in (MID_NUM, MID_NUM_LET, SINGLE_QUOTE)


@inlined
def _opens_mid(previous: int, kind: int, follows: int) -> bool:
    """WB6, WB7b and WB12: whether this mark stands in the middle of a word, given what follows it."""
    if _letter(previous) and _letter(follows) and kind in (MID_LETTER, MID_NUM_LET, SINGLE_QUOTE):
        return True
    if previous == HEBREW and kind == DOUBLE_QUOTE and follows == HEBREW:
        return True
    return previous == NUMERIC and follows == NUMERIC and kind in (MID_NUM, MID_NUM_LET, SINGLE_QUOTE)


@inlined
def _joined(previous: int, kind: int) -> bool:
    """WB5, WB7a, WB8 to WB10, WB13 to WB13b: whether two characters side by side belong together."""
    if _letter(previous) or previous == NUMERIC:
        if _letter(kind) or kind in (NUMERIC, EXTEND_NUM_LET):
            return True
        return previous == HEBREW and kind == SINGLE_QUOTE
    if previous == KATAKANA:
        return kind in (KATAKANA, EXTEND_NUM_LET)
    if previous == EXTEND_NUM_LET:
        return _letter(kind) or kind in (NUMERIC, KATAKANA, EXTEND_NUM_LET)
    return False


@inlined
def _is_mid(kind: int) -> bool:
    return SINGLE_QUOTE <= kind <= MID_NUM


@inlined
def _line_end(kind: int) -> bool:
    return CR <= kind <= NEWLINE


@inlined
def _together_at_once(last: int, kind: int, pictographic: bool) -> bool:
    """WB3, WB3c, WB3d and WB4: what holds together whatever stood before."""
    if _line_end(last) or _line_end(kind):
        return last == CR and kind == LF
    return _ignored(kind) or (last == ZWJ and pictographic) or (last == SPACES and kind == SPACES)


@inlined
def _together_by_letters(before: int, previous: int, kind: int, regionals: int) -> bool:
    """WB5 to WB16, but for what a mark in the middle asks of the text behind it."""
    if previous == REGIONAL and kind == REGIONAL:
        return regionals % 2 == 1
    return _joined(previous, kind) or _joined_by_mid(before, previous, kind)


@inlined
def leading_letters(data: U8, at: int, stop: int) -> int:
    """Return how many of the next eight bytes are ASCII letters, up to the first that is none; 0 near the end."""
    if at + WIDTH > stop:
        return 0
    others = ~letters(load(data, at)) & HIGH
    return bytes_before(others) if others else WIDTH


@inlined
def segment_end(data: U8, at: int, stop: int, classes: U32) -> tuple[int, int, np.uint32]:
    """Return the next boundary, the characters before it, and their flags (of ASCII letters, LETTER and ALNUM).

    Args:
        data: uint8, all texts.
        at: where there is a boundary, and more text.
        stop: the byte behind the text.
        classes: uint32 flags by code point.
    """
    size = leading_letters(data, at, stop)
    if 0 < size < WIDTH and data[at + size] == SPACE:
        return at + size, size, LETTERS
    return _long_segment_end(data, at, stop, classes)


@kernel
def _long_segment_end(data: U8, begun: int, stop: int, classes: U32) -> tuple[int, int, np.uint32]:
    """Return the same for a segment of any kind."""
    at, chars, flags = begun, 0, np.uint32(0)
    last = before = previous = NONE
    regionals = 0
    while at < stop:
        run = leading_letters(data, at, stop) if last in (NONE, ALETTER) else 0
        if run:
            at, chars, flags = at + run, chars + run, flags | LETTERS
            last = before = previous = ALETTER
            continue
        code, size = decode(data, at)
        kind = signed(classes[code] >> WORD_BREAK_SHIFT)
        pictographic = classes[code] & PICTOGRAPHIC != 0
        if last != NONE and not _together_at_once(last, kind, pictographic):
            if _line_end(last) or _line_end(kind):
                break
            if not _together_by_letters(before, previous, kind, regionals) and not (
                _is_mid(kind) and _opens_mid(previous, kind, _kind_behind(data, at + size, stop, classes))
            ):
                break
        if last == NONE or not _ignored(kind):
            before, previous = previous, kind
            regionals = regionals + 1 if kind == REGIONAL else 0
        last = kind
        flags |= classes[code]
        chars += 1
        at += size
    return at, chars, flags
