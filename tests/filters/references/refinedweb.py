"""RefinedWeb's corrections in plain Python, step by step: what `filters/refinedweb.py` must equal."""

import re
from collections.abc import Callable

from filters.refinedweb import LINE_COUNTS, RefinedWebLines

COUNTER = re.compile(
    r"\W*\d[\d,.]*[kmb]?\s+(likes|shares|comments|retweets|reposts|quotes|bookmarks|(up|down)votes|downloads|views|followers)\W*"
)
CART = re.compile(r"\s?items in cart", re.IGNORECASE)
READ_MORE = re.compile(r"\s?read more[^\n]{3}\Z", re.IGNORECASE)
READ_MORE_DOTS = re.compile(r"\s?read more\.{3}\Z", re.IGNORECASE)
SIGN_IN = re.compile(r"\Asign-in\s?", re.IGNORECASE)
SPLIT = re.compile(r"[^ \0\t\n\v\f\r]+")


def word_count(text: str) -> int:
    """Return how many of fastText's words begin with a letter or a digit."""
    return sum(word[0].isalnum() for word in SPLIT.findall(text))


def kept(text: str, falls: Callable[[str], bool]) -> tuple[str, int]:
    """Return the text without the lines that fall, and their number."""
    lines = text.split("\n")
    left = [line for line in lines if not (line and falls(line))]
    return "\n".join(left), len(lines) - len(left)


def cut(text: str, phrase: re.Pattern[str], most: int) -> tuple[str, int]:
    """Return the text without a phrase, and the number of lines that held it."""
    left, count = [], 0
    for line in text.split("\n"):
        if not line or len(line.split()) > most:
            left.append(line)
            continue
        edited = phrase.sub("", line)
        count += edited != line
        if edited.strip():
            left.append(edited)
    return "\n".join(left).strip(), count


def is_uppercase(line: str, most: float) -> bool:
    return sum(map(str.isupper, line)) / len(line) > most


def corrected(stage: RefinedWebLines, text: str) -> tuple[dict[str, float], str]:
    """Return a text's signals, the fraction in float64, and what is left of it."""
    before, counts = word_count(text), [0] * len(LINE_COUNTS)
    most, least, edited = stage.max_frac_uppercase, stage.min_words_per_line, stage.max_words_to_edit
    if most is not None:
        text, counts[0] = kept(text, lambda line: is_uppercase(line, most))
        text = text.strip()
    if stage.drop_digits:
        text, counts[1] = kept(text, str.isdigit)
        text = text.strip()
    if stage.drop_counters:
        text, counts[2] = kept(text, lambda line: COUNTER.fullmatch(line.lower()) is not None)
        text = text.strip()
    if least is not None:
        text, counts[3] = kept(text, lambda line: len(line.split()) < least)
    if edited is not None:
        phrases = (CART, READ_MORE_DOTS if stage.literal_dots else READ_MORE, SIGN_IN)
        for number, phrase in enumerate(phrases, start=4):
            text, counts[number] = cut(text, phrase, edited)
    removed = (before - word_count(text)) / before if before else 1.0
    return {**dict(zip(LINE_COUNTS, counts, strict=True)), "refinedweb_frac_words_removed": removed}, text
