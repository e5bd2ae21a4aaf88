"""Gopher's repetition signals in plain Python: what the kernels must equal."""

import re
from collections import Counter
from collections.abc import Sequence

from filters.words import words


def repeated_parts(parts: Sequence[str]) -> tuple[int, int]:
    """Return how many parts stood before, and their characters."""
    again = [part for number, part in enumerate(parts) if part in parts[:number]]
    return len(again), sum(map(len, again))


def ngrams(found: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Return all n-grams, in order."""
    return [tuple(found[at : at + n]) for at in range(len(found) - n + 1)]


def top_chars(found: Sequence[str], n: int) -> tuple[int, int]:
    """Return the characters of the most frequent n-gram, times its occurrences, and these; (0, 0) without n-grams."""
    counted = Counter(ngrams(found, n))
    if not counted:
        return 0, 0
    most = max(counted.values())
    chosen = next(gram for gram in ngrams(found, n) if counted[gram] == most)
    return sum(map(len, chosen)) * most, most


def greedy_chars(found: Sequence[str], n: int) -> int:
    """Return the characters of n-grams that stood before, read from left to right without overlap."""
    seen, chars, at = set(), 0, 0
    while at + n <= len(found):
        gram = tuple(found[at : at + n])
        chars += sum(map(len, gram)) if gram in seen else 0
        at += n if gram in seen else 1
        seen.add(gram)
    return chars


def measure_repetition(text: str) -> dict[str, float]:
    """Return a document's thirteen signals, in float64, by name."""
    lines, paragraphs = re.split(r"\n+", text), re.split(r"\n{2,}", text.strip())
    found, chars = words(text), max(len(text), 1)
    shares: dict[str, float] = {}
    for name, parts in (("line", lines), ("para", paragraphs)):
        again, length = repeated_parts(parts)
        shares |= {f"dup_{name}_frac": again / len(parts), f"dup_{name}_char_frac": length / chars}
    for n in (2, 3, 4):
        length, occurrences = top_chars(found, n)
        shares[f"top_{n}gram_char_frac"] = (length + (n - 1) * occurrences) / chars
    return shares | {f"dup_{n}gram_char_frac": greedy_chars(found, n) / chars for n in range(5, 11)}
