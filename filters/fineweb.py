"""FineWeb's own rules (Penedo et al. 2024, arXiv 2406.17557, section 3.6): pages that are lists, menus or repetitions.

In:  documents.
Out: five signals each, and the first rule that a document breaks.
Guaranteed: the verdicts of datatrove's `FineWebQualityFilter` with the same options and the same words; nothing raises:
     a document without a line that is not blank has all signals 0 and falls by `min_lines` (datatrove: "empty").

Lines are what lies between line feeds; blank ones do not count. The defaults are those of datatrove 0.10.1, which
FineWeb was made with (`examples/fineweb.py`); the article differs in two places:

    char_duplicates_ratio  0.01 in the code, 0.1 in the article
    new_line_ratio         line feeds per word, a rule of the code alone

datatrove counts the words of spaCy; here `words` says what a word is. A document with lines but without words has 0
line feeds per word, where datatrove divides by zero.
"""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, measuring, run_stage
from filters.kernels.c4_pages import marks_table
from filters.kernels.fineweb import DUPLICATE_CHARS, LINE_FEEDS, LINES, MARKED, SHORT, text_counts
from filters.kernels.scans import WordDefinition
from filters.kernels.unicode import CLASSES
from filters.measures import count, ratio
from filters.sentences import TERMINALS
from filters.verdicts import Rule, judge_by

Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
Count = Annotated[int, Field(ge=0)] | None
Mark = Annotated[str, Field(min_length=1, max_length=1)]


class FineWebQuality(Stage):
    """Drops documents whose lines do not end in punctuation, are short, repeat, or are too many for their words.

    Rules are judged in the order of `rules` and are called like their options; the value is the stored signal. A bound
    of null turns its rule off; a number on the bound passes.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = (
        "fineweb_line_count",
        "fineweb_frac_lines_with_punct",
        "fineweb_frac_short_lines",
        "fineweb_frac_duplicate_line_chars",
        "fineweb_line_feeds_per_word",
    )

    stop_chars: tuple[Mark, ...] | None = measuring(
        None, "what a line should end in; null: any script's terminal marks"
    )
    short_line_length: int = measuring(30, "a line of at most so many characters is short", ge=0)
    words: WordDefinition = measuring("whitespace", "what a word is: whitespace, or uax29")
    min_lines: Count = judging(1, "least number of lines that are not blank")
    line_punct_thr: Limit = judging(0.12, "least fraction of lines that end in punctuation")
    line_punct_exclude_zero: bool = judging(False, "whether a document without any such line passes")
    short_line_thr: Limit = judging(0.67, "greatest fraction of short lines")
    char_duplicates_ratio: Limit = judging(0.01, "greatest fraction of characters in lines that stood before")
    new_line_ratio: Limit = judging(0.3, "most line feeds per word")

    def __call__(self, batch: Batch) -> Outcome:
        """Measure and judge."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the five signals, one value per document, none of them null."""
        scans = batch.scans
        lines = (*scans.line_feed_lines, scans.stood_before)
        marks = marks_table(tuple(TERMINALS) if self.stop_chars is None else self.stop_chars)
        counts = text_counts(scans.data, lines, marks, self.short_line_length, CLASSES)
        word_counts = scans.words(self.words).counts
        return {
            "fineweb_line_count": count(counts[LINES]),
            "fineweb_frac_lines_with_punct": ratio(counts[MARKED], counts[LINES]),
            "fineweb_frac_short_lines": ratio(counts[SHORT], counts[LINES]),
            "fineweb_frac_duplicate_line_chars": ratio(counts[DUPLICATE_CHARS], scans.chars - counts[LINE_FEEDS]),
            "fineweb_line_feeds_per_word": ratio(np.where(word_counts > 0, counts[LINE_FEEDS], 0), word_counts),
        }

    def judge(self, signals: Columns) -> Verdicts:
        """Return the first rule that each document breaks, in the order of `rules`."""
        return judge_by(self.rules, signals)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The five rules, in their order."""
        exempt = 0 if self.line_punct_exclude_zero else None
        return (
            Rule("min_lines", "fineweb_line_count", "min", self.min_lines),
            Rule("line_punct_thr", "fineweb_frac_lines_with_punct", "min", self.line_punct_thr, exempt),
            Rule("short_line_thr", "fineweb_frac_short_lines", "max", self.short_line_thr),
            Rule("char_duplicates_ratio", "fineweb_frac_duplicate_line_chars", "max", self.char_duplicates_ratio),
            Rule("new_line_ratio", "fineweb_line_feeds_per_word", "max", self.new_line_ratio),
        )
