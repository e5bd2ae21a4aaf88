"""Sentences: where each lies, or how many there are.

In:  UTF-8 bytes.
Out: sentences, as `filters/sentences.py` defines them.
Guaranteed: equal to that plain code; no character is read more than three times.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel, leaf, signed
from filters.kernels.flags import LOWER
from filters.kernels.spaces import skip_spaces, skip_spaces_back
from filters.kernels.unicode import CLASSES, decode
from filters.kernels.vectors import STEP, lowest, sentence_marks
from filters.sentences import CLOSERS, CONTINUERS, TERMINALS

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

BLOCK = int(STEP)
HIGH_BIT = 0x80

TERMINAL = 1 << 28
CLOSER = 1 << 29
CONTINUER = 1 << 30


def _with_marks() -> U32:
    table = CLASSES.copy()
    for bit, chars in ((TERMINAL, TERMINALS), (CLOSER, CLOSERS), (CONTINUER, CONTINUERS)):
        table[[ord(char) for char in chars]] |= np.uint32(bit)
    return table


def _lead_bytes() -> npt.NDArray[np.bool_]:
    leads = np.zeros(256, np.bool_)
    leads[[char.encode()[0] for char in TERMINALS]] = True
    return leads


MARKED = _with_marks()
"""uint32[0x110000]: the flags of `filters/kernels/flags.py`, and the three of this module."""

LEADS = _lead_bytes()
"""bool[256]: the bytes that a terminal mark may begin with."""


@inlined
def _ends(flags: int, gap: bool, run: tuple[bool, bool]) -> bool:
    """Return whether a sentence ends before the character that follows, given the run of marks before it.

    Args:
        flags: those of the character.
        gap: whether white space precedes it.
        run: whether all marks were ASCII, and whether all were full stops.
    """
    ascii_only, dots_only = run
    if (ascii_only and not gap) or flags & CONTINUER:
        return False
    return not (dots_only and flags & LOWER)


@leaf
def _behind_marks(data: U8, at: int, stop: int, marked: U32) -> tuple[int, tuple[bool, bool]]:
    """Return the end of a run of terminal marks and closers, and whether the marks were ASCII, and full stops, only."""
    ascii_only = dots_only = True
    bit = TERMINAL
    while at < stop:
        code, size = decode(data, at)
        if not marked[code] & bit:
            if bit == CLOSER:
                break
            bit = CLOSER
            continue
        if bit == TERMINAL:
            ascii_only = ascii_only and code < 0x80
            dots_only = dots_only and code == 46
        at += size
    return at, (ascii_only, dots_only)


@leaf
def _next_lead(data: U8, at: int, stop: int, leads: npt.NDArray[np.bool_]) -> int:
    """Return the first byte from `at` on, before `stop`, that a terminal mark may begin with, or else `stop`."""
    while at < stop and not leads[data[at]]:
        if data[at] >= HIGH_BIT or at + BLOCK > len(data):
            at += 1
            continue
        while at + BLOCK <= stop and not sentence_marks(data, np.uint64(at)):
            at += BLOCK
        if at + BLOCK <= len(data):
            at = min(at + signed(lowest(sentence_marks(data, np.uint64(at)))), stop)
    return at


@leaf
def sentence_end(data: U8, at: int, stop: int, marked: U32, leads: npt.NDArray[np.bool_]) -> int:
    """Return the byte behind the sentence that byte `at` is in; `stop` where the text ends first."""
    at = _next_lead(data, at, stop, leads)
    while at < stop:
        code, size = decode(data, at)
        if not marked[code] & TERMINAL:
            at = _next_lead(data, at + size, stop, leads)
            continue
        at, run = _behind_marks(data, at, stop, marked)
        follows = skip_spaces(data, at, stop, marked)
        if follows == stop:
            return at
        code, _ = decode(data, follows)
        if _ends(marked[code], follows > at, run):
            return at
        at = _next_lead(data, at, stop, leads)
    return stop


@leaf
def count_sentences(data: U8, at: int, stop: int, marked: U32, leads: npt.NDArray[np.bool_]) -> int:
    """Return the number of sentences of `bytes[at:stop]`."""
    count = 0
    at = skip_spaces(data, at, stop, marked)
    while at < stop:
        at = skip_spaces(data, sentence_end(data, at, stop, marked, leads), stop, marked)
        count += 1
    return count


@kernel
def text_sentences(data: U8, offsets: I64, marked: U32, leads: npt.NDArray[np.bool_]) -> tuple[I64, I64, I64]:
    """Find the sentences of texts.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        marked: `MARKED`.
        leads: `LEADS`.

    Returns:
        first (int64, one more than texts), then start and end of each sentence (int64), without white space at the
        edges.
    """
    texts = len(offsets) - 1
    first = np.zeros(texts + 1, np.int64)
    for text in range(texts):
        first[text + 1] = first[text] + count_sentences(data, offsets[text], offsets[text + 1], marked, leads)
    start, end = np.empty(first[texts], np.int64), np.empty(first[texts], np.int64)
    for text in range(texts):
        stop = offsets[text + 1]
        at = skip_spaces(data, offsets[text], stop, marked)
        for number in range(first[text], first[text + 1]):
            behind = sentence_end(data, at, stop, marked, leads)
            start[number], end[number] = at, skip_spaces_back(data, at, behind, marked)
            at = skip_spaces(data, behind, stop, marked)
    return first, start, end
