"""Dolma's attributes in plain Python: what the kernels must equal on any text."""

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from filters.words import has_letter, words

REQUIRED = ("the", "be", "to", "of", "and", "that", "have", "with")
Attributes = dict[str, float | None]


def ngrams(found: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(found[at : at + n]) for at in range(len(found) - n + 1))


def chars(parts: Sequence[str]) -> int:
    return sum(map(len, parts))


def most_common(found: Sequence[str], n: int) -> float | None:
    top = ngrams(found, n).most_common(1)
    return top[0][1] * chars(top[0][0]) / chars(found) if top else None


def duplicate(found: Sequence[str], n: int) -> float | None:
    grams = ngrams(found, n)
    repeated = sum(count * chars(gram) for gram, count in grams.items() if count > 1)
    return repeated / sum(count * chars(gram) for gram, count in grams.items()) if grams else None


def word_attributes(text: str) -> Attributes:
    found = words(text)
    count = max(len(found), 1)
    return {
        "character_count": len(text),
        "word_count": len(found),
        "median_word_length": float(median(map(len, found))) if found else 0.0,
        "symbol_to_word_ratio": sum("#" in word or "\u2026" in word for word in found) / count,
        "fraction_of_words_with_alpha_character": sum(map(has_letter, found)) / count,
        "required_word_count": sum(map(found.count, REQUIRED)),
        **{f"fraction_of_characters_in_most_common_{n}grams": most_common(found, n) for n in range(2, 5)},
        **{f"fraction_of_characters_in_duplicate_{n}grams": duplicate(found, n) for n in range(5, 11)},
    }


def line_attributes(text: str, lines: Sequence[str]) -> Attributes:
    repeated = [line for line, count in Counter(lines).items() if count > 1 for _ in range(count)]
    count = max(len(lines), 1)
    return {
        "fraction_of_lines_starting_with_bullet_point": sum(line.startswith(("*", "-")) for line in lines) / count,
        "fraction_of_lines_ending_with_ellipsis": sum(line.endswith("\u2026") for line in lines) / count,
        "fraction_of_duplicate_lines": len(repeated) / count,
        "fraction_of_characters_in_duplicate_lines": chars(repeated) / max(chars(words(text)), 1),
    }


def gopher(text: str, tagger: str) -> Attributes:
    """Return the attributes of the taggers gopher_v1 and gopher_v2; None for one that Dolma leaves out."""
    lines = (re.split(r"\n+", text) if tagger == "gopher_v2" else text.split("\n")) if text else []
    return {**word_attributes(text), **line_attributes(text, lines)}


def c4(text: str) -> Attributes:
    """Return the attributes of the tagger c4_v1, those of lines as counts, those of texts as 0 or 1."""
    lines = [line.lower().strip() for line in text.split("\n")]
    return {
        "line_count": len(lines),
        "lines_with_no_ending_punctuation": sum(not line.endswith((".", "?", "!", '"')) for line in lines),
        "lines_with_too_few_words": sum(len(line.split()) < 3 for line in lines),
        "has_javascript": int(any("javascript" in line.split() for line in lines)),
        "has_lorem_ipsum": int(any("lorem ipsum" in line for line in lines)),
        "has_curly_brace": int(any("{" in line for line in lines)),
    }


REPETITION = re.compile(r"(.+?)(\s?\1){3,}")


def repetitions(text: str, *, paragraphs: bool) -> Attributes:
    """Return the attributes of the taggers repetitions_v1 and paragraph_repetitions_v1."""
    parts = re.findall(r"[^\n]*\n|[^\n]+$", text) if paragraphs else [text]
    found = [match for part in parts for match in REPETITION.finditer(part)]
    lengths = [len(match[0]) for match in found]
    return {
        "doc_max_score_repetition": max((match[0].count(match[1]) for match in found), default=0),
        "doc_max_length_repetition": max(lengths, default=0),
        "doc_frac_repetition": sum(lengths) / max(len(text), 1),
    }
