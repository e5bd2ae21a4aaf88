"""Repeated stretches, found by looking at every window of every text."""

from collections import defaultdict
from collections.abc import Sequence

Text = Sequence[int]
Place = tuple[int, int]
"""A text and a unit of it."""


def suffix_order(units: Text) -> list[int]:
    """Return the places of all suffixes, sorted."""
    return sorted(range(len(units)), key=lambda at: list(units[at:]))


def shared(units: Text, at: int, other: int, most: int, separator: int) -> int:
    """Return how many units two suffixes share before a separator."""
    count = 0
    for left, right in zip(units[at:], units[other:], strict=False):
        if left != right or left == separator or count == most:
            break
        count += 1
    return count


def copied_windows(texts: Sequence[Text], length: int, *, first_stays: bool) -> dict[Place, Place]:
    """Return for each window that is a copy where the first one stands, texts in the order of their rank."""
    groups: dict[tuple[int, ...], list[Place]] = defaultdict(list)
    for number, text in enumerate(texts):
        for at in range(len(text) - length + 1):
            groups[tuple(text[at : at + length])].append((number, at))
    return {
        place: group[0]
        for group in groups.values()
        for place in group
        if (_behind(place, group[0], length) if first_stays else len(group) > 1)
    }


def _behind(place: Place, first: Place, length: int) -> bool:
    return place[0] > first[0] or place[1] >= first[1] + length


def spans(copies: dict[Place, Place], number: int, length: int) -> list[tuple[int, int, int]]:
    """Return of a text the stretches that copies cover, and the text that has the first of what each begins with."""
    found: list[tuple[int, int, int]] = []
    for (_, at), (origin, _) in sorted((place, first) for place, first in copies.items() if place[0] == number):
        if found and at <= found[-1][1]:
            found[-1] = (found[-1][0], at + length, found[-1][2])
        else:
            found.append((at, at + length, origin))
    return found


def in_characters(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the bytes of the whole characters between two bytes of a text; an empty span where there is none."""
    bounds, at = [0], 0
    for char in data.decode():
        at += len(char.encode())
        bounds.append(at)
    inside = [bound for bound in bounds if start <= bound <= end]
    return (inside[0], inside[-1]) if inside else (start, start)
