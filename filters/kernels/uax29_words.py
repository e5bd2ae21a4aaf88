"""Words of UAX #29: segments between its boundaries that hold a letter or a digit.

In:  the UTF-8 bytes of texts.
Out: arrays with one value per word, as in `filters/kernels/words.py`.
Guaranteed: the segments of `filters/kernels/uax29.py` that hold a character of `str.isalnum`. Sixty-four bytes are one
     step as far as they are ASCII: there a word is a run of letters, digits and '_', with a '.', "'" or ':' between
     letters and a '.', "'", ',' or ';' between digits. What touches other characters is read one by one.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.flags import ALNUM, LETTER
from filters.kernels.hashing import SHORT, hash_bytes, hash_short
from filters.kernels.uax29 import segment_end
from filters.kernels.vectors import (
    NOTHING,
    ONE,
    STEP,
    ascii_digits,
    ascii_letters,
    below,
    joins_digits,
    joins_letters,
    lowest,
    not_ascii,
    underscores,
)
from filters.kernels.words import WORDS_OF_STEP, Found, enter_word

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

ASCII = np.uint8(0x80)
SURE = STEP - ONE
"""Bytes of a step whose neighbours behind them are known, too."""


@leaf
def _marks(data: U8, at: np.uint64, left: np.uint64) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Return which of the next bytes belong to words of ASCII, which are letters or digits, and which are letters."""
    inside, followed = below(left), below(left - ONE)
    letters, digits = ascii_letters(data, at) & inside, ascii_digits(data, at) & inside
    behind = at + ONE
    between_letters = (letters << ONE) & ascii_letters(data, behind) & followed & joins_letters(data, at)
    between_digits = (digits << ONE) & ascii_digits(data, behind) & followed & joins_digits(data, at)
    words = letters | digits | (underscores(data, at) & inside) | between_letters | between_digits
    return words, letters | digits, letters


@leaf
def _step(data: U8, at: np.uint64, left: np.uint64, found: Found, count: int) -> tuple[np.uint64, np.uint64, int]:
    """Enter the words of ASCII that end in one step.

    Args:
        data: uint8, all texts.
        at: a boundary, or a place in white space.
        left: bytes of the text from there on.
        found: has room for as many words as end in one step.
        count: words so far.

    Returns:
        bytes that are done; up to where the text behind them must be read character by character, at least (0: it need
        not be); how many words there are then.
    """
    _, start, end, chars, hashes, letters = found
    words, counted, lettered = _marks(data, at, left)
    limit = min(left, STEP)
    other = min(lowest(not_ascii(data, at)), limit)
    sure = SURE if other == limit else max(other, ONE) - ONE
    begins, ends = words & ~(words << ONE), ~words & (words << ONE) & below(sure)
    done = NOTHING
    while ends:
        begin, done = lowest(begins), lowest(ends)
        begins, ends = begins & (begins - ONE), ends & (ends - ONE)
        inside = below(done - begin) << begin
        if not counted & inside:
            continue
        word = np.uint64(count)
        start[word], end[word], chars[word] = at + begin, at + done, done - begin
        letters[word] = lettered & inside != 0
        if done - begin > SHORT:
            hashes[word] = hash_bytes(data, signed(at + begin), signed(at + done))
        else:
            hashes[word] = hash_short(data, at + begin, done - begin)
        count += 1
    if other < limit:
        return done, other + ONE, count
    if not words >> done:
        return min(left, SURE), NOTHING, count
    begin = done + lowest(words >> done)
    return begin, ONE if begin == 0 else NOTHING, count


@kernel
def _segments(data: U8, bounds: tuple[int, int, int], classes: U32, found: Found, count: int) -> tuple[int, int]:
    """Enter words segment by segment from a boundary on, up to a place at least, and then to the next byte of ASCII.

    Args:
        data: uint8, all texts.
        bounds: where to begin; the place up to which to go, at least; the byte behind the text.
        classes: uint32 flags by code point.
        found: is filled.
        count: words so far.

    Returns:
        the boundary that was reached, and how many words there are then.
    """
    at, until, stop = bounds
    while at < stop and (at < until or data[at] >= ASCII):
        begun = at
        at, chars, flags = segment_end(data, begun, stop, classes)
        if flags & ALNUM:
            enter_word(data, found, count, (begun, at), chars, flags & LETTER != 0)
            count += 1
    return at, count


@kernel
def uax29_words(data: U8, offsets: I64, classes: U32, found: Found) -> None:
    """Find the words of `uax29`; the arguments are those of `whitespace_words`."""
    count = 0
    most = len(found[1]) - WORDS_OF_STEP
    last = len(data) - signed(STEP + SHORT)
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        while at < stop and at <= last and count < most:
            done, slowly, count = _step(data, np.uint64(at), np.uint64(stop - at), found, count)
            until = at + signed(slowly)
            at += signed(done)
            if slowly:
                at, count = _segments(data, (at, until, stop), classes, found, count)
        at, count = _segments(data, (at, stop, stop), classes, found, count)
        found[0][text + 1] = count
