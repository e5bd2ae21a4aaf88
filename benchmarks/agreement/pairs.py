"""Which filter of datatrove's stands beside which stage of ours.

In:  datatrove, installed.
Out: the pairs, with datatrove's reasons in the names of our rules and the numbers that can be compared.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks.agreement.comparison import Cause
from benchmarks.agreement.live import Difference, Pair
from benchmarks.agreement.peer import splitter
from benchmarks.agreement.probes import Probe
from filters.c4 import C4Quality
from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality
from filters.gopher_repetition import DUPLICATE_LENGTHS, TOP_LENGTHS, GopherRepetition
from filters.sentences import sentences
from filters.words import words

OUR_WORDS = {"split_into_words": splitter(words)}
OUR_SENTENCES = {"split_into_sentences": splitter(sentences)}

INFINITE = float("inf")


def _with(off: dict[str, Any], option: str, limit: float) -> dict[str, Any]:
    """Return a filter's options with one threshold and all others off."""
    return {**off, option: limit}


REPETITION_OFF: dict[str, Any] = {
    "dup_para_frac": None,
    "dup_para_char_frac": None,
    "dup_line_frac": None,
    "dup_line_char_frac": None,
    "top_n_grams": (),
    "dup_n_grams": (),
}


def _of_length(option: str, length: int, limit: float) -> dict[str, Any]:
    return {**REPETITION_OFF, option: ((length, limit),)}


def repeated_chars(words: Sequence[str], length: int) -> int:
    """Return what datatrove's `find_all_duplicate` does, where n-grams are words and not letters in a row."""
    seen: set[tuple[str, ...]] = set()
    chars = place = 0
    while place + length <= len(words):
        gram = tuple(words[place : place + length])
        again = gram in seen
        chars += sum(map(len, gram)) if again else 0
        place += length if again else 1
        seen.add(gram)
    return chars


JOINED = Difference(
    "bug: datatrove joins the words of an n-gram without a space, and takes ('a', 'bc') for ('ab', 'c')",
    {"find_all_duplicate": repeated_chars},
)


EMPTY = Cause(
    "datatrove drops the empty text here; with us it repeats nothing, and falls by Gopher's min_word_count",
    lambda case: case.text == "",
)


def gopher_repetition() -> Pair:
    """Return Gopher's repetition rules."""
    from datatrove.pipeline.filters import GopherRepetitionFilter

    parts = [name for name, off in REPETITION_OFF.items() if off is None]
    tops, duplicates = (
        {f"{kind}_{n}gram_char_frac": partial(_of_length, f"{kind}_n_grams", n) for n in lengths}
        for kind, lengths in (("top", TOP_LENGTHS), ("dup", DUPLICATE_LENGTHS))
    )
    numbers = {**{name: partial(_with, REPETITION_OFF, name) for name in parts}, **tops, **duplicates}
    return Pair(
        peer=GopherRepetitionFilter(),
        stage=GopherRepetition(),
        rules={
            **{name: f"max_{name}" for name in parts},
            **{f"top_{n}_gram": f"max_top_{n}gram_char_frac" for n in TOP_LENGTHS},
            **{f"duplicated_{n}_n_grams": f"max_dup_{n}gram_char_frac" for n in DUPLICATE_LENGTHS},
        },
        probes=tuple(Probe(signal, "ratio", "max", options) for signal, options in numbers.items()),
        ours=OUR_WORDS,
        differences=(JOINED,),
        causes=(EMPTY,),
    )


QUALITY_RULES = {
    "gopher_short_doc": "min_word_count",
    "gopher_long_doc": "max_word_count",
    "gopher_below_avg_threshold": "min_mean_word_length",
    "gopher_above_avg_threshold": "max_mean_word_length",
    "gopher_too_many_hashes": "max_symbol_to_word_ratio",
    "gopher_too_many_ellipsis": "max_symbol_to_word_ratio",
    "gopher_too_many_bullets": "max_frac_bullet_lines",
    "gopher_too_many_end_ellipsis": "max_frac_ellipsis_lines",
    "gopher_below_alpha_threshold": "min_frac_words_with_alpha",
    "gopher_enough_stop_words": "min_stop_word_count",
}

