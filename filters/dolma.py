"""Dolma's variant of Gopher's rules, and what its C4 tagger sees.

In:  documents.
Out: 19 signals and the first rule that a document breaks; six more signals, of lines.
Guaranteed: the attributes of Dolma's taggers `gopher_v1` (or `gopher_v2`) and `c4_v1`, in the repository allenai/dolma,
     python/dolma/taggers, to the five decimals that its attribute files keep. Words are the longest runs without
     White_Space; `str.split`, which Dolma uses, also splits at U+001C to U+001F, which pages hardly hold.

The thresholds are those of configs/dolma-v1_6/mixing (the same in v1_5). Beside Gopher's own (`filters/gopher.py`): the
median word length is bounded, not the mean; duplicate lines count with their first occurrence; n-grams of more than one
occurrence count wherever they stand, overlaps twice, against the n-grams at all places. Those configs ask for
attributes `..._most_common_2gram`, while the tagger, as it is published, writes `..._most_common_2grams`: with both as
they are the three rules of the most common n-gram never drop anything. Here they do as they say; null turns them off.

Dolma's `has_naughty_word` needs a word list, which is what the filters of `filters/word_list.py` are for.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, measuring, run_stage
from filters.kernels.dolma_c4 import CURLY_BRACE, FEW_WORDS, JAVASCRIPT, LOREM_IPSUM, NO_PUNCTUATION, c4_counts
from filters.kernels.dolma_gopher import (
    BULLETS,
    DUPLICATE_CHARS,
    DUPLICATES,
    ELLIPSES,
    LINES,
    char_counts,
    line_counts,
    median_lengths,
    required_words,
    symbol_words,
)
from filters.kernels.newlines import line_feed_lines
from filters.kernels.ngrams import REPEATED, TOP, TOTAL, ngram_counts
from filters.kernels.scans import Scans, Words
from filters.kernels.unicode import CLASSES
from filters.signals.dolma import DOLMA_C4, DOLMA_GOPHER
from filters.verdicts import Rule, judge_by

I64 = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
Count = Annotated[int, Field(ge=0)] | None

REQUIRED_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight English words."""

RULES: tuple[tuple[str, Literal["min", "max"]], ...] = (
    ("word_count", "min"),
    ("word_count", "max"),
    ("median_word_length", "min"),
    ("median_word_length", "max"),
    ("symbol_to_word_ratio", "max"),
    ("fraction_of_words_with_alpha_character", "min"),
    ("required_word_count", "min"),
    ("fraction_of_lines_starting_with_bullet_point", "max"),
    ("fraction_of_lines_ending_with_ellipsis", "max"),
    ("fraction_of_duplicate_lines", "max"),
    ("fraction_of_characters_in_duplicate_lines", "max"),
    *((f"fraction_of_characters_in_most_common_{n}grams", "max") for n in range(2, 5)),
    *((f"fraction_of_characters_in_duplicate_{n}grams", "max") for n in range(5, 11)),
)
"""Attribute and kind of bound, in the order of the mixer's configs; the rule is called `min_...` or `max_...`."""


def _share(above: Numbers, below: Numbers) -> pa.Array:
    """Divide in float64, nothing by nothing is 0; store float32."""
    return pa.array((above / np.maximum(below, 1)).astype(np.float32))


def _per_text(words: Words, numbers: npt.NDArray[np.int32] | npt.NDArray[np.bool_]) -> I64:
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(numbers, dtype=np.int64)])
    return np.asarray(sums[words.first[1:]] - sums[words.first[:-1]])


def _required_hashes() -> npt.NDArray[np.uint64]:
    return Scans(pa.array(REQUIRED_WORDS, pa.large_string())).words("whitespace").hashes


def word_signals(scans: Scans) -> dict[str, pa.Array]:
    """Return what words say."""
    words = scans.words("whitespace")
    symbols = symbol_words(scans.data, words.first, words.start, words.end)
    return {
        "dolma_character_count": pa.array(char_counts(scans.data, scans.offsets)),
        "dolma_word_count": pa.array(words.counts),
        "dolma_median_word_length": pa.array(median_lengths(words.first, words.chars).astype(np.float32)),
        "dolma_symbol_to_word_ratio": _share(symbols, words.counts),
        "dolma_fraction_of_words_with_alpha_character": _share(_per_text(words, words.letters), words.counts),
        "dolma_required_word_count": pa.array(required_words(words.first, words.hashes, _required_hashes())),
    }


def ngram_signals(words: Words) -> dict[str, pa.Array]:
    """Return what repeated n-grams say; null where a text has no n-gram."""
    counts = ngram_counts(words.first, words.hashes, words.chars)
    chars = _per_text(words, words.chars)
    top = {f"most_common_{n}grams": (n, _share(counts[:, n, TOP], chars)) for n in range(2, 5)}
    repeated = {f"duplicate_{n}grams": (n, _share(counts[:, n, REPEATED], counts[:, n, TOTAL])) for n in range(5, 11)}
    return {
        f"dolma_fraction_of_characters_in_{name}": pa.array(shares.to_numpy(), mask=words.counts < n)
        for name, (n, shares) in {**top, **repeated}.items()
    }


