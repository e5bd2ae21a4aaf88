"""The signals of `filters/dolma.py` and `filters/dolma_repetitions.py`: Dolma's attributes behind `dolma_`."""

import pyarrow as pa

from filters.signals.signal import Signal

FOLDER = "allenai/dolma, python/dolma/taggers/"
GOPHER, C4, REPETITIONS = FOLDER + "gopher.py", FOLDER + "c4.py", FOLDER + "repetitions/repetitions_taggers.py"

COUNT, RATIO = pa.int64(), pa.float32()

NO_WORDS = "0 where there are no words"
NO_LINES = "; lines lie between LF (gopher_v1) or rows of LF (gopher_v2); 0 for the empty text"


def _gopher(name: str, dtype: pa.DataType, unit: str, definition: str) -> Signal:
    return Signal(f"dolma_{name}", dtype, unit, definition, GOPHER)


def _top(n: int) -> Signal:
    return _gopher(
        f"fraction_of_characters_in_most_common_{n}grams",
        RATIO,
        "fraction of characters",
        f"(characters of the {n}-gram of words that occurs most often, of several the earliest) x its occurrences / "
        f"characters in words; null where there are fewer than {n} words",
    )


def _duplicate(n: int) -> Signal:
    return _gopher(
        f"fraction_of_characters_in_duplicate_{n}grams",
        RATIO,
        "fraction of characters",
        f"characters of the {n}-grams, at all places, that occur more than once / characters of the {n}-grams at all "
        f"places; null where there are fewer than {n} words",
    )


_GOPHER = (
    *map(_top, range(2, 5)),
    *map(_duplicate, range(5, 11)),
    _gopher("character_count", COUNT, "characters", "code points"),
    _gopher("word_count", COUNT, "words", "longest runs of characters without the property White_Space"),
    _gopher("median_word_length", RATIO, "characters", f"median number of code points of the words; {NO_WORDS}"),
    _gopher("symbol_to_word_ratio", RATIO, "fraction of words", f"words that hold a '#' or U+2026 / words; {NO_WORDS}"),
    _gopher(
        "fraction_of_words_with_alpha_character",
        RATIO,
        "fraction of words",
        f"words with a letter (general category L) / words; {NO_WORDS}",
    ),
    _gopher(
        "required_word_count", COUNT, "words", "occurrences of 'the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'"
    ),
    _gopher(
        "fraction_of_lines_starting_with_bullet_point",
        RATIO,
        "fraction of lines",
        "lines whose first character is '*' or '-' / lines" + NO_LINES,
    ),
    _gopher(
        "fraction_of_lines_ending_with_ellipsis",
        RATIO,
        "fraction of lines",
        "lines whose last character is U+2026 / lines" + NO_LINES,
    ),
    _gopher(
        "fraction_of_duplicate_lines",
        RATIO,
        "fraction of lines",
        "lines that occur more than once, all occurrences / lines; empty lines are lines" + NO_LINES,
    ),
    _gopher(
        "fraction_of_characters_in_duplicate_lines",
        RATIO,
        "characters per character",
        "code points of lines that occur more than once, all occurrences / code points in words" + NO_LINES,
    ),
)

_C4 = (
    Signal("dolma_line_count", COUNT, "lines", "lines between LF; 1 for the empty text", C4),
    Signal(
        "dolma_lines_with_no_ending_punctuation",
        COUNT,
        "lines",
        "lines that do not end, but for white space, in one of '.', '?', '!' and '\"'; empty lines among them",
        C4,
    ),
    Signal(
        "dolma_lines_with_too_few_words",
        COUNT,
        "lines",
        "lines of fewer than three words, split at white space as str.split does; empty lines among them",
        C4,
    ),
    Signal("dolma_has_javascript", COUNT, "0 or 1", "whether some word of a line is 'javascript', in any case", C4),
    Signal("dolma_has_lorem_ipsum", COUNT, "0 or 1", "whether a line holds 'lorem ipsum', in any case", C4),
    Signal("dolma_has_curly_brace", COUNT, "0 or 1", "whether the text holds a '{'", C4),
)

_PATTERN = "matches of (.+?)(\\s?\\1){3,}, a unit and three or more copies of it, each behind at most one white space"

_REPETITIONS = (
    Signal(
        "dolma_doc_max_score_repetition",
        COUNT,
        "occurrences",
        f"greatest number of occurrences of its unit in one of the {_PATTERN}; 0 where there are none",
        REPETITIONS,
    ),
    Signal(
        "dolma_doc_max_length_repetition",
        COUNT,
        "characters",
        f"code points of the longest of the {_PATTERN}; 0 where there are none",
        REPETITIONS,
    ),
    Signal(
        "dolma_doc_frac_repetition",
        RATIO,
        "fraction of characters",
        f"code points of all {_PATTERN} / code points of the text; 0 for the empty text",
        REPETITIONS,
    ),
)

DOLMA_GOPHER: dict[str, Signal] = {signal.name: signal for signal in _GOPHER}
DOLMA_C4: dict[str, Signal] = {signal.name: signal for signal in _C4}
DOLMA_REPETITIONS: dict[str, Signal] = {signal.name: signal for signal in _REPETITIONS}
DOLMA: dict[str, Signal] = {**DOLMA_GOPHER, **DOLMA_C4, **DOLMA_REPETITIONS}
