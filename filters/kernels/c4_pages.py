"""C4's rules on whole texts: what is measured of each, and what is left of it.

In:  scans of texts, and the rules on their lines.
Out: the numbers that C4 judges, or the bytes of the texts without the lines that fall and without citations.
Guaranteed: measuring and editing decide on every line alike.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.c4 import (
    KEPT,
    LineRules,
    Lines,
    find_citations,
    line_fates,
    text_counts,
)
from filters.kernels.copying import joined, moved, without
from filters.kernels.scans import Scans
from filters.kernels.sentences import LEADS, MARKED, text_sentences
from filters.kernels.spaces import strip_lines, trim_texts
from filters.kernels.substrings import flag_lines, phrases_of
from filters.kernels.unicode import CLASSES

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]

POLICY_PHRASES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
PHRASES = phrases_of(("lorem ipsum", "javascript", "{", *POLICY_PHRASES), "lower")
BRACKET = phrases_of(("[",), "lower")
NO_FLAGS = np.empty(0, np.uint32)
CITATION_NAMES = np.frombuffer(b"edit]citation needed]", np.uint8).copy()


class Rules(NamedTuple):
    """What decides on lines; `filters/c4.py` says what each option means."""

    by_line: bool
    citations: bool
    end_marks: tuple[str, ...]
    least_words: int
    words_of_citations: bool
    longest_word: int
    javascript: bool
    policy: bool


@cache
def marks_table(marks: tuple[str, ...]) -> BOOL:
    """Return, by code point, whether it is one of the marks; an empty table where there are none."""
    table = np.zeros(0x110000 if marks else 0, np.bool_)
    table[[ord(mark) for mark in marks]] = True
    return table


@dataclass(frozen=True)
class Pages:
    """The lines of texts, what they hold, and what becomes of them.

    Args:
        scans: the texts.
        rules: what decides on their lines.
    """

    scans: Scans
    rules: Rules

    @cached_property
    def _found(self) -> tuple[I64, I64, I64]:
        """First line of each text, start and end of each line: lines, or else sentences."""
        if self.rules.by_line:
            return self.scans.lines.first, self.scans.lines.start, self.scans.lines.end
        return text_sentences(self.scans.data, self.scans.offsets, MARKED, LEADS)

    @cached_property
    def _stripped(self) -> tuple[I64, I64]:
        _, start, end = self._found
        return strip_lines(self.scans.data, start, end, CLASSES)

    @cached_property
    def lines(self) -> Lines:
        """The stripped lines without citations: over new bytes where there are any."""
        data, (start, end) = self.scans.data, self._stripped
        if self.rules.citations:
            held = Lines(data, start, end, flag_lines(data, start, end, BRACKET))
            cut_start, cut_end = find_citations(held, CITATION_NAMES, CLASSES)
            if len(cut_start):
                data = without(data, cut_start, cut_end)
                data.flags.writeable = False  # kernels want one type of bytes, those of the scans
                start, end = moved(start, cut_start, cut_end), moved(end, cut_start, cut_end)
        return Lines(data, start, end, flag_lines(data, start, end, PHRASES))

    @cached_property
    def fates(self) -> U8:
        """What becomes of each line."""
        rules = self.rules
        marks = marks_table(rules.end_marks)
        judged = LineRules(
            rules.longest_word, marks, rules.least_words, rules.words_of_citations, rules.javascript, rules.policy
        )
        whole = Lines(self.scans.data, *self._stripped, NO_FLAGS)
        return line_fates(whole, self.lines, judged, CLASSES)

    def counts(self) -> I64:
        """Return the counts of `text_counts`, int64[10, texts]."""
        first, *_ = self._found
        return text_counts(first, self.lines, self.fates, MARKED, LEADS if self.rules.by_line else LEADS[:0])

    def edited(self) -> tuple[U8, I64]:
        """Return bytes and offsets of the texts that are left: their lines joined, the ends stripped."""
        first, *_ = self._found
        data, start, end, _ = self.lines
        kept = (start.copy(), end.copy(), (self.fates == KEPT).astype(np.uint8))
        trim_texts(data, first, kept, CLASSES)
        return joined(data, first, kept, ord("\n" if self.rules.by_line else " "))
