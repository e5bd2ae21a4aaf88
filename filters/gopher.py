"""Gopher's quality rules (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1).

In:  documents.
Out: seven signals each, and the first rule that a document breaks.
Guaranteed: nothing raises; a text without words has all signals 0 and falls by `min_word_count`. Words and lines come
     from the scans that all filters of a pass share.

The published thresholds are also those of RefinedWeb, Dolma and FineWeb. Beside other implementations:

    word_count            as Dolma; datatrove leaves out words of punctuation only, here and in the mean length, and so
                          does `punctuation_words: false`
    mean_word_length      Dolma bounds the median (`dolma_gopher`)
    symbol_to_word_ratio  as datatrove, whose two rules share a bound; Dolma counts words that hold a '#' or U+2026
    frac_bullet_lines     as datatrove; Dolma: '*' or '-' at the very start of a line
    frac_ellipsis_lines   as datatrove; Dolma: U+2026 at the very end of a line
    stop_word_count       as datatrove, distinct words; Dolma counts every occurrence
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, measuring, run_stage
from filters.kernels.quality import bullets_and_ellipses, distinct_members, sums, sums_of_only, symbols
from filters.kernels.scans import Scans, WordDefinition, Words
from filters.kernels.unicode import CLASSES
from filters.measures import Numbers, count, ratio, text_hashes
from filters.punctuation import PUNCTUATION
from filters.verdicts import Rule, judge_by

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight English words, of which a document must hold two."""

RULES: tuple[tuple[str, str, Literal["min", "max"]], ...] = (
    ("min_word_count", "word_count", "min"),
    ("max_word_count", "word_count", "max"),
    ("min_mean_word_length", "mean_word_length", "min"),
    ("max_mean_word_length", "mean_word_length", "max"),
    ("max_symbol_to_word_ratio", "symbol_to_word_ratio", "max"),
    ("max_frac_bullet_lines", "frac_bullet_lines", "max"),
    ("max_frac_ellipsis_lines", "frac_ellipsis_lines", "max"),
    ("min_frac_words_with_alpha", "frac_words_with_alpha", "min"),
    ("min_stop_word_count", "stop_word_count", "min"),
)
"""Rule (and option), signal and kind of bound, in the order of judging, which is datatrove's."""

Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
Count = Annotated[int, Field(ge=0)] | None


class GopherQuality(Stage):
    """Drops documents that do not look like prose: too short, too long, or made of symbols, bullets and numbers.

    Rules are judged in the order of the options below and are called like them; the value is the stored signal. A
    bound of null turns its rule off; a number on the bound passes.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = (
        "word_count",
        "mean_word_length",
        "symbol_to_word_ratio",
        "frac_bullet_lines",
        "frac_ellipsis_lines",
        "frac_words_with_alpha",
        "stop_word_count",
    )

    words: WordDefinition = measuring("whitespace", "what a word is: whitespace, or uax29 (DCLM, Dolma 3)")
    punctuation_words: bool = measuring(True, "whether words of punctuation only count and have a length")
    stop_words: tuple[str, ...] = measuring(STOP_WORDS, "words of which `min_stop_word_count` must occur")
    min_word_count: Count = judging(50, "least number of words")
    max_word_count: Count = judging(100_000, "greatest number of words")
    min_mean_word_length: Limit = judging(3.0, "least mean word length, characters")
    max_mean_word_length: Limit = judging(10.0, "greatest mean word length, characters")
    max_symbol_to_word_ratio: Limit = judging(0.1, "most '#' per word, and most ellipses per word")
    max_frac_bullet_lines: Limit = judging(0.9, "greatest fraction of lines that begin with a bullet")
    max_frac_ellipsis_lines: Limit = judging(0.3, "greatest fraction of lines that end in an ellipsis")
    min_frac_words_with_alpha: Limit = judging(0.8, "least fraction of words with a letter")
    min_stop_word_count: Count = judging(2, "least number of different stop words")

    def __call__(self, batch: Batch) -> Outcome:
        """Measure and judge."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the seven signals, one value per document, none of them null."""
        words = batch.scans.words(self.words)
        hashes = text_hashes(dict.fromkeys(self.stop_words))
        lengths, lettered = sums(words.first, words.chars, words.letters)
        return {
            **self._measure_lengths(batch.scans, words, lengths),
            "symbol_to_word_ratio": ratio(np.maximum(*symbols(batch.scans.data, batch.scans.offsets)), words.counts),
            **_measure_lines(batch.scans),
            "frac_words_with_alpha": ratio(lettered, words.counts),
            "stop_word_count": count(distinct_members(words.first, words.hashes, hashes)),
        }

    def _measure_lengths(self, scans: Scans, words: Words, lengths: Numbers) -> Columns:
        """Return the number of words that count, and their mean length."""
        counts = words.counts
        if not self.punctuation_words:
            places = words.first, words.start, words.end
            left_out, found = sums_of_only(scans.data, places, words.chars, words.letters, PUNCTUATION)
            lengths, counts = lengths - left_out, counts - found
        return {"word_count": count(counts), "mean_word_length": ratio(lengths, counts)}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the first rule that each document breaks, in the order of `rules`."""
        return judge_by(self.rules, signals)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The nine rules, in their order."""
        return tuple(Rule(name, signal, bound, getattr(self, name)) for name, signal, bound in RULES)


def _measure_lines(scans: Scans) -> Columns:
    """Return what the lines say: two signals."""
    lines = scans.lines
    bullets, ellipses = bullets_and_ellipses(scans.data, lines.first, lines.start, lines.end, CLASSES)
    return {"frac_bullet_lines": ratio(bullets, lines.counts), "frac_ellipsis_lines": ratio(ellipses, lines.counts)}
