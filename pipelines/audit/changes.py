"""Changes: what an editor did to a text, short enough to be read.

In:  a text before and after.
Out: how long both are, and the first lines that differ, around the place where they do.
Guaranteed: what looks alike on a screen is told apart: control characters and combining marks are written out.
"""

import difflib
import unicodedata
from dataclasses import dataclass
from itertools import islice

MOST_LINES = 2_000
"""Lines of a text that are compared."""

SHOWN = 3
"""Places that are shown."""

BEFORE, AFTER = 24, 40
"""Characters around a difference that are shown."""


@dataclass(frozen=True)
class Change:
    """What an editor did to a text.

    Args:
        stage: the editor.
        chars_before: characters of the text before.
        chars_after: and after.
        places: the first few differences: what stood there and what stands there now; either may be empty.
    """

    stage: str
    chars_before: int
    chars_after: int
    places: tuple[tuple[str, str], ...]


def change_of(stage: str, before: str, after: str) -> Change:
    """Return how two texts differ."""
    old, new = (text.splitlines(keepends=True)[:MOST_LINES] for text in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    blocks = (block for block in matcher.get_opcodes() if block[0] != "equal")
    places = [_around("".join(old[a:b]), "".join(new[c:d])) for _, a, b, c, d in islice(blocks, SHOWN)]
    return Change(stage, len(before), len(after), tuple(places))


def _around(old: str, new: str) -> tuple[str, str]:
    """Return the surroundings of the first difference of two texts."""
    pairs = enumerate(zip(old, new, strict=False))
    at = next((place for place, (one, other) in pairs if one != other), min(len(old), len(new)))
    start = max(at - BEFORE, 0)
    return visible(old[start : at + AFTER]), visible(new[start : at + AFTER])


def visible(text: str) -> str:
    """Return a text with everything that cannot be seen written out, as Python would."""
    return "".join(_seen(char) for char in text)


def _seen(char: str) -> str:
    if char.isprintable() and not unicodedata.combining(char):
        return char
    return char.encode("unicode_escape").decode() if char != " " else char
