"""What Dolma's C4 tagger counts in the lines of a text.

In:  the bytes of texts, and where their lines lie.
Out: int64 counts per text.
Guaranteed: the counts of Dolma, python/dolma/taggers/c4.py, one scan, in time that grows with the bytes. Dolma looks at
     lines in lower case; of the characters that matter here none is the lower case of one outside ASCII.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.flags import STRIPPED
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

NO_PUNCTUATION, FEW_WORDS, JAVASCRIPT, LOREM_IPSUM, CURLY_BRACE = range(5)
"""Columns of `c4_counts`."""

LEAST_WORDS = 3
ASCII = 128
BRACE = ord("{")
END_MARKS = tuple(b'.?!"')
JAVASCRIPT_WORD, LOREM_IPSUM_PHRASE = tuple(b"javascript"), tuple(b"lorem ipsum")


@leaf
def _lower(byte: np.uint8) -> int:
    return signed(byte) + 32 if 65 <= byte <= 90 else signed(byte)


@leaf
def _is_javascript(data: U8, start: int, end: int) -> bool:
    if end - start != len(JAVASCRIPT_WORD):
        return False
    place = 0
    while place < len(JAVASCRIPT_WORD) and _lower(data[start + place]) == JAVASCRIPT_WORD[place]:
        place += 1
    return place == len(JAVASCRIPT_WORD)


@leaf
def _is_lorem_ipsum(data: U8, start: int, end: int) -> bool:
    if end - start < len(LOREM_IPSUM_PHRASE):
        return False
    place = 0
    while place < len(LOREM_IPSUM_PHRASE) and _lower(data[start + place]) == LOREM_IPSUM_PHRASE[place]:
        place += 1
    return place == len(LOREM_IPSUM_PHRASE)


@leaf
def _line(data: U8, at: int, stop: int, classes: U32, counts: I64) -> None:
    """Count in the line from byte `at` to `stop`; `counts` are those of its text."""
    words, begun, last = 0, -1, -1
    while at < stop:
        code, size = decode(data, at)
        if classes[code] & STRIPPED:
            if begun >= 0:
                counts[JAVASCRIPT] += _is_javascript(data, begun, at)
            begun = -1
        else:
            if begun < 0:
                begun = at
                words += 1
            last = code
            if code < ASCII:
                counts[CURLY_BRACE] += code == BRACE
                counts[LOREM_IPSUM] += _lower(data[at]) == LOREM_IPSUM_PHRASE[0] and _is_lorem_ipsum(data, at, stop)
        at += size
    if begun >= 0:
        counts[JAVASCRIPT] += _is_javascript(data, begun, stop)
    counts[NO_PUNCTUATION] += last not in END_MARKS
    counts[FEW_WORDS] += words < LEAST_WORDS


@kernel
def c4_counts(data: U8, first: I64, start: I64, end: I64, classes: U32) -> I64:
    """Count lines of texts.

    Args:
        data: uint8, all texts.
        first: int64, one more than texts; the lines of text d are numbers `first[d]` to `first[d + 1]`.
        start: int64, where each line begins.
        end: int64, where it ends, its LF not among it.
        classes: uint32 flags by code point.

    Returns:
        int64[texts, 5]: lines that do not end, but for white space, in one of '.?!"'; lines of fewer than three words;
        words "javascript"; "lorem ipsum"; "{". The last three in any case.
    """
    texts = len(first) - 1
    counts = np.zeros((texts, 5), np.int64)
    for text in range(texts):
        for line in range(first[text], first[text + 1]):
            _line(data, start[line], end[line], classes, counts[text])
    return counts
