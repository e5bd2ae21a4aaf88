"""The signals of `filters/redpajama.py`, under the names that RedPajama v2 published them by."""

import pyarrow as pa

from filters.signals.signal import Signal

FOLDER = "RedPajama-Data (branch main), app/src/core/quality_signals/"
CONTENT, LANGUAGE = FOLDER + "content.py", FOLDER + "natural_language.py"
LINES, REPETITIONS = FOLDER + "lines.py", FOLDER + "repetitions.py"

COUNT, RATIO, LIST = pa.int64(), pa.float32(), pa.list_(pa.float32())

RAW = "words of the raw text, \\w+ or [^\\w\\s]+"
NORMALIZED = "normalized words (no ASCII punctuation, lower case, NFD, split at white space)"
NO_RAW, NO_NORMALIZED = "null where there are no raw words", "null where there are no normalized words"
PER_LINE = "; lines end behind each LF, which is part of its line; an empty list where there are no lines"


def _top(n: int) -> Signal:
    return Signal(
        f"rps_doc_frac_chars_top_{n}gram",
        RATIO,
        "fraction of characters",
        f"(characters of the {n}-gram of normalized words that occurs most often, of several the earliest) x its "
        "occurrences / characters of normalized words; 0 where none occurs twice",
        REPETITIONS,
    )


def _dupe(n: int) -> Signal:
    return Signal(
        f"rps_doc_frac_chars_dupe_{n}grams",
        RATIO,
        "fraction of characters",
        f"characters of normalized words that lie in a {n}-gram that occurs more than once, each counted once / "
        "characters of normalized words; 0 where none does",
        REPETITIONS,
    )


_SIGNALS = (
    Signal(
        "rps_doc_curly_bracket",
        RATIO,
        "fraction of characters",
        "number of '{' and '}' / code points; 0 for the empty text",
        CONTENT,
    ),
    Signal(
        "rps_doc_ldnoobw_words",
        COUNT,
        "occurrences",
        "rows of normalized words that are an entry of the list for the document's language, as the list writes it; "
        "null without such a list",
        CONTENT,
    ),
    Signal(
        "rps_doc_lorem_ipsum",
        RATIO,
        "occurrences per character",
        "occurrences of 'lorem ipsum' in the normalized words, joined by single spaces / code points of that; "
        "0 where there are none",
        CONTENT,
    ),
    Signal(
        "rps_doc_stop_word_fraction",
        RATIO,
        "fraction of words",
        f"{RAW}, that stand in the stop-word list of the document's language exactly as written / all such words; 0 "
        "where there are no normalized words, null without such a list",
        CONTENT,
    ),
    Signal(
        "rps_doc_frac_all_caps_words",
        RATIO,
        "fraction of words",
        f"{RAW}, with an upper-case character and none of lower or title case / all such words; {NO_RAW}",
        LANGUAGE,
    ),
    Signal(
        "rps_doc_frac_lines_end_with_ellipsis",
        RATIO,
        "fraction of lines",
        "lines that end, but for white space, in '...' or U+2026 / lines, which end behind each LF; null where there "
        "are no lines",
        LANGUAGE,
    ),
    Signal(
        "rps_doc_frac_no_alph_words",
        RATIO,
        "fraction of words",
        f"{RAW}, without one of a-z and A-Z / all such words; {NO_RAW}",
        LANGUAGE,
    ),
    Signal(
        "rps_doc_frac_unique_words",
        RATIO,
        "fraction of words",
        f"different {NORMALIZED} / all of them; {NO_NORMALIZED}",
        LANGUAGE,
    ),
    Signal(
        "rps_doc_mean_word_length",
        RATIO,
        "characters per word",
        f"code points of {NORMALIZED} / their number; {NO_NORMALIZED}",
        LANGUAGE,
    ),
    Signal(
        "rps_doc_num_sentences",
        COUNT,
        "sentences",
        "matches of \\b[^.!?]+[.!?]*: longest runs without '.', '!' and '?' in which a letter, a digit or '_' stands",
        LANGUAGE,
    ),
    Signal(
        "rps_doc_symbol_to_word_ratio",
        RATIO,
        "symbols per word",
        f"number of '#', of '...' without overlap and of U+2026 / {RAW}; {NO_RAW}",
        LANGUAGE,
    ),
    Signal(
        "rps_doc_unigram_entropy",
        RATIO,
        "nats",
        f"sum of -p log p over the shares p of the different {NORMALIZED}; {NO_NORMALIZED}",
        LANGUAGE,
    ),
    Signal("rps_doc_word_count", COUNT, "words", f"number of {NORMALIZED}", LANGUAGE),
    Signal(
        "rps_lines_ending_with_terminal_punctution_mark",
        LIST,
        "0 or 1",
        "whether a line ends, but for white space, in '.', '!', '?' or U+201D" + PER_LINE,
        LINES,
    ),
    Signal("rps_lines_javascript_counts", LIST, "words", "normalized words 'javascript' of a line" + PER_LINE, LINES),
    Signal("rps_lines_num_words", LIST, "words", "normalized words of a line" + PER_LINE, LINES),
    Signal(
        "rps_lines_numerical_chars_fraction",
        LIST,
        "fraction of characters",
        "characters for which str.isnumeric holds / code points of the line's normalized words, joined by single "
        "spaces; 0 where it has none" + PER_LINE,
        LINES,
    ),
    Signal(
        "rps_lines_start_with_bulletpoint",
        LIST,
        "0 or 1",
        "whether a line begins, but for white space, with one of U+2022, U+2023, U+25B6, U+25C0, U+25E6, U+25A0, "
        "U+25A1, U+25AA, U+25AB and U+2013" + PER_LINE,
        LINES,
    ),
    Signal(
        "rps_lines_uppercase_letter_fraction",
        LIST,
        "fraction of characters",
        "upper-case characters / code points of the line" + PER_LINE,
        LINES,
    ),
    *map(_top, range(2, 5)),
    *map(_dupe, range(5, 11)),
)

REDPAJAMA: dict[str, Signal] = {signal.name: signal for signal in _SIGNALS}
