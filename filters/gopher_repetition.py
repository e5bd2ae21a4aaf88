"""Gopher's repetition rules (Rae et al. 2021, arXiv 2112.11446, table A1).

In:  documents.
Out: thirteen signals each, and the first rule that a document breaks.
Guaranteed: nothing raises; a text without words or without line ends has a share of 0 where nothing is repeated. The
     numbers are those of datatrove's `gopher_repetition_filter.py`, given the same words:

    lines        parts between runs of LF; a line is a duplicate where it stood earlier in the text
    paragraphs   parts between runs of two LF or more, once white space at both ends of the text is gone
    top n-gram   the n-gram that occurs most often, the earliest of those; with its spaces, times its occurrences
    duplicates   read from left to right, an n-gram that stood earlier counts, and its words are passed over

All shares are of the characters of the whole text, white space included. DCLM and Dolma 3 take words by UAX #29
(`words: uax29`); Dolma 1 counts in other ways (`dolma_gopher`) and lets lines repeat up to 0.30 of the characters.
"""

from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, measuring, run_stage
from filters.kernels.ngrams import GREEDY, TOP, TOP_COUNT, ngram_counts
from filters.kernels.repeats import DUPLICATE_CHARS, DUPLICATES, PARTS, repeats
from filters.kernels.scans import Scans, WordDefinition
from filters.kernels.unicode import CLASSES
from filters.measures import ratio
from filters.verdicts import Rule, judge_by

TOP_LENGTHS = (2, 3, 4)
DUPLICATE_LENGTHS = (5, 6, 7, 8, 9, 10)

RULES: tuple[tuple[str, str], ...] = (
    ("max_dup_para_frac", "dup_para_frac"),
    ("max_dup_para_char_frac", "dup_para_char_frac"),
    ("max_dup_line_frac", "dup_line_frac"),
    ("max_dup_line_char_frac", "dup_line_char_frac"),
    *((f"max_top_{n}gram_char_frac", f"top_{n}gram_char_frac") for n in TOP_LENGTHS),
    *((f"max_dup_{n}gram_char_frac", f"dup_{n}gram_char_frac") for n in DUPLICATE_LENGTHS),
)
"""Rule (and option) and signal, in the order of judging, which is datatrove's."""

Share = Annotated[float, Field(ge=0, allow_inf_nan=False)] | None


class GopherRepetition(Stage):
    """Drops documents that repeat themselves: lines, paragraphs, one short phrase, or many long ones.

    Rules are judged in the order of the options below and are called like them; the value is the stored signal. A
    bound of null turns its rule off; a number on the bound passes.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = tuple(signal for _, signal in RULES)

    words: WordDefinition = measuring("whitespace", "what a word is: whitespace, or uax29 (DCLM, Dolma 3)")
    max_dup_para_frac: Share = judging(0.30, "greatest share of paragraphs that stood before")
    max_dup_para_char_frac: Share = judging(0.20, "greatest share of characters in such paragraphs")
    max_dup_line_frac: Share = judging(0.30, "greatest share of lines that stood before")
    max_dup_line_char_frac: Share = judging(0.20, "greatest share of characters in such lines")
    max_top_2gram_char_frac: Share = judging(0.20, "greatest share of characters in the most frequent 2-gram")
    max_top_3gram_char_frac: Share = judging(0.18, "greatest share of characters in the most frequent 3-gram")
    max_top_4gram_char_frac: Share = judging(0.16, "greatest share of characters in the most frequent 4-gram")
    max_dup_5gram_char_frac: Share = judging(0.15, "greatest share of characters in repeated 5-grams")
    max_dup_6gram_char_frac: Share = judging(0.14, "greatest share of characters in repeated 6-grams")
    max_dup_7gram_char_frac: Share = judging(0.13, "greatest share of characters in repeated 7-grams")
    max_dup_8gram_char_frac: Share = judging(0.12, "greatest share of characters in repeated 8-grams")
    max_dup_9gram_char_frac: Share = judging(0.11, "greatest share of characters in repeated 9-grams")
    max_dup_10gram_char_frac: Share = judging(0.10, "greatest share of characters in repeated 10-grams")

    def __call__(self, batch: Batch) -> Outcome:
        """Measure and judge."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the thirteen signals, one value per document, none of them null."""
        return {**_measure_parts(batch.scans), **_measure_ngrams(batch.scans, self.words)}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the first rule that each document breaks, in the order of `rules`."""
        return judge_by(self.rules, signals)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The thirteen rules, in their order."""
        return tuple(Rule(name, signal, "max", getattr(self, name)) for name, signal in RULES)


def _measure_parts(scans: Scans) -> dict[str, pa.Array]:
    lines, paragraphs = repeats(scans.data, scans.offsets, scans.line_feed_lines, scans.stood_before, CLASSES)
    return {
        "dup_para_frac": ratio(paragraphs[:, DUPLICATES], paragraphs[:, PARTS]),
        "dup_para_char_frac": ratio(paragraphs[:, DUPLICATE_CHARS], scans.chars),
        "dup_line_frac": ratio(lines[:, DUPLICATES], lines[:, PARTS]),
        "dup_line_char_frac": ratio(lines[:, DUPLICATE_CHARS], scans.chars),
    }


def _measure_ngrams(scans: Scans, definition: WordDefinition) -> dict[str, pa.Array]:
    words = scans.words(definition)
    counts = ngram_counts(words.first, words.hashes, words.chars)
    spaced = counts[:, :, TOP] + counts[:, :, TOP_COUNT] * np.maximum(np.arange(counts.shape[1]) - 1, 0)
    tops = {f"top_{n}gram_char_frac": ratio(spaced[:, n], scans.chars) for n in TOP_LENGTHS}
    greedy = {f"dup_{n}gram_char_frac": ratio(counts[:, n, GREEDY], scans.chars) for n in DUPLICATE_LENGTHS}
    return {**tops, **greedy}
