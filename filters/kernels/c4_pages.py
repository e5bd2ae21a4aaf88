"""C4's rules on whole texts: what is measured of each, and what is left of it.

In:  scans of texts, and the rules on their lines.
Out: the numbers that C4 judges, or the bytes of the texts without the lines that fall and without citations.
Guaranteed: measuring and editing decide on every line alike.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.c4 import (
    KEPT,
    LineRules,
    Lines,
    find_citations,
    form_fates,
    phrase_fates,
    text_counts,
)
from filters.kernels.copying import joined, moved, without
from filters.kernels.scans import Scans
from filters.kernels.sentences import LEADS, MARKED, text_sentences
from filters.kernels.spaces import strip_lines, trim_texts
from filters.kernels.substrings import flag_lines, phrases_of
from filters.kernels.unicode import CLASSES

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]

POLICY_PHRASES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
PHRASES = phrases_of(("lorem ipsum", "javascript", "{", *POLICY_PHRASES), "lower")
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
        first: int64, one more than texts; the lines of text d are numbers `first[d]` to `first[d + 1]`.
        lines: the stripped lines without citations.
        fates: what becomes of each line.
        phrases: the bits of the phrases that each holds; they are not looked for in lines that fall by their form.
        by_line: whether these are lines, or sentences.
    """

    first: I64
    lines: Lines
    fates: U8
    phrases: U32
    by_line: bool

    def take(self, texts: I64) -> "Pages":
        """Return those of some of the texts; the bytes stay where they are."""
        counts = np.diff(self.first)[texts]
        first = np.concatenate([[0], np.cumsum(counts)])
        numbers = np.repeat(self.first[texts] - first[:-1], counts) + np.arange(first[-1])
        data, start, end = self.lines
        lines = Lines(data, start[numbers], end[numbers])
        return Pages(first, lines, self.fates[numbers], self.phrases[numbers], self.by_line)

    def counts(self) -> I64:
        """Return the counts of `text_counts`, int64[10, texts]."""
        leads = LEADS if self.by_line else LEADS[:0]
        return text_counts(self.first, self.lines, (self.fates, self.phrases), MARKED, leads)

    def edited(self) -> tuple[U8, I64]:
        """Return bytes and offsets of the texts that are left: their lines joined, the ends stripped."""
        data, start, end = self.lines
        kept = (start.copy(), end.copy(), (self.fates == KEPT).astype(np.uint8))
        trim_texts(data, self.first, kept, CLASSES)
        return joined(data, self.first, kept, ord("\n" if self.by_line else " "))


def pages_of(scans: Scans, rules: Rules) -> Pages:
    """Return the pages that texts are, noted in their scans: they serve also a part of the texts, taken later."""
    key = (Pages, rules)
    if key not in scans.notes:
        whole, texts = scans.part_of or (None, None)
        known = whole.notes.get(key) if whole is not None else None
        scans.notes[key] = known.take(texts) if known is not None else _found(scans, rules)
    pages: Pages = scans.notes[key]
    return pages


def _found(scans: Scans, rules: Rules) -> Pages:
    first, start, end = _lines_of(scans, rules.by_line)
    start, end = strip_lines(scans.data, start, end, CLASSES)
    whole = Lines(scans.data, start, end)
    lines = _without_citations(whole) if rules.citations else whole
    marks = marks_table(rules.end_marks)
    judged = LineRules(
        rules.longest_word, marks, rules.least_words, rules.words_of_citations, rules.javascript, rules.policy
    )
    fates = form_fates(whole, lines, judged, CLASSES)
    phrases = _phrases_of(lines, fates)
    return Pages(first, lines, phrase_fates(fates, phrases, judged), phrases, rules.by_line)


def _lines_of(scans: Scans, by_line: bool) -> tuple[I64, I64, I64]:
    """Return the first line of each text, start and end of each line: lines, or else sentences."""
    if by_line:
        return scans.lines.first, scans.lines.start, scans.lines.end
    return text_sentences(scans.data, scans.offsets, MARKED, LEADS)


def _without_citations(lines: Lines) -> Lines:
    """Return lines without citations: over new bytes where there are any."""
    cut_start, cut_end = find_citations(lines, CITATION_NAMES, CLASSES)
    if not len(cut_start):
        return lines
    data = without(lines.data, cut_start, cut_end)
    data.flags.writeable = False  # kernels want one type of bytes, those of the scans
    return Lines(data, moved(lines.start, cut_start, cut_end), moved(lines.end, cut_start, cut_end))


def _phrases_of(lines: Lines, fates: U8) -> U32:
    """Return the bits of the phrases that lines hold; 0 for those that fall already."""
    data, start, end = lines
    standing = np.flatnonzero(fates == KEPT)
    phrases = np.zeros(len(fates), np.uint32)
    phrases[standing] = flag_lines(data, start[standing], end[standing], PHRASES)
    return phrases
