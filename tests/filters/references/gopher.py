"""Gopher's quality signals in plain Python: what the kernels must equal."""

from filters.words import has_letter, lines, words

SYMBOL = "#"
BULLETS = ("\u2022", "-")
ELLIPSES = ("...", "\u2026")


def measure_words(text: str, stop_words: frozenset[str]) -> dict[str, float]:
    """Return what a document's words say: five signals."""
    found = words(text)
    count = max(len(found), 1)
    return {
        "word_count": len(found),
        "mean_word_length": sum(map(len, found)) / count,
        "symbol_to_word_ratio": max(text.count(SYMBOL), sum(map(text.count, ELLIPSES))) / count,
        "frac_words_with_alpha": sum(map(has_letter, found)) / count,
        "stop_word_count": len(stop_words.intersection(found)),
    }


def measure_lines(text: str) -> dict[str, float]:
    """Return what a document's lines say: two signals."""
    found = lines(text)
    count = max(len(found), 1)
    return {
        "frac_bullet_lines": sum(line.lstrip().startswith(BULLETS) for line in found) / count,
        "frac_ellipsis_lines": sum(line.rstrip().endswith(ELLIPSES) for line in found) / count,
    }


def measure_text(text: str, stop_words: frozenset[str]) -> dict[str, float]:
    """Return a document's seven signals, in float64, by name; `filters.signals` defines them."""
    return {**measure_words(text, stop_words), **measure_lines(text)}
