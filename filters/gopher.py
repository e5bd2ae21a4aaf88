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

from dataclasses import dataclass, field
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


@dataclass
class Tally:
    """What one pass over a document's words and one over its lines count."""

    words: int = 0
    characters: int = 0
    words_with_letter: int = 0
    stop_words: set[str] = field(default_factory=set)
    lines: int = 0
    bullet_lines: int = 0
    ellipsis_lines: int = 0

    def add_word(self, word: str, stop_words: frozenset[str]) -> None:
        """Count one word."""
        self.words += 1
        self.characters += len(word)
        self.words_with_letter += has_letter(word)
        if word in stop_words:
            self.stop_words.add(word)

    def add_line(self, line: str) -> None:
        """Count one line."""
        self.lines += 1
        self.bullet_lines += line.lstrip().startswith(BULLETS)
        self.ellipsis_lines += line.rstrip().endswith(ELLIPSES)


def tally(text: str, stop_words: frozenset[str]) -> Tally:
    """Count a document's words and lines."""
    counted = Tally()
    for word in words(text):
        counted.add_word(word, stop_words)
    for line in lines(text):
        counted.add_line(line)
    return counted


def measure_text(text: str, stop_words: frozenset[str]) -> dict[str, float]:
    """Return a document's seven signals, in float64, by name; `filters.signals` defines them."""
    counted = tally(text, stop_words)
    symbols = max(text.count(SYMBOL), sum(text.count(ellipsis) for ellipsis in ELLIPSES))
    per_word, per_line = max(counted.words, 1), max(counted.lines, 1)
    return {
        "word_count": counted.words,
        "mean_word_length": counted.characters / per_word,
        "symbol_to_word_ratio": symbols / per_word,
        "frac_bullet_lines": counted.bullet_lines / per_line,
        "frac_ellipsis_lines": counted.ellipsis_lines / per_line,
        "frac_words_with_alpha": counted.words_with_letter / per_word,
        "stop_word_count": len(counted.stop_words),
    }


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