def line_signals(scans: Scans, skip_empty: bool) -> dict[str, pa.Array]:
    """Return what lines say."""
    first, start, end = line_feed_lines(scans.data, scans.offsets, scans.lines.first, scans.lines.end)
    counts = line_counts(scans.data, first, start, end, skip_empty)
    counts[scans.sizes == 0] = 0
    words = scans.words("whitespace")
    return {
        "dolma_fraction_of_lines_starting_with_bullet_point": _share(counts[:, BULLETS], counts[:, LINES]),
        "dolma_fraction_of_lines_ending_with_ellipsis": _share(counts[:, ELLIPSES], counts[:, LINES]),
        "dolma_fraction_of_duplicate_lines": _share(counts[:, DUPLICATES], counts[:, LINES]),
        "dolma_fraction_of_characters_in_duplicate_lines": _share(
            counts[:, DUPLICATE_CHARS], _per_text(words, words.chars)
        ),
    }


class DolmaGopher(Stage):
    """Drops documents by Gopher's quality and repetition rules as Dolma measures them.

    Rules are judged in the order of the options below and are called like them; the value is the stored signal, which
    is called `dolma_` and then like the rule without its `min_` or `max_`. A bound of null turns its rule off; a number
    on the bound passes, and so does one that was not measured: a text of fewer than n words has no n-grams.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = tuple(DOLMA_GOPHER)

    tagger: Literal["gopher_v1", "gopher_v2"] = measuring(
        "gopher_v1", "gopher_v2 takes lines between rows of line feeds, gopher_v1 between single ones"
    )
    min_word_count: Count = judging(50, "least number of words")
    max_word_count: Count = judging(100_000, "greatest number of words")
    min_median_word_length: Limit = judging(3.0, "least median word length, characters")
    max_median_word_length: Limit = judging(10.0, "greatest median word length, characters")
    max_symbol_to_word_ratio: Limit = judging(0.1, "greatest fraction of words with a '#' or an ellipsis")
    min_fraction_of_words_with_alpha_character: Limit = judging(0.8, "least fraction of words with a letter")
    min_required_word_count: Count = judging(2, "least number of occurrences of Gopher's eight words")
    max_fraction_of_lines_starting_with_bullet_point: Limit = judging(0.9, "greatest fraction of lines with '*' or '-'")
    max_fraction_of_lines_ending_with_ellipsis: Limit = judging(
        0.3, "greatest fraction of lines with U+2026 at the end"
    )
    max_fraction_of_duplicate_lines: Limit = judging(0.3, "greatest fraction of lines that occur more than once")
    max_fraction_of_characters_in_duplicate_lines: Limit = judging(
        0.3, "most of their characters, per character in words"
    )
    max_fraction_of_characters_in_most_common_2grams: Limit = judging(0.20, "greatest share of the most common 2-gram")
    max_fraction_of_characters_in_most_common_3grams: Limit = judging(0.18, "greatest share of the most common 3-gram")
    max_fraction_of_characters_in_most_common_4grams: Limit = judging(0.16, "greatest share of the most common 4-gram")
    max_fraction_of_characters_in_duplicate_5grams: Limit = judging(0.15, "greatest share of repeated 5-grams")
    max_fraction_of_characters_in_duplicate_6grams: Limit = judging(0.14, "greatest share of repeated 6-grams")
    max_fraction_of_characters_in_duplicate_7grams: Limit = judging(0.13, "greatest share of repeated 7-grams")
    max_fraction_of_characters_in_duplicate_8grams: Limit = judging(0.12, "greatest share of repeated 8-grams")
    max_fraction_of_characters_in_duplicate_9grams: Limit = judging(0.11, "greatest share of repeated 9-grams")
    max_fraction_of_characters_in_duplicate_10grams: Limit = judging(0.10, "greatest share of repeated 10-grams")

    def __call__(self, batch: Batch) -> Outcome:
        """Measure and judge."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the signals, one value per document."""
        scans = batch.scans
        columns = {
            **word_signals(scans),
            **ngram_signals(scans.words("whitespace")),
            **line_signals(scans, self.tagger == "gopher_v2"),
        }
        return {name: columns[name] for name in self.measured}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the first rule that each document breaks, in the order of `rules`."""
        return judge_by(self.rules, signals)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in their order."""
        named = ((f"{bound}_{attribute}", attribute, bound) for attribute, bound in RULES)
        return tuple(Rule(name, f"dolma_{attribute}", bound, getattr(self, name)) for name, attribute, bound in named)


class DolmaC4(Stage):
    """Measures what Dolma's C4 tagger sees in a document's lines, and drops nothing: judge it by `where:`."""

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = tuple(DOLMA_C4)

    def __call__(self, batch: Batch) -> Outcome:
        """Measure."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the signals, one value per document, none of them null."""
        scans = batch.scans
        first, start, end = line_feed_lines(scans.data, scans.offsets, scans.lines.first, scans.lines.end)
        counts = c4_counts(scans.data, first, start, end, CLASSES)
        return {
            "dolma_line_count": pa.array(np.diff(first)),
            "dolma_lines_with_no_ending_punctuation": pa.array(counts[:, NO_PUNCTUATION]),
            "dolma_lines_with_too_few_words": pa.array(counts[:, FEW_WORDS]),
            "dolma_has_javascript": pa.array(np.minimum(counts[:, JAVASCRIPT], 1)),
            "dolma_has_lorem_ipsum": pa.array(np.minimum(counts[:, LOREM_IPSUM], 1)),
            "dolma_has_curly_brace": pa.array(np.minimum(counts[:, CURLY_BRACE], 1)),
        }
