"""RedPajama v2's signals in plain Python: what the kernels must equal on any text."""

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

Value = float | None | list[float]

RAW_WORD = re.compile(r"\w+|[^\w\s]+")
LINE = re.compile(r"[^\n]*\n|[^\n]+$")
SENTENCE = re.compile(r"\b[^.!?]+[.!?]*")
LOREM_IPSUM = re.compile("lorem ipsum", re.IGNORECASE)
BULLETS = tuple("\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u2013")
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    lowered = text.translate(NO_PUNCTUATION).lower().strip()
    return unicodedata.normalize("NFD", re.sub(r"\s+", " ", lowered))


def ratio(above: float, below: float) -> float | None:
    return above / below if below else None


def ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]


def top_share(words: Sequence[str], n: int) -> float:
    found = Counter(ngrams(words, n)).most_common(1)
    if not found or found[0][1] < 2:
        return 0.0
    return sum(map(len, found[0][0])) * found[0][1] / sum(map(len, words))


def duplicate_share(words: Sequence[str], n: int) -> float:
    grams = ngrams(words, n)
    counts = Counter(grams)
    inside = {at + k for at, gram in enumerate(grams) if counts[gram] > 1 for k in range(n)}
    return sum(len(words[at]) for at in inside) / sum(map(len, words)) if inside else 0.0


def lorem_share(text: str) -> float:
    if "lorem ipsum" not in text:
        return 0.0
    return len(LOREM_IPSUM.findall(text)) / len(text)


def entropy(words: Sequence[str]) -> float | None:
    shares = [count / len(words) for count in Counter(words).values()]
    return -sum(share * math.log(share) for share in shares) if words else None


def raw_signals(text: str, words: Sequence[str]) -> dict[str, Value]:
    symbols = sum(map(text.count, ("#", "...", "\u2026")))
    with_letter = sum(re.search("[a-zA-Z]", word) is not None for word in words)
    return {
        "rps_doc_curly_bracket": ratio(text.count("{") + text.count("}"), len(text)) or 0.0,
        "rps_doc_frac_all_caps_words": ratio(sum(map(str.isupper, words)), len(words)),
        "rps_doc_frac_no_alph_words": 1.0 - with_letter / len(words) if words else None,
        "rps_doc_symbol_to_word_ratio": ratio(symbols, len(words)),
        "rps_doc_num_sentences": len(SENTENCE.findall(text)),
    }


def word_signals(normalized: str) -> dict[str, Value]:
    words = normalized.split()
    return {
        "rps_doc_lorem_ipsum": lorem_share(normalized),
        "rps_doc_frac_unique_words": ratio(len(set(words)), len(words)),
        "rps_doc_mean_word_length": ratio(sum(map(len, words)), len(words)),
        "rps_doc_unigram_entropy": entropy(words),
        "rps_doc_word_count": len(words),
        **{f"rps_doc_frac_chars_top_{n}gram": top_share(words, n) for n in range(2, 5)},
        **{f"rps_doc_frac_chars_dupe_{n}grams": duplicate_share(words, n) for n in range(5, 11)},
    }


def line_signals(lines: Sequence[str]) -> dict[str, Value]:
    normalized = [normalize(line) for line in lines]
    ellipses = sum(line.rstrip().endswith(("...", "\u2026")) for line in lines)
    return {
        "rps_doc_frac_lines_end_with_ellipsis": ratio(ellipses, len(lines)),
        "rps_lines_ending_with_terminal_punctution_mark": [
            float(line.rstrip().endswith((".", "!", "?", "\u201d"))) for line in lines
        ],
        "rps_lines_javascript_counts": [float(line.split().count("javascript")) for line in normalized],
        "rps_lines_num_words": [float(len(line.split())) for line in normalized],
        "rps_lines_numerical_chars_fraction": [
            sum(map(str.isnumeric, line)) / len(line) if line else 0.0 for line in normalized
        ],
        "rps_lines_start_with_bulletpoint": [float(line.lstrip().startswith(BULLETS)) for line in lines],
        "rps_lines_uppercase_letter_fraction": [sum(map(str.isupper, line)) / len(line) for line in lines],
    }


def signals(text: str) -> dict[str, Value]:
    """Return the signals that need no word list."""
    lines = LINE.findall(text)
    return {**raw_signals(text, RAW_WORD.findall(text)), **word_signals(normalize(text)), **line_signals(lines)}


def stop_word_fraction(text: str, stop_words: Collection[str]) -> float:
    words = RAW_WORD.findall(text)
    return sum(word in stop_words for word in words) / len(words) if normalize(text) else 0.0


def bad_word_count(text: str, entries: Collection[str]) -> int:
    words = normalize(text).split()
    lengths = {entry.count(" ") + 1 for entry in entries}
    return sum(" ".join(gram) in entries for n in lengths for gram in ngrams(words, n))
