"""The signals of Gopher's quality rules (`filters/gopher.py`)."""

import pyarrow as pa

from filters.signals.signal import Signal

GOPHER = "Rae et al. 2021, arXiv 2112.11446, appendix A.1.1"

GOPHER_QUALITY: dict[str, Signal] = {
    "word_count": Signal(
        "word_count",
        pa.int64(),
        "words",
        "number of words: longest runs of characters without the property White_Space, or by option segments of "
        "UAX #29 with a letter or digit; by option without words of punctuation only",
        GOPHER,
    ),
    "mean_word_length": Signal(
        "mean_word_length",
        pa.float32(),
        "characters per word",
        "code points in the words of word_count / word_count; 0 where there are none",
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

GOPHER_TABLE_A1 = "Rae et al. 2021, arXiv 2112.11446, table A1; datatrove pipeline/filters/gopher_repetition_filter.py"


def _share(name: str, unit: str, definition: str) -> Signal:
    return Signal(name, pa.float32(), unit, f"{definition}; 0 for an empty text", GOPHER_TABLE_A1)


GOPHER_REPETITION: dict[str, Signal] = {
    signal.name: signal
    for signal in (
        _share(
            "dup_para_frac", "fraction of paragraphs", "paragraphs (between runs of 2 LF or more) that stood before"
        ),
        _share("dup_para_char_frac", "fraction of characters", "characters in paragraphs that stood before / all"),
        _share("dup_line_frac", "fraction of lines", "lines (between runs of LF) that stood before / lines"),
        _share("dup_line_char_frac", "fraction of characters", "characters in lines that stood before / all"),
        *(
            _share(
                f"top_{n}gram_char_frac",
                "fraction of characters",
                f"characters of the most frequent {n}-gram of words, spaces included, x its occurrences / all",
            )
            for n in (2, 3, 4)
        ),
        *(
            _share(
                f"dup_{n}gram_char_frac",
                "fraction of characters",
                f"characters of {n}-grams of words that stood before, read from left to right without overlap / all",
            )
            for n in range(5, 11)
        ),
    )
}
