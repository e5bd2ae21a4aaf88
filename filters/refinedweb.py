"""RefinedWeb's line-wise corrections (Penedo et al. 2023, arXiv 2306.01116, appendix G.2; its code was never released).

In:  documents.
Out: eight signals each, the documents that lost too many words, and for the others the text that is left.
Guaranteed: the lines, the text and the verdicts of DCLM's copy (`baselines/mappers/modifiers.py`, the last ten steps of
     `baselines_configs/dclm_baseline_refinedweb.yaml`) with the same words; nothing raises; a document without words
     counts as one that lost all of them.

Steps, on what lies between line feeds (lines of no characters stand):

    max_frac_uppercase  drop lines of which more is upper case; the article gives no number, DCLM and Dolma 3 have 0.5
    drop_digits         drop lines of digits only
    drop_counters       drop lines such as "3 likes"
    min_words_per_line  drop lines of fewer words (`str.split`)
    max_words_to_edit   from lines of at most so many words cut "items in cart" anywhere, "Read more..." from the end,
                        "Sign-in" from the beginning, in any case; a line of which nothing is left is dropped

The document falls if more than `max_frac_words_removed` of its words went with all that.

DCLM counts the words of fastText that begin with a letter or a digit (`fasttext`), Dolma 3 those of UAX #29. DCLM's
pattern for "Read more..." takes any three characters for the dots; `literal_dots` takes dots. DCLM drops a line of more
than a million characters also if up to a millionth of them are no digits; we do not. Dolma 3 (`datamap-rs`) divides
upper case by bytes, not characters, and does not strip. RefinedWeb's rules on whole documents are those of
`gopher_quality` and `gopher_repetition`.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, measuring, run_stage
from filters.kernels.copying import texts_of
from filters.kernels.refinedweb_pages import Corrections, Steps, fasttext_word_counts
from filters.kernels.scans import Scans
from filters.kernels.unicode import CLASSES
from filters.measures import count
from filters.verdicts import Rule, judge_by

Fraction = Annotated[float, Field(ge=0, le=1)] | None
Count = Annotated[int, Field(ge=0)] | None

LINE_COUNTS = (
    "refinedweb_uppercase_lines",
    "refinedweb_digit_lines",
    "refinedweb_counter_lines",
    "refinedweb_short_lines",
    "refinedweb_cart_lines",
    "refinedweb_read_more_lines",
    "refinedweb_sign_in_lines",
)
"""The signals that count lines, in the order of `filters.kernels.refinedweb_pages`."""


class RefinedWebLines(Stage):
    """Drops lines and phrases that are no prose, and documents that lose too many words with them.

    A bound of null turns its step off; a number on the bound passes.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = (*LINE_COUNTS, "refinedweb_frac_words_removed")

    max_frac_uppercase: Fraction = measuring(0.5, "drop lines of which a greater fraction is upper case")
    drop_digits: bool = measuring(True, "drop lines of digits only")
    drop_counters: bool = measuring(True, "drop lines that are a number and what it counts, such as '3 likes'")
    min_words_per_line: Count = measuring(2, "drop lines of fewer words")
    max_words_to_edit: Count = measuring(10, "cut phrases from lines of at most so many words")
    literal_dots: bool = measuring(False, "whether 'Read more...' ends in dots, or in any three characters")
    words: Literal["fasttext", "whitespace", "uax29"] = measuring("fasttext", "what a word that is lost is")
    max_frac_words_removed: Fraction = judging(0.05, "greatest fraction of words that a document may lose")

    def __call__(self, batch: Batch) -> Outcome:
        """Measure, judge and edit."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the eight signals, one value per document, none of them null."""
        done = self._corrections(batch)
        before = self._counted(batch.scans)
        after = before.copy()
        changed = np.diff(done.edited[1]) != batch.scans.sizes
        after[changed] = self._counted(Scans(texts_of(*done.edited).filter(pa.array(changed))))
        removed = np.where(before > 0, (before - after) / np.maximum(before, 1), 1.0)
        lines = {name: count(own) for name, own in zip(LINE_COUNTS, done.counts, strict=True)}
        return {**lines, "refinedweb_frac_words_removed": pa.array(removed.astype(np.float32))}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the documents that lost too many words."""
        return judge_by(self.rules, signals)

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        """Return what is left of each document."""
        return texts_of(*self._corrections(batch).edited)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The one rule on documents."""
        return (Rule("max_frac_words_removed", "refinedweb_frac_words_removed", "max", self.max_frac_words_removed),)

    def _counted(self, scans: Scans) -> npt.NDArray[np.int64]:
        """Return the number of words of each text."""
        if self.words == "fasttext":
            return fasttext_word_counts(scans.data, scans.offsets, CLASSES)
        return scans.words(self.words).counts

    def _corrections(self, batch: Batch) -> Corrections:
        steps = Steps(
            most_uppercase=2.0 if self.max_frac_uppercase is None else self.max_frac_uppercase,
            digits=self.drop_digits,
            counters=self.drop_counters,
            least_words=self.min_words_per_line or 0,
            edited_words=-1 if self.max_words_to_edit is None else self.max_words_to_edit,
            literal_dots=self.literal_dots,
        )
        return Corrections(batch.scans, steps)
