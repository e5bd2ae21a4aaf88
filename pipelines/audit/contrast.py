"""Contrast: two texts side by side, word by word, short enough to be read.

In:  two texts that are alike, and what becomes of a word before it is compared.
Out: stretches of both, one beside the other, each made of runs of words that both have or only one has.
Guaranteed: in bounded time, whatever the texts hold. Whatever cannot be printed is written out, long words are
     shortened, and long stretches that both have are left out, and counted.

Where the texts part, they meet again at the nearest `MEETING` words in a row that both have; what lies between is
compared by difflib where it is short. Of a long run the beginning and the end are shown.
"""

import difflib
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from filters.words import words

WINDOW = 200_000
"""Characters of each text that are looked at, from shortly before the first difference on."""

BEFORE = 60
"""Characters before the first difference that are looked at, too."""

MEETING = 4
"""Words in a row that both have, at which two texts that parted meet again."""

FINE = 200
"""Words of each side, between two such places, up to which they are compared one by one."""

AROUND = 5
"""Words that both have which are shown on either side of a difference."""

FEW = 4
"""Words beyond those that are not worth leaving out."""

LONGEST = 40
"""Characters of a word that are shown."""

MARKS = 3
"""Combining marks in a row that are printed."""

MOST_SHOWN = 150
"""Words of a side from which on no further stretch is shown."""

HEAD, TAIL = 35, 15
"""Words at the beginning and at the end of a long run that are shown."""

Code = tuple[bool, int, int, int, int]
"""Whether words are the same; the first and the end of them in one text, and in the other."""

Run = tuple[bool, str]
"""Whether the other side lacks these words, and the words with single spaces between them."""


@dataclass(frozen=True)
class Stretch:
    """A part of both texts.

    Args:
        same: words before it that both have and that are not shown.
        left: runs of words of one text.
        right: runs of words of the other.
    """

    same: int
    left: tuple[Run, ...]
    right: tuple[Run, ...]


@dataclass(frozen=True)
class Contrast:
    """What sets two texts apart.

    Args:
        stretches: those with a difference, in order; none where no word differs.
        same: words behind the last one that both have.
        cut: whether more may differ further on.
    """

    stretches: tuple[Stretch, ...]
    same: int
    cut: bool


def contrast(left: str, right: str, form: Callable[[str], str] = str) -> Contrast:
    """Return what sets two texts apart.

    Args:
        left: a text.
        right: another.
        form: gives the form of a word in which it is compared.
    """
    start = _start(left, right)
    sides = [words(text[start : start + WINDOW]) for text in (left, right)]
    forms = [[form(word) for word in side] for side in sides]
    stretches, ended, shown = list[Stretch](), -len(words(left[:start])), 0
    groups = _groups(_codes(*forms))
    for group in groups:
        stretches.append(_stretch(group, sides, group[0][1] - ended))
        ended, shown = group[-1][2], shown + max(_length(group, 1), _length(group, 3))
        if shown >= MOST_SHOWN:
            break
    more = next(groups, None) is not None
    cut = more or any(len(text) > start + WINDOW for text in (left, right))
    return Contrast(tuple(stretches), 0 if cut else len(sides[0]) - ended, cut)


def _codes(left: Sequence[str], right: Sequence[str]) -> Iterator[Code]:
    """Yield, in order, what both have and what differs."""
    places = _places(right)
    here = there = 0
    while here < len(left) or there < len(right):
        same = _same_words(left, right, here, there)
        if same:
            yield True, here, here + same, there, there + same
        here, there = here + same, there + same
        end, other_end = _meeting(left, len(right), (here, there), places)
        yield from _between(left, right, (here, end, there, other_end))
        here, there = end, other_end


def _places(texts: Sequence[str]) -> dict[tuple[str, ...], list[int]]:
    """Return where each row of words stands, ascending."""
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at in range(len(texts) - MEETING + 1):
        found[tuple(texts[at : at + MEETING])].append(at)
    return found


def _same_words(left: Sequence[str], right: Sequence[str], here: int, there: int) -> int:
    """Return how many words are the same from two places on."""
    pairs = zip(range(here, len(left)), range(there, len(right)), strict=False)
    return next(
        (at - here for at, other in pairs if left[at] != right[other]), min(len(left) - here, len(right) - there)
    )


