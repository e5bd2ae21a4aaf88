"""RefinedWeb's corrections of whole texts: the steps on their lines, one after the other.

In:  scans of texts, and which steps are taken.
Out: how many lines each step took, and the bytes of the texts that are left.
Guaranteed: after each step but that on short lines the text is stripped as DCLM strips it, so that a later step sees
     the first and the last line without white space at the text's edges.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel
from filters.kernels.copying import joined, moved, without
from filters.kernels.newlines import line_feed_lines
from filters.kernels.refinedweb import (
    count_fasttext_words,
    cut_prefix,
    cut_suffix,
    drop_counters,
    drop_digits,
    drop_short,
    drop_uppercase,
    find_anywhere,
)
from filters.kernels.scans import Scans
from filters.kernels.spaces import trim_text
from filters.kernels.substrings import VARIANTS, ascii_bytes, flag_lines, phrases_of
from filters.kernels.unicode import CLASSES

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
Lines = tuple[I64, I64, U8]

COUNTED = (
    "likes shares comments retweets reposts quotes bookmarks upvotes downvotes downloads views followers".split()  # noqa: SIM905 - a list that reads
)
"""What a counter counts (DCLM, `counter_line_modifier`)."""

CART, READ_MORE, SIGN_IN = "items in cart", "read more", "sign-in"

UPPERCASE, DIGITS, COUNTERS, SHORT, CART_LINES, READ_MORE_LINES, SIGN_IN_LINES = range(7)
"""Rows of `Corrections.counts`."""


NAMES = (
    ascii_bytes("".join(COUNTED)),
    np.cumsum([0, *map(len, COUNTED)], dtype=np.int64),
    ascii_bytes(VARIANTS["lower"]),
)
CART_PHRASES = phrases_of((CART,), "ignore_case")


def _phrase(text: str) -> tuple[U8, U8]:
    return ascii_bytes(text), ascii_bytes(VARIANTS["ignore_case"])


class Steps(NamedTuple):
    """Which steps are taken; `filters/refinedweb.py` says what each option means.

    Args:
        most_uppercase: the greatest fraction of upper case of a line; 2 for any.
        digits: whether lines of digits fall.
        counters: whether counters fall.
        least_words: the least number of words of a line; 0 for any.
        edited_words: the greatest number of words of a line that is edited; -1 to edit none.
        literal_dots: whether the dots of "Read more..." are dots.
    """

    most_uppercase: float
    digits: bool
    counters: bool
    least_words: int
    edited_words: int
    literal_dots: bool


@kernel
def _drop_lines(data: U8, first: I64, lines: Lines, names: tuple[U8, I64, U8], steps: Steps, classes: U32) -> I64:
    """Take the steps that drop lines; return how many lines each took, int64[7, texts], the last three rows 0."""
    counts = np.zeros((7, len(first) - 1), np.int64)
    for text in range(len(first) - 1):
        begin, stop = first[text], first[text + 1]
        own = (lines[0][begin:stop], lines[1][begin:stop], lines[2][begin:stop])
        if steps.most_uppercase < 2:
            counts[UPPERCASE, text] = drop_uppercase(data, own, steps.most_uppercase, classes)
            trim_text(data, own[0], own[1], own[2], classes)
        if steps.digits:
            counts[DIGITS, text] = drop_digits(data, own, classes)
            trim_text(data, own[0], own[1], own[2], classes)
        if steps.counters:
            counts[COUNTERS, text] = drop_counters(data, own, names, classes)
            trim_text(data, own[0], own[1], own[2], classes)
        if steps.least_words > 0:
            counts[SHORT, text] = drop_short(data, own, steps.least_words, classes)
    return counts


@kernel
def _cut_edges(
    data: U8, first: I64, lines: Lines, phrases: tuple[U8, U8, U8], steps: Steps, classes: U32
) -> tuple[I64, I64]:
    """Take the steps that cut phrases from ends and beginnings; return how many lines of each text each cut."""
    suffixes, prefixes = np.zeros(len(first) - 1, np.int64), np.zeros(len(first) - 1, np.int64)
    read_more, sign_in, variants = phrases
    rules = (steps.edited_words, steps.literal_dots)
    for text in range(len(first) - 1):
        begin, stop = first[text], first[text + 1]
        own = (lines[0][begin:stop], lines[1][begin:stop], lines[2][begin:stop])
        trim_text(data, own[0], own[1], own[2], classes)
        suffixes[text] = cut_suffix(data, own, (read_more, variants), rules, classes)
        trim_text(data, own[0], own[1], own[2], classes)
        prefixes[text] = cut_prefix(data, own, (sign_in, variants), steps.edited_words, classes)
        trim_text(data, own[0], own[1], own[2], classes)
    return suffixes, prefixes


@kernel
def _sums(first: I64, numbers: I64) -> I64:
    """Return the sum of each text's numbers."""
    sums = np.zeros(len(first) - 1, np.int64)
    for text in range(len(first) - 1):
        sums[text] = np.sum(numbers[first[text] : first[text + 1]])
    return sums


@kernel
def fasttext_word_counts(data: U8, offsets: I64, classes: U32) -> I64:
    """Return the number of words of each text, as `count_fasttext_words` has them."""
    counts = np.zeros(len(offsets) - 1, np.int64)
    for text in range(len(offsets) - 1):
        counts[text] = count_fasttext_words(data, offsets[text], offsets[text + 1], classes)
    return counts


@dataclass(frozen=True)
class Corrections:
    """Texts, corrected.

    Args:
        scans: the texts as they are.
        steps: which steps are taken.
    """

    scans: Scans
    steps: Steps

    @cached_property
    def _done(self) -> tuple[I64, U8, I64, Lines]:
        """Counts, and the bytes, first lines and lines of what is left."""
        data, scanned = self.scans.data, self.scans.lines
        first, start, end = line_feed_lines(data, self.scans.offsets, scanned.first, scanned.end)
        lines = (start, end, np.ones(len(start), np.uint8))
        counts = _drop_lines(data, first, lines, NAMES, self.steps, CLASSES)
        if self.steps.edited_words >= 0:
            data, lines, counts[CART_LINES] = self._without_cart(data, first, lines)
            phrases = (ascii_bytes(READ_MORE), ascii_bytes(SIGN_IN), ascii_bytes(VARIANTS["ignore_case"]))
            edited = _cut_edges(data, first, lines, phrases, self.steps, CLASSES)
            counts[READ_MORE_LINES], counts[SIGN_IN_LINES] = edited
        return counts, data, first, lines

    def _without_cart(self, data: U8, first: I64, lines: Lines) -> tuple[U8, Lines, I64]:
        """Return bytes and lines without "items in cart", and how many lines of each text held it."""
        start, end, kept = lines
        held = flag_lines(data, start, end, CART_PHRASES)
        cuts, found = find_anywhere(data, lines, held, _phrase(CART), self.steps.edited_words, CLASSES)
        edited = _sums(first, ((found != 0) & (held != 0)).astype(np.int64))
        if len(cuts):
            begins, ends = np.ascontiguousarray(cuts[:, 0]), np.ascontiguousarray(cuts[:, 1])
            data = without(data, begins, ends)
            start, end = moved(start, begins, ends), moved(end, begins, ends)
        return data, (start, end, kept), edited

    @property
    def counts(self) -> I64:
        """How many lines of each text each step took: int64[7, texts]."""
        return self._done[0]

    @cached_property
    def edited(self) -> tuple[U8, I64]:
        """Bytes and offsets of the texts that are left."""
        _, data, first, lines = self._done
        return joined(data, first, lines, ord("\n"))