QUALITY_OFF: dict[str, Any] = dict.fromkeys(
    (
        "min_doc_words",
        "max_doc_words",
        "min_avg_word_length",
        "max_avg_word_length",
        "max_symbol_word_ratio",
        "max_bullet_lines_ratio",
        "max_ellipsis_lines_ratio",
        "max_non_alpha_words_ratio",
        "min_stop_words",
    )
)

QUALITY_NUMBERS = (
    Probe("word_count", "count", "min", partial(_with, QUALITY_OFF, "min_doc_words")),
    Probe("mean_word_length", "ratio", "max", partial(_with, QUALITY_OFF, "max_avg_word_length")),
    Probe("symbol_to_word_ratio", "ratio", "max", partial(_with, QUALITY_OFF, "max_symbol_word_ratio")),
    Probe("frac_bullet_lines", "ratio", "max", partial(_with, QUALITY_OFF, "max_bullet_lines_ratio")),
    Probe("frac_ellipsis_lines", "ratio", "max", partial(_with, QUALITY_OFF, "max_ellipsis_lines_ratio")),
    Probe("frac_words_with_alpha", "ratio", "min", partial(_with, QUALITY_OFF, "max_non_alpha_words_ratio")),
    Probe("stop_word_count", "count", "min", partial(_with, QUALITY_OFF, "min_stop_words")),
)


def gopher_quality() -> Pair:
    """Return Gopher's quality rules, without words of punctuation as datatrove counts."""
    from datatrove.pipeline.filters import GopherQualityFilter

    return Pair(
        peer=GopherQualityFilter(),
        stage=GopherQuality(punctuation_words=False),
        rules=QUALITY_RULES,
        probes=QUALITY_NUMBERS,
        ours=OUR_WORDS,
    )


BRACKET_FIRST = Difference(
    "datatrove names the rule of the first line that condemns a page; we judge 'lorem ipsum' before brackets",
    {"filter_curly_bracket": False},
)

C4_OFF: dict[str, Any] = {"filter_lorem_ipsum": False, "filter_curly_bracket": False}


def c4_quality() -> Pair:
    """Return C4's rules, in the edition that datatrove follows."""
    from datatrove.pipeline.filters import C4QualityFilter

    return Pair(
        peer=C4QualityFilter(),
        stage=C4Quality(),
        rules={
            "lorem_ipsum": "filter_lorem_ipsum",
            "curly_bracket": "filter_curly_bracket",
            "too_few_sentences": "min_num_sentences",
        },
        probes=(Probe("c4_sentence_count", "count", "min", partial(_with, C4_OFF, "min_num_sentences")),),
        edits=True,
        ours=OUR_SENTENCES,
        differences=(BRACKET_FIRST,),
        split="sentence",
    )


FINEWEB_OFF: dict[str, Any] = {
    "line_punct_thr": -INFINITE,
    "short_line_threshold": INFINITE,
    "char_duplicates_ratio": INFINITE,
    "new_line_ratio": INFINITE,
}


def fineweb_quality() -> Pair:
    """Return FineWeb's own rules."""
    from datatrove.pipeline.filters import FineWebQualityFilter

    return Pair(
        peer=FineWebQualityFilter(),
        stage=FineWebQuality(),
        rules={
            "empty": "min_lines",
            "line_punct_ratio": "line_punct_thr",
            "short_line_ratio": "short_line_thr",
            "char_dup_ratio": "char_duplicates_ratio",
            "list_ratio": "new_line_ratio",
        },
        probes=(
            Probe("fineweb_frac_lines_with_punct", "ratio", "min", partial(_with, FINEWEB_OFF, "line_punct_thr")),
            Probe("fineweb_frac_short_lines", "ratio", "max", partial(_with, FINEWEB_OFF, "short_line_threshold")),
            Probe(
                "fineweb_frac_duplicate_line_chars",
                "ratio",
                "max",
                partial(_with, FINEWEB_OFF, "char_duplicates_ratio"),
            ),
            Probe("fineweb_line_feeds_per_word", "ratio", "max", partial(_with, FINEWEB_OFF, "new_line_ratio")),
        ),
        ours=OUR_WORDS,
    )


PAIRS: tuple[Callable[[], Pair], ...] = (gopher_repetition, gopher_quality, c4_quality, fineweb_quality)
"""All pairs in FineWeb's order; each is made when it is compared, so that an absent datatrove costs nothing else."""
