"""Words: one scan that finds where each word lies, its characters, its hash, and whether it holds a letter.

In:  the UTF-8 bytes of texts.
Out: arrays with one value per word.
Guaranteed: valid UTF-8 of any kind is read in time that grows with its length; a word never spans two texts.

    whitespace    longest runs of characters without the property White_Space
    uax29         segments between the word boundaries of UAX #29 that hold a letter or a digit (`str.isalnum`)
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel
from filters.kernels.flags import ALNUM, LETTER, WHITE_SPACE
from filters.kernels.hashing import hash_bytes
from filters.kernels.uax29 import segment_end
from filters.kernels.unicode import decode
from filters.kernels.whitespace import SPACE, word_end

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Found = tuple[I64, I64, I64, I32, U64, npt.NDArray[np.bool_]]
"""First (one more than texts), then per word start, end, chars, hashes, letters: see `filters/kernels/scans.py`."""


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


@kernel
def whitespace_words(data: U8, offsets: I64, classes: U32, found: Found) -> None:
    """Find the words of `whitespace`.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        classes: uint32 flags by code point.
        found: is filled; where there was not room enough, `first[-1]` is greater than the room, and the rest of no use.
    """
    first, start, end, chars, hashes, letters = found
    count = 0
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        while at < stop:
            code, size = decode(data, at)
            if classes[code] & WHITE_SPACE:
                at += size
                continue
            begun = at
            at, length, flags = word_end(data, begun, stop, classes)
            if count < len(start):
                start[count], end[count], chars[count] = begun, at, length
                hashes[count], letters[count] = hash_bytes(data, begun, at), flags & LETTER != 0
            count += 1
        first[text + 1] = count


@kernel
def uax29_words(data: U8, offsets: I64, classes: U32, found: Found) -> None:
    """Find the words of `uax29`; the arguments are those of `whitespace_words`."""
    first, start, end, chars, hashes, letters = found
    count = 0
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        while at < stop:
            if data[at] == SPACE and at + 1 < stop and data[at + 1] < 0x80:  # nothing in ASCII belongs to a space
                at += 1
                continue
            begun = at
            at, length, flags = segment_end(data, begun, stop, classes)
            if not flags & ALNUM:
                continue
            if count < len(start):
                start[count], end[count], chars[count] = begun, at, length
                hashes[count], letters[count] = hash_bytes(data, begun, at), flags & LETTER != 0
            count += 1
        first[text + 1] = count
