r"""The natural-language and repetition signals of RedPajama v2, under their published names.

In:  documents, and word lists where the manifest names them.
Out: 28 signals each; six of them are lists with a number per line.
Guaranteed: the numbers of RedPajama-Data (branch main), app/src/core/quality_signals/*.py, to the eight decimals that
     it keeps, where it says null (a text without words), null too. What RedPajama v2 calls a signal is judged by
     `where:`.

RedPajama v2 works on two kinds of words: raw ones, which its tokenizer splits by `\w+|[^\w\s]+`, and normalized ones,
without ASCII punctuation, in lower case and NFD. `filters/signals/redpajama.py` says which signal uses which. Signals
that come with CCNet (`ccnet_*`), need a trained model (`rps_doc_ml_*`, `rps_doc_*_importance`) or a list of domains
(`rps_doc_ut1_blacklist`) are not measured here.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import PrivateAttr

from filters.batch import Batch, Columns, InputFile, Outcome, ReadFiles, Stage, measuring, run_stage
from filters.kernels.ngrams import COVERED, TOP, TOP_COUNT, ngram_counts
from filters.kernels.normalized import (
    LINE_LETTERS,
    LINE_LISTED,
    LINE_NUMERIC,
    LINE_WORDS,
    Normalized,
    find_normalized,
)
from filters.kernels.redpajama_raw import (
    ALL_CAPS,
    BRACES,
    CHARS,
    LINE_BULLET,
    LINE_CHARS,
    LINE_ELLIPSIS,
    LINE_TERMINAL,
    LINE_UPPER,
    SENTENCES,
    SYMBOLS,
    WITH_ASCII_LETTER,
    WORDS,
    listed_words,
    raw_counts,
)
from filters.kernels.redpajama_words import listed_rows, word_variety
from filters.kernels.unicode import CLASSES
from filters.redpajama_words import (
    WordLists,
    bad_word_lists,
    read_bad_words,
    read_stop_words,
    stop_word_lists,
)
from filters.signals.redpajama import REDPAJAMA

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.int32] | npt.NDArray[np.float64]


def _ratio(above: Numbers, below: Numbers) -> pa.Array:
    """Divide; null where there is nothing to divide by."""
    shares = np.divide(above, below, out=np.zeros(len(below)), where=below > 0)
    return pa.array(shares.astype(np.float32), mask=below == 0)


def _share(above: Numbers, below: Numbers) -> pa.Array:
    """Divide; 0 where there is nothing to divide by."""
    return _ratio(above, below).fill_null(0)


def _per_text(first: I64, numbers: Numbers) -> I64:
    """Add up what lies at places `first[d]` to `first[d + 1]`."""
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(numbers, dtype=np.int64)])
    return np.asarray(sums[first[1:]] - sums[first[:-1]])


def _lists(first: I64, values: Numbers) -> pa.Array:
    """Make one list of float32 per text."""
    return pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), pa.array(values.astype(np.float32)))


def _safe_divide(above: Numbers, below: Numbers) -> F64:
    return np.divide(above, below, out=np.zeros(len(below)), where=below > 0)


def word_signals(found: Normalized) -> dict[str, pa.Array]:
    """Return what normalized words say of whole texts."""
    words, chars = np.diff(found.first), _per_text(found.line_first, found.lines[:, LINE_LETTERS])
    different, entropy = word_variety(found.first, found.hashes)
    return {
        "rps_doc_word_count": pa.array(words),
        "rps_doc_mean_word_length": _ratio(chars, words),
        "rps_doc_frac_unique_words": _ratio(different, words),
        "rps_doc_unigram_entropy": pa.array(entropy.astype(np.float32), mask=words == 0),
        "rps_doc_lorem_ipsum": _share(found.lorem, chars + np.maximum(words - 1, 0)),
    }


def ngram_signals(found: Normalized) -> dict[str, pa.Array]:
    """Return what repeated n-grams of normalized words say."""
    chars = _per_text(found.line_first, found.lines[:, LINE_LETTERS])
    counts = ngram_counts(found.first, found.hashes, found.chars)
    tops = {n: counts[:, n, TOP] * (counts[:, n, TOP_COUNT] > 1) for n in range(2, 5)}
    return {
        **{f"rps_doc_frac_chars_top_{n}gram": _share(top, chars) for n, top in tops.items()},
        **{f"rps_doc_frac_chars_dupe_{n}grams": _share(counts[:, n, COVERED], chars) for n in range(5, 11)},
    }


def raw_signals(counts: I64) -> dict[str, pa.Array]:
    """Return what raw words and characters say of whole texts."""
    words = counts[:, WORDS]
    without = 1.0 - _safe_divide(counts[:, WITH_ASCII_LETTER], words)
    return {
        "rps_doc_curly_bracket": _share(counts[:, BRACES], counts[:, CHARS]),
        "rps_doc_frac_all_caps_words": _ratio(counts[:, ALL_CAPS], words),
        "rps_doc_frac_no_alph_words": pa.array(without.astype(np.float32), mask=words == 0),
        "rps_doc_symbol_to_word_ratio": _ratio(counts[:, SYMBOLS], words),
        "rps_doc_num_sentences": pa.array(counts[:, SENTENCES]),
    }


def line_signals(found: Normalized, raw: I32) -> dict[str, pa.Array]:
    """Return the lists with a number per line, and the share of lines that end in an ellipsis."""
    first, words = found.line_first, found.lines[:, LINE_WORDS]
    chars = found.lines[:, LINE_LETTERS] + np.maximum(words - 1, 0)
    return {
        "rps_doc_frac_lines_end_with_ellipsis": _ratio(_per_text(first, raw[:, LINE_ELLIPSIS]), np.diff(first)),
        "rps_lines_ending_with_terminal_punctution_mark": _lists(first, raw[:, LINE_TERMINAL]),
        "rps_lines_javascript_counts": _lists(first, found.lines[:, LINE_LISTED]),
        "rps_lines_num_words": _lists(first, words),
        "rps_lines_numerical_chars_fraction": _lists(first, _safe_divide(found.lines[:, LINE_NUMERIC], chars)),
        "rps_lines_start_with_bulletpoint": _lists(first, raw[:, LINE_BULLET]),
        "rps_lines_uppercase_letter_fraction": _lists(first, _safe_divide(raw[:, LINE_UPPER], raw[:, LINE_CHARS])),
    }


class RedpajamaSignals(Stage):
    """Measures the signals of RedPajama v2 and drops nothing: judge them by `where:`.

    Two of the signals need word lists, which come from outside: `stop_words` (RedPajama v2 uses
    https://github.com/6/stopwords-json) and `bad_words` (https://github.com/LDNOOBW). Without their list, and in
    documents of a language that the list does not have, they are null.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = tuple(REDPAJAMA)
    needing: ClassVar[Mapping[str, str]] = {
        "rps_doc_stop_word_fraction": "stop_words",
        "rps_doc_ldnoobw_words": "bad_words",
    }

    stop_words: InputFile | None = measuring(None, "JSON file {language: [words]} for rps_doc_stop_word_fraction")
    bad_words: InputFile | None = measuring(None, "files named by language, an entry a line, for rps_doc_ldnoobw_words")
    language: str | None = measuring(None, "language of all documents; null: that of each document")

    _stop_words: WordLists | None = PrivateAttr(None)
    _bad_words: WordLists | None = PrivateAttr(None)

    def __call__(self, batch: Batch) -> Outcome:
        """Measure."""
        return run_stage(self, batch)

    def load(self, read: ReadFiles) -> "RedpajamaSignals":
        """Return the stage with its word lists in memory.

        Raises:
            ValueError: a file is not a word list.
        """
        loaded = self.model_copy()
        if self.stop_words is not None:
            loaded._stop_words = stop_word_lists(read_stop_words(read(self.stop_words)))  # noqa: SLF001 - a copy of itself
        if self.bad_words is not None:
            loaded._bad_words = bad_word_lists(read_bad_words(read(self.bad_words)))  # noqa: SLF001 - likewise
        return loaded

    def measure(self, batch: Batch) -> Columns:
        """Return the signals, one value per document.

        Raises:
            ValueError: the stage names files and was not loaded.
        """
        scans = batch.scans
        found = find_normalized(scans.data, scans.offsets)
        counts, lines = raw_counts(scans.data, scans.offsets, CLASSES, len(found.lines))
        columns = {
            **self._listed(batch, found, counts[:, WORDS]),
            **word_signals(found),
            **ngram_signals(found),
            **raw_signals(counts),
            **line_signals(found, lines),
        }
        return {name: columns[name] for name in self.measured}

    def _listed(self, batch: Batch, found: Normalized, raw: I64) -> dict[str, pa.Array]:
        return {
            "rps_doc_stop_word_fraction": self._stop_word_fraction(batch, found, raw),
            "rps_doc_ldnoobw_words": self._bad_word_count(batch, found),
        }

    def _stop_word_fraction(self, batch: Batch, found: Normalized, raw: I64) -> pa.Array:
        lists = _loaded(self.stop_words, self._stop_words)
        if lists is None:
            return pa.nulls(len(batch), pa.float32())
        numbers, scans = lists.numbers(self._languages(batch)), batch.scans
        hits = listed_words(scans.data, scans.offsets, CLASSES, numbers, lists.starts, lists.slots)
        shares = np.where(np.diff(found.first) > 0, _safe_divide(hits, raw), 0.0)
        return pa.array(shares.astype(np.float32), mask=hits < 0)

    def _bad_word_count(self, batch: Batch, found: Normalized) -> pa.Array:
        lists = _loaded(self.bad_words, self._bad_words)
        if lists is None:
            return pa.nulls(len(batch), pa.int64())
        numbers = lists.numbers(self._languages(batch))
        hits = listed_rows(found.first, found.hashes, numbers, lists.starts, lists.slots)
        return pa.array(hits, mask=hits < 0)

    def _languages(self, batch: Batch) -> pa.Array:
        if self.language is None:
            return batch.documents.column("language")
        return pa.repeat(pa.scalar(self.language), len(batch))


def _loaded(file: InputFile | None, lists: WordLists | None) -> WordLists | None:
    if file is not None and lists is None:
        raise ValueError("redpajama_signals names word lists that were not read: call load(read) first")
    return lists
