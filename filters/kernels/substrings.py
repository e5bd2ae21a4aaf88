"""Phrases: which lines hold which of a few ASCII phrases, in whatever case.

In:  UTF-8 bytes, where the lines lie, and phrases made ready by `phrases_of`.
Out: one bit per phrase and line.
Guaranteed: exactly what Python says, either of `phrase in line.lower()` or of `re.search(phrase, line, re.I)`; they
     differ by four letters that are not ASCII (`VARIANTS`).

Of each phrase three letters in a row are looked for, the rarest in English, at 64 places in one step; only where they
stand are the phrases themselves compared.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before
from filters.kernels.compiled import inlined, kernel, signed
from filters.kernels.unicode import decode
from filters.kernels.vectors import NOTHING, ONE, STEP, alike, below, lowest

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

BLOCK = int(STEP)
ANCHOR = 3

VARIANTS = {"lower": "k", "ignore_case": "ksi"}
"""The ASCII letters that others equal: U+212A is 'k' for both; U+017F is 's', U+0130 and U+0131 are 'i' for `re`.

For `str.lower`, U+0130 is 'i' and a combining dot, so that it ends a phrase that ends in 'i': there is no such phrase.
"""

LETTERS = " etaoinshrdlcumwfgypbvkjxqz"
COMMON = {letter: 1.0 / (place + 1) for place, letter in enumerate(LETTERS)}
"""How common letters are in English text, roughly (Zipf's law), the commonest first; they choose what is looked for
first, never what is found.
"""


class Phrases(NamedTuple):
    """Phrases as kernels take them; those with the same anchor stand together.

    Args:
        letters: uint8, the phrases in lower case, one after the other.
        begins: int64, where each begins in `letters`, and the end of the last.
        bits: uint32, the bit of each.
        shifts: int64, where in each its anchor begins.
        anchors: uint8[anchors, 3], the bytes of each anchor, in the bits that are compared.
        masks: uint8[anchors, 3], the bits of a byte that are compared: all, of letters all but the case, behind a short
            phrase none.
        groups: int64, one more than anchors; the phrases of anchor a are numbers `groups[a]` to `groups[a + 1]`.
        variants: uint8, the letters that others equal.
    """

    letters: U8
    begins: I64
    bits: U32
    shifts: I64
    anchors: U8
    masks: U8
    groups: I64
    variants: U8


def _rarity(anchor: str) -> float:
    return float(np.prod([COMMON.get(letter, 0.02) for letter in anchor]))


def _anchor_of(phrase: str, variants: str, chosen: Sequence[str]) -> str:
    """Return the letters to look for: an anchor that is looked for anyway, or else the rarest."""
    runs = [phrase[at : at + ANCHOR] for at in range(max(len(phrase) - ANCHOR + 1, 1))]
    exact = [run for run in runs if not set(run) & set(variants)]
    if not exact:
        raise ValueError(f"{phrase!r} has no {ANCHOR} letters in a row without {', '.join(variants)}")
    return next((run for run in exact if run in chosen), min(exact, key=_rarity))


def _masks_of(anchor: str) -> list[int]:
    return [(0xDF if anchor[at].isalpha() else 0xFF) if at < len(anchor) else 0 for at in range(ANCHOR)]


def phrases_of(phrases: Sequence[str], case: Literal["lower", "ignore_case"]) -> Phrases:
    """Make phrases ready; the bit of the first is 1, of the second 2, and so on.

    Args:
        phrases: at most 32, of printable ASCII characters, in lower case.
        case: which of Python's two ways to disregard case.

    Raises:
        ValueError: a phrase is empty, has other characters, or cannot be looked for.
    """
    variants = VARIANTS[case]
    anchors: dict[str, list[int]] = {}
    for number, phrase in enumerate(phrases):
        if not (phrase.isascii() and phrase.isprintable() and phrase == phrase.lower() and phrase) or number >= 32:
            raise ValueError(f"phrase {number} is {phrase!r}; give at most 32, lower-case and of printable ASCII")
        if case == "lower" and phrase.endswith("i"):
            raise ValueError(f"{phrase!r} ends in 'i', which also U+0130 may begin")
        anchors.setdefault(_anchor_of(phrase, variants, list(anchors)), []).append(number)
    order = [number for numbers in anchors.values() for number in numbers]
    masks = np.array([_masks_of(anchor) for anchor in anchors], np.uint8)
    return Phrases(
        letters=ascii_bytes("".join(phrases[number] for number in order)),
        begins=np.cumsum([0, *(len(phrases[number]) for number in order)], dtype=np.int64),
        bits=np.array([1 << number for number in order], np.uint32),
        shifts=np.array([phrases[n].index(anchor) for anchor, own in anchors.items() for n in own], np.int64),
        anchors=np.stack([ascii_bytes(anchor.ljust(ANCHOR, "\0")) for anchor in anchors]) & masks,
        masks=masks,
        groups=np.cumsum([0, *map(len, anchors.values())], dtype=np.int64),
        variants=ascii_bytes(variants),
    )


def ascii_bytes(text: str) -> U8:
    """Return an ASCII text as uint8."""
    return np.frombuffer(text.encode("ascii"), np.uint8).copy()


@inlined
def _plain_or_variant(code: int) -> int:
    """Return the ASCII letter in lower case that a character stands for, or its code point."""
    if 65 <= code <= 90:
        return code + 32
    if code == 0x212A:
        return 107
    if code == 0x17F:
        return 115
    return 105 if code in (0x130, 0x131) else code


@inlined
def _equals(code: int, letter: int, variants: U8) -> bool:
    """Return whether a character is this letter of a phrase."""
    if code < 0x80:
        return code == letter or (65 <= code <= 90 and code + 32 == letter)
    if _plain_or_variant(code) != letter:
        return False
    return letter in variants


@inlined
def phrase_end(data: U8, at: int, stop: int, phrase: U8, variants: U8) -> int:
    """Return the byte behind a phrase that stands at byte `at` and ends by `stop`, in whatever case; else -1."""
    for letter in phrase:
        if at >= stop:
            return -1
        code, size = decode(data, at)
        if not _equals(code, letter, variants):
            return -1
        at += size
    return at


@inlined
def phrase_begin(data: U8, start: int, at: int, phrase: U8, variants: U8) -> int:
    """Return the byte at which a phrase begins that ends before byte `at` and begins at `start` or later; else -1."""
    for number in range(len(phrase) - 1, -1, -1):
        if at <= start:
            return -1
        at = before(data, at)
        code, _ = decode(data, at)
        if not _equals(code, phrase[number], variants):
            return -1
    return at


@inlined
def _anchors_begin(data: U8, begin: np.uint64, anchors: U8, masks: U8) -> np.uint64:
    """Mark where one of the anchors begins, case aside, among the 64 bytes from `begin` on."""
    marks = NOTHING
    for group in range(len(anchors)):
        marks |= (
            alike(data, begin, anchors[group, 0], masks[group, 0])
            & alike(data, begin + np.uint64(1), anchors[group, 1], masks[group, 1])
            & alike(data, begin + np.uint64(2), anchors[group, 2], masks[group, 2])
        )
    return marks


@kernel
def _phrases_at(data: U8, at: int, line: tuple[int, int], phrases: Phrases) -> np.uint32:
    """Return the bits of the phrases of a line whose anchor begins at `at`."""
    (start, end), bits = line, np.uint32(0)
    for group in range(len(phrases.anchors)):
        if data[at] & phrases.masks[group, 0] != phrases.anchors[group, 0]:
            continue
        for number in range(phrases.groups[group], phrases.groups[group + 1]):
            phrase = phrases.letters[phrases.begins[number] : phrases.begins[number + 1]]
            head, tail = phrase[: phrases.shifts[number]], phrase[phrases.shifts[number] :]
            if (
                phrase_end(data, at, end, tail, phrases.variants) >= 0
                and phrase_begin(data, start, at, head, phrases.variants) >= 0
            ):
                bits |= phrases.bits[number]
    return bits


@kernel
def flag_lines(data: U8, start: I64, end: I64, phrases: Phrases) -> U32:
    """Return, for each line, the bits of the phrases that it holds; bytes between lines are not looked at.

    Args:
        data: uint8, UTF-8.
        start: int64, the byte at which each line begins, ascending.
        end: int64, the byte behind each; lines do not overlap.
        phrases: made by `phrases_of`.
    """
    flags = np.zeros(len(start), np.uint32)
    begin = line = 0
    while True:
        while line < len(end) and end[line] <= begin:
            line += 1
        if line == len(end):
            return flags
        begin = max(begin, int(start[line]))
        marks = below(np.uint64(min(BLOCK, len(data) - begin)))
        if begin + BLOCK + ANCHOR - 1 <= len(data):
            marks = _anchors_begin(data, np.uint64(begin), phrases.anchors, phrases.masks)
        own = line
        while marks:
            at = begin + signed(lowest(marks))
            marks &= marks - ONE
            while own < len(end) and end[own] <= at:
                own += 1
            if own == len(end):
                break
            if at >= start[own]:
                flags[own] |= _phrases_at(data, at, (start[own], end[own]), phrases)
        begin += BLOCK
