"""The catalogue of signals: what every stored number means.

In:  nothing.
Out: `SIGNALS`, name -> definition, unit and published source.
Guaranteed: a stage measures only signals named here, with the type given here; counts are int64, ratios float32.
"""

from dataclasses import dataclass

import pyarrow as pa

GOPHER = "Rae et al. 2021, arXiv 2112.11446, appendix A.1.1"


@dataclass(frozen=True)
class Signal:
    """One number that is measured on a document's text.

    Args:
        name: the column; behind an editor it is followed by `@` and the editor's name.
        dtype: Arrow type of the column.
        unit: what one is one of.
        definition: how it is computed, empty cases included.
        source: where it was published.
    """

    name: str
    dtype: pa.DataType
    unit: str
    definition: str
    source: str


SIGNALS: dict[str, Signal] = {
    "word_count": Signal(
        "word_count",
        pa.int64(),
        "words",
        "number of words: longest runs of characters without the Unicode property White_Space",
        GOPHER,
    ),
    "mean_word_length": Signal(
        "mean_word_length",
        pa.float32(),
        "characters per word",
        "code points in words / words; 0 where there are no words",
        GOPHER,
    ),
    "symbol_to_word_ratio": Signal(
        "symbol_to_word_ratio",
        pa.float32(),
        "symbols per word",
        "the larger of the number of '#' and the number of ellipses ('...' without overlap, plus U+2026) / words; "
        "0 where there are no words",
        GOPHER,
    ),
    "frac_bullet_lines": Signal(
        "frac_bullet_lines",
        pa.float32(),
        "fraction of lines",
        "lines whose first character behind white space is U+2022 or '-' / lines; 0 where there are no lines",
        GOPHER,
    ),
    "frac_ellipsis_lines": Signal(
        "frac_ellipsis_lines",
        pa.float32(),
        "fraction of lines",
        "lines that end, but for white space, in '...' or U+2026 / lines; 0 where there are no lines",
        GOPHER,
    ),
    "frac_words_with_alpha": Signal(
        "frac_words_with_alpha",
        pa.float32(),
        "fraction of words",
        "words with at least one letter (general category L of Unicode 14.0) / words; 0 where there are no words",
        GOPHER,
    ),
    "stop_word_count": Signal(
        "stop_word_count",
        pa.int64(),
        "distinct words",
        "how many of the stop words occur as words, exactly as written (case counts, punctuation is not stripped)",
        GOPHER,
    ),
}
