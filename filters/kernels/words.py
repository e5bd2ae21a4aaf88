"""Words: one scan that finds where each word lies, its characters, its hash, and whether it holds a letter.

In:  the UTF-8 bytes of texts.
Out: arrays with one value per word.
Guaranteed: valid UTF-8 of any kind is read in time that grows with its length; a word never spans two texts.
     Sixty-four bytes are one step where a word ends in them; a word that is long or not ASCII is read by itself.

    whitespace    longest runs of characters without the property White_Space
    uax29         segments between the word boundaries of UAX #29 that hold a letter or a digit (`str.isalnum`): in
                  `filters/kernels/uax29_words.py`
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.flags import LETTER, WHITE_SPACE
from filters.kernels.hashing import SHORT, hash_bytes, hash_short
from filters.kernels.unicode import decode
from filters.kernels.vectors import NOTHING, ONE, STEP, ascii_letters, ascii_spaces, below, lowest, not_ascii
from filters.kernels.whitespace import word_end

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Found = tuple[I64, I64, I64, I32, U64, npt.NDArray[np.bool_]]
"""First (one more than texts), then per word start, end, chars, hashes, letters: see `filters/kernels/scans.py`."""


WORDS_OF_STEP = 64
"""No more words end in one step, of whatever characters."""


def room_for_words(texts: int, most: int) -> Found:
    """Make room for what is found; outside of kernels, since numpy asks for large pages where numba does not."""
    return (
        np.zeros(texts + 1, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.uint64),
        np.empty(most, np.bool_),
    )


@leaf
def enter_word(data: U8, found: Found, count: int, place: tuple[int, int], chars: int, letters: bool) -> None:
    """Enter a word of any kind, where there is room."""
    _, start, end, lengths, hashes, lettered = found
    if count < len(start):
        start[count], end[count], lengths[count] = place[0], place[1], chars
        hashes[count], lettered[count] = hash_bytes(data, place[0], place[1]), letters


@leaf
def _word_or_space(data: U8, at: int, stop: int, classes: U32, found: Found, count: int) -> tuple[int, int]:
    """Pass over white space or enter the word that stands here; return where it ends, and the number of words then."""
    code, size = decode(data, at)
    if classes[code] & WHITE_SPACE:
        return at + size, count
    begun = at
    at, chars, flags = word_end(data, begun, stop, classes)
    enter_word(data, found, count, (begun, at), chars, flags & LETTER != 0)
    return at, count + 1


@kernel
def _words_between(data: U8, at: int, stop: int, classes: U32, found: Found, count: int) -> int:
    """Enter the words of `data[at:stop]`, character by character; return how many words there are then."""
    while at < stop:
        at, count = _word_or_space(data, at, stop, classes, found, count)
    return count


@leaf
def _step(data: U8, at: np.uint64, left: np.uint64, classes: U32, found: Found, count: int) -> tuple[np.uint64, int]:
    """Enter the words that end in one step; return how many bytes are done, and how many words there are then.

    Args:
        data: uint8, all texts.
        at: where the step begins; a word that begins before does not reach it.
        left: bytes of the text from there on.
        classes: uint32 flags by code point.
        found: has room for as many words as end in one step.
        count: words so far.
    """
    _, start, end, chars, hashes, letters = found
    filled = ~ascii_spaces(data, at) & below(left)
    ends = ~filled & (filled << ONE)
    if not ends:
        return min(lowest(filled), left, STEP), count
    begins = filled & ~(filled << ONE)
    others, lettered = not_ascii(data, at), ascii_letters(data, at)
    stop = NOTHING
    while ends:
        begin, stop = lowest(begins), lowest(ends)
        begins, ends = begins & (begins - ONE), ends & (ends - ONE)
        inside = below(stop - begin) << begin
        if others & inside or stop - begin > SHORT:
            count = _words_between(data, signed(at + begin), signed(at + stop), classes, found, count)
            continue
        word = np.uint64(count)
        start[word], end[word], chars[word] = at + begin, at + stop, stop - begin
        hashes[word], letters[word] = hash_short(data, at + begin, stop - begin), lettered & inside != 0
        count += 1
    return stop, count


@kernel
def whitespace_words(data: U8, offsets: I64, classes: U32, found: Found) -> None:
    """Find the words of `whitespace`.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        classes: uint32 flags by code point.
        found: is filled; where there was not room enough, `first[-1]` is greater than the room, and the rest of no use.
    """
    count = 0
    most = len(found[1]) - WORDS_OF_STEP
    last = len(data) - signed(STEP + SHORT)
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        while at < stop and at <= last and count < most:
            done, count = _step(data, np.uint64(at), np.uint64(stop - at), classes, found, count)
            at += signed(done)
            if not done:
                at, count = _word_or_space(data, at, stop, classes, found, count)
        found[0][text + 1] = count = _words_between(data, at, stop, classes, found, count)
