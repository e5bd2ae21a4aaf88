"""Gopher's quality rules (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1).

In:  documents.
Out: seven signals each, and the first rule that a document breaks.
Guaranteed: plain code that reads a document's words once and its lines once; it is what every faster version of these
     signals must equal. Nothing raises: a text without words has all signals 0 and falls by `min_word_count`.

The published thresholds are also those of RefinedWeb, Dolma and FineWeb. Beside other implementations:

    word_count            as Dolma; datatrove leaves out words of punctuation only, here and in the mean length
    mean_word_length      Dolma bounds the median
    symbol_to_word_ratio  as datatrove, whose two rules share a bound; Dolma counts words that hold a '#' or U+2026
    frac_bullet_lines     as datatrove; Dolma: '*' or '-' at the very start of a line
    frac_ellipsis_lines   as datatrove; Dolma: U+2026 at the very end of a line
    stop_word_count       as datatrove, distinct words; Dolma counts every occurrence
"""

from typing import Annotated, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, measuring, run_stage
from filters.signals import SIGNALS
from filters.verdicts import Rule, judge_by
from filters.words import has_letter, lines, words

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight English words, of which a document must hold two."""

SYMBOL = "#"
BULLETS = ("\u2022", "-")
ELLIPSES = ("...", "\u2026")

MEASURED = (
    "word_count",
    "mean_word_length",
    "symbol_to_word_ratio",
    "frac_bullet_lines",
    "frac_ellipsis_lines",
    "frac_words_with_alpha",
    "stop_word_count",
)
"""The signals that `GopherQuality` measures."""

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


def measure_words(text: str, stop_words: frozenset[str]) -> dict[str, float]:
    """Return what a document's words say: five signals."""
    found = words(text)
    count = max(len(found), 1)
    return {
        "word_count": len(found),
        "mean_word_length": sum(map(len, found)) / count,
        "symbol_to_word_ratio": max(text.count(SYMBOL), sum(map(text.count, ELLIPSES))) / count,
        "frac_words_with_alpha": sum(map(has_letter, found)) / count,
        "stop_word_count": len(stop_words.intersection(found)),
    }


def measure_lines(text: str) -> dict[str, float]:
    """Return what a document's lines say: two signals."""
    found = lines(text)
    count = max(len(found), 1)
    return {
        "frac_bullet_lines": sum(line.lstrip().startswith(BULLETS) for line in found) / count,
        "frac_ellipsis_lines": sum(line.rstrip().endswith(ELLIPSES) for line in found) / count,
    }


def measure_text(text: str, stop_words: frozenset[str]) -> dict[str, float]:
    """Return a document's seven signals, in float64, by name; `filters.signals` defines them."""
    return {**measure_words(text, stop_words), **measure_lines(text)}


class GopherQuality(Stage):
    """Drops documents that do not look like prose: too short, too long, or made of symbols, bullets and numbers.

    Rules are judged in the order of the options below and are called like them; the value is the stored signal. A
    bound of null turns its rule off; a number on the bound passes.
    """

    version: ClassVar[int] = 1

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
        stop_words = frozenset(self.stop_words)
        measured = [measure_text(text, stop_words) for text in batch.text.to_pylist()]
        return {name: pa.array([row[name] for row in measured], SIGNALS[name].dtype) for name in MEASURED}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the first rule that each document breaks, in the order of `rules`."""
        return judge_by(self.rules, signals)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The nine rules, in their order."""
        return tuple(Rule(name, signal, bound, getattr(self, name)) for name, signal, bound in RULES)
