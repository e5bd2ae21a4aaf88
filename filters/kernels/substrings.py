"""Phrases: which lines hold which of a few ASCII phrases, in whatever case.

In:  UTF-8 bytes, where the lines lie, and phrases made ready by `phrases_of`.
Out: one bit per phrase and line.
Guaranteed: exactly what Python says, either of `phrase in line.lower()` or of `re.search(phrase, line, re.I)`; they
     differ by four letters that are not ASCII (`VARIANTS`).

Of each phrase three letters in a row are looked for, the rarest in English, 64 bytes at a time; only where they stand
is the phrase itself compared.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before
from filters.kernels.compiled import inlined, kernel
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

BLOCK = 64
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
        anchors: uint8[anchors, 3], the bytes of each anchor.
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
    return Phrases(
        letters=ascii_bytes("".join(phrases[number] for number in order)),
        begins=np.cumsum([0, *(len(phrases[number]) for number in order)], dtype=np.int64),
        bits=np.array([1 << number for number in order], np.uint32),
        shifts=np.array([phrases[n].index(anchor) for anchor, own in anchors.items() for n in own], np.int64),
        anchors=np.stack([ascii_bytes(anchor.ljust(ANCHOR, "\0")) for anchor in anchors]),
        masks=np.array([_masks_of(anchor) for anchor in anchors], np.uint8),
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
def _block_may_hold(block: U8, anchors: U8, masks: U8, group: int) -> bool:
    """Return whether an anchor begins in the first `BLOCK` bytes of a block that is two bytes longer, case aside."""
    first, second, third = anchors[group, 0], anchors[group, 1], anchors[group, 2]
    mask_0, mask_1, mask_2 = masks[group, 0], masks[group, 1], masks[group, 2]
    least = np.uint8(255)
    for at in range(BLOCK):
        differs = np.uint8(
            ((block[at] ^ first) & mask_0) | ((block[at + 1] ^ second) & mask_1) | ((block[at + 2] ^ third) & mask_2)
        )
        least = min(least, differs)
    return bool(least == 0)


@inlined
def _anchor_places(data: U8, begin: int, phrases: tuple[U8, U8], group: int, places: I64) -> int:
    """Enter the bytes of a block at which an anchor begins, case aside; return how many there are."""
    count = 0
    anchors, masks = phrases
    first, mask = anchors[group, 0], masks[group, 0]
    for at in range(begin, min(begin + BLOCK, len(data))):
        if (data[at] ^ first) & mask:
            continue
        same = True
        for step in range(1, ANCHOR):
            if masks[group, step]:
                differs = at + step >= len(data) or (data[at + step] ^ anchors[group, step]) & masks[group, step] != 0
                same = same and not differs
        if same:
            places[count] = at
            count += 1
    return count


@kernel
def _flag_places(data: U8, places: I64, lines: tuple[int, I64, I64], group: int, phrases: Phrases, flags: U32) -> None:
    """Set the bits of the phrases of one anchor that begins at these places; `lines` says from which line on."""
    line, start, end = lines
    for at in places:
        while line < len(end) and end[line] <= at:
            line += 1
        if line == len(end):
            return
        if at < start[line]:
            continue
        for number in range(phrases.groups[group], phrases.groups[group + 1]):
            phrase = phrases.letters[phrases.begins[number] : phrases.begins[number + 1]]
            head, tail = phrase[: phrases.shifts[number]], phrase[phrases.shifts[number] :]
            if (
                phrase_end(data, at, end[line], tail, phrases.variants) >= 0
                and phrase_begin(data, start[line], at, head, phrases.variants) >= 0
            ):
                flags[line] |= phrases.bits[number]


@kernel
def flag_lines(data: U8, start: I64, end: I64, phrases: Phrases) -> U32:
    """Return, for each line, the bits of the phrases that it holds.

    Args:
        data: uint8, UTF-8.
        start: int64, the byte at which each line begins, ascending.
        end: int64, the byte behind each; lines do not overlap.
        phrases: made by `phrases_of`.
    """
    anchors, masks = phrases.anchors, phrases.masks
    flags, places = np.zeros(len(start), np.uint32), np.empty(BLOCK, np.int64)
    line = 0
    begin, stop = (int(start[0]), int(end[-1])) if len(start) else (0, 0)
    while begin < stop:
        while end[line] <= begin:
            line += 1
        whole = begin + BLOCK + ANCHOR - 1 <= len(data)
        block = data[begin : begin + BLOCK + ANCHOR - 1]
        for group in range(len(anchors)):
            if not whole or _block_may_hold(block, anchors, masks, group):
                count = _anchor_places(data, begin, (anchors, masks), group, places)
                _flag_places(data, places[:count], (line, start, end), group, phrases, flags)
        begin += BLOCK
    return flags