def _meeting(
    left: Sequence[str], right_end: int, starts: tuple[int, int], places: dict[tuple[str, ...], list[int]]
) -> tuple[int, int]:
    """Return where two texts meet again behind two places, leaving out as few words as can be; the ends of both."""
    here, there = starts
    best, fewest = (len(left), right_end), len(left) - here + right_end - there
    for at in range(here, len(left) - MEETING + 1):
        if at - here >= fewest:
            break
        found = places.get(tuple(left[at : at + MEETING]), [])
        behind = bisect_left(found, there)
        if behind < len(found) and at - here + found[behind] - there < fewest:
            best, fewest = (at, found[behind]), at - here + found[behind] - there
    return best


def _between(left: Sequence[str], right: Sequence[str], bounds: tuple[int, int, int, int]) -> Iterator[Code]:
    """Yield what differs between two places where texts meet; word by word where it is short."""
    here, end, there, other_end = bounds
    if max(end - here, other_end - there) > FINE:
        yield False, *bounds
    else:
        matcher = difflib.SequenceMatcher(None, left[here:end], right[there:other_end], autojunk=False)
        for kind, first, last, other, other_last in matcher.get_opcodes():
            yield kind == "equal", here + first, here + last, there + other, there + other_last


def _groups(codes: Iterator[Code]) -> Iterator[list[Code]]:
    """Yield differences that lie close together, with some words around them; of many, a part at a time."""
    group: list[Code] = []
    for same, here, end, there, other_end in codes:
        if same and end - here > 2 * AROUND + FEW:
            if any(not code[0] for code in group):
                yield [*group, (True, here, here + AROUND, there, there + AROUND)]
            group = [(True, end - AROUND, end, other_end - AROUND, other_end)]
        else:
            group.append((same, here, end, there, other_end))
        if max(_length(group, 1), _length(group, 3)) >= MOST_SHOWN:
            yield group
            group = []
    if any(not code[0] for code in group):
        yield group


def _stretch(group: Sequence[Code], sides: Sequence[Sequence[str]], same: int) -> Stretch:
    left = _runs(sides[0], [(code[0], code[1], code[2]) for code in group])
    right = _runs(sides[1], [(code[0], code[3], code[4]) for code in group])
    return Stretch(same, tuple(left), tuple(right))


def _length(group: Sequence[Code], side: int) -> int:
    """Return how many words of one side are shown; its first words stand at that place of a code."""
    return sum(min(code[side + 1] - code[side], HEAD + TAIL) for code in group)


def _runs(side: Sequence[str], parts: Sequence[tuple[bool, int, int]]) -> Iterator[Run]:
    """Yield the runs of one side; the middle of a long one is left out."""
    for same, start, end in parts:
        if end - start > HEAD + TAIL:
            left_out = f"\u2026 {end - start - HEAD - TAIL} words \u2026"
            some = [*map(shown_word, side[start : start + HEAD]), left_out, *map(shown_word, side[end - TAIL : end])]
        else:
            some = [shown_word(word) for word in side[start:end]]
        if some:
            yield not same, " ".join(some)


def _start(left: str, right: str) -> int:
    """Return where to begin: at a word's beginning shortly before the first difference; 0 where there is none."""
    at = _common_prefix(left, right)
    if at == len(left) == len(right):
        return 0
    start = max(at - BEFORE, 0)
    space = next((place for place in range(start, at) if left[place].isspace()), start)
    return space if start else 0


def _common_prefix(left: str, right: str) -> int:
    """Return how many characters at the beginning of two texts are the same."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def shown_word(word: str) -> str:
    """Return a word as it is shown: what cannot be printed written out, the middle of a long one left out."""
    if len(word) > LONGEST:
        half = LONGEST // 2
        return f"{plain(word[:half])}\u2026{plain(word[-half:])}"
    return plain(word)


def plain(text: str) -> str:
    r"""Return a text with everything written out that cannot be printed, or that would change how others are.

    Of marks that stand on one letter, the first `MARKS` are printed.

    >>> plain("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    marks, shown = 0, list[str]()
    for each in text:
        marks = marks + 1 if unicodedata.combining(each) else 0
        visible = each.isprintable() and marks <= MARKS
        shown.append(each if visible else each.encode("unicode_escape").decode())
    return "".join(shown)
