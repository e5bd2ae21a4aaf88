r"""Repetitions of characters, as Dolma's taggers `repetitions_v1` and `paragraph_repetitions_v1` find them.

In:  documents.
Out: three signals: how often the most repeated unit occurs, and how much of the text such repetitions are.
Guaranteed: the numbers of Dolma, python/dolma/taggers/repetitions/repetitions_taggers.py, which searches by the pattern
     `(.+?)(\s?\1){3,}`. They are found in another way, which is hundreds of times as fast.

Dolma 1.6 drops by the kin of this tagger that works on token ids (`tokenizer_repetitions_v2r2`, 100 repetitions or
more), which needs a tokenizer and is not measured here; `where: "dolma_doc_max_score_repetition < 100"` is its
likeness.
"""

from typing import ClassVar

import numpy as np
import pyarrow as pa

from filters.batch import Batch, Columns, Outcome, Stage, measuring, run_stage
from filters.kernels.dolma_repetitions import ALL_CHARS, MOST_CHARS, MOST_UNITS, TEXT_CHARS, repetition_counts
from filters.kernels.unicode import CLASSES
from filters.signals.dolma import DOLMA_REPETITIONS


class DolmaRepetitions(Stage):
    """Measures repetitions of characters, and drops nothing: judge them by `where:`."""

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = tuple(DOLMA_REPETITIONS)

    paragraphs: bool = measuring(False, "whether each line is searched for itself (paragraph_repetitions_v1)")

    def __call__(self, batch: Batch) -> Outcome:
        """Measure."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the signals, one value per document, none of them null."""
        scans = batch.scans
        counts = repetition_counts(scans.data, scans.offsets, CLASSES, self.paragraphs)
        shares = counts[:, ALL_CHARS] / np.maximum(counts[:, TEXT_CHARS], 1)
        return {
            "dolma_doc_max_score_repetition": pa.array(counts[:, MOST_UNITS]),
            "dolma_doc_max_length_repetition": pa.array(counts[:, MOST_CHARS]),
            "dolma_doc_frac_repetition": pa.array(shares.astype(np.float32)),
        }
