"""Texts rewritten character by character, as a plain function rewrites them.

In:  texts, and a function from text to text.
Out: the texts that the function gives, but for how long a run of white space is.
Guaranteed: exact. A table says what each character becomes by itself; it is made by asking the function. Texts with a
     character whose fate depends on its neighbours go to the function itself: so the function must treat all others one
     by one, except that a number (decimal digits, and perhaps one separator and more digits) may become one character.
     Characters that Unicode 14.0 does not assign are taken for such, whatever Python runs.
"""

import unicodedata
from collections.abc import Callable, Collection
from functools import cache
from operator import eq
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.copying import texts_of
from filters.kernels.unicode import CLASSES, decode

U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Plain = Callable[[str], str]

CHANGED, SPECIAL, DIGIT, SEPARATOR = 1, 2, 4, 8
SIZE_SHIFT, SIZE, PLACE_SHIFT = 4, 31, 9
"""Bits of an entry of `Table.forms`, which is 0 for a character that stays: flags; bytes of what it becomes; and where
in `Table.small` they lie."""

ASCII = 128
OTHERWISE = np.uint8(2)
"""Marks what `Table.ascii` does not tell, and `Table.forms` does."""

UNASSIGNED = "\u0378"
"""A character that is none; any other such becomes what it becomes, and so does any for private use."""

UNMARKED = ("Cc", "Cf")
"""General categories of characters that `CLASSES` may not tell from those that Unicode 14.0 does not assign."""

SIGNS_END, TAGS, TAGS_END = 0x20000, 0xE0000, 0xE0100
"""They lie below the first, or from the second to before the third: in planes 0, 1 and 14 (Unicode 14.0, 2.8)."""

BETWEEN = "\ua4d0"
"""A letter without case or decomposition, which no function changes: put between characters to part them."""


class Table(NamedTuple):
    """What each character becomes.

    Args:
        forms: int32 by code point, bits above.
        small: uint8, the bytes of what characters become.
        ascii: uint8[2, 128], per ASCII character the byte that it becomes, and how many bytes: 0, 1, or `OTHERWISE`.
        growth: int64[1], at most so many times as long is a text afterwards.
    """

    forms: I32
    small: U8
    ascii: U8
    growth: I64


def table_of(plain: Plain, special: Collection[int], digits: Collection[int], separators: str) -> Table:
    """Return the table of a function.

    Args:
        plain: the function.
        special: code points whose fate depends on their neighbours.
        digits: code points of which numbers are made that become what one digit becomes; none where there are no such.
        separators: characters of which one may stand inside a number.
    """
    codes = np.array([ord(UNASSIGNED), *(code for code in _known() if code != ord(BETWEEN))])
    chars = [*map(chr, codes.tolist())]
    becomes = plain(BETWEEN + BETWEEN.join(chars) + BETWEEN).split(BETWEEN)[1:-1]
    own, sizes = (np.fromiter(map(len, map(str.encode, texts)), np.int64) for texts in (chars, becomes))
    entries = (np.cumsum(sizes) - sizes) << PLACE_SHIFT | sizes << SIZE_SHIFT | CHANGED
    entries[[*map(eq, chars, becomes)]] = 0
    forms = np.full(len(CLASSES), entries[0], np.int32)
    forms[ord(BETWEEN)] = 0
    forms[codes] = entries
    for marked, flag in ((special, SPECIAL), (digits, DIGIT), (list(map(ord, separators)), SEPARATOR)):
        forms[np.array(list(marked), np.int64)] |= flag
    growth = (-(-sizes // own)).max()
    small = np.frombuffer("".join(becomes).encode(), np.uint8)
    return Table(forms, small, _ascii(forms, small), np.array([growth]))


def _ascii(forms: I32, small: U8) -> U8:
    """Return what each ASCII character becomes that becomes at most one byte, whatever stands beside it."""
    rows = np.array([np.arange(ASCII), np.ones(ASCII)], np.uint8)
    for code, form in enumerate(forms[:ASCII].tolist()):
        size = form >> SIZE_SHIFT & SIZE
        if form & (SPECIAL | DIGIT) or size > 1:
            rows[1, code] = OTHERWISE
        elif form & CHANGED:
            rows[:, code] = small[form >> PLACE_SHIFT] if size else 0, size
    return rows


@cache
def _known() -> tuple[int, ...]:
    """Return the code points that are asked for by themselves: of Unicode 14.0, but what is for private use."""
    unmarked = np.flatnonzero(CLASSES == 0)
    others = unmarked[(unmarked < SIGNS_END) | (unmarked >= TAGS) & (unmarked < TAGS_END)].tolist()
    controls = (code for code in others if unicodedata.category(chr(code)) in UNMARKED)
    return *np.flatnonzero(CLASSES).tolist(), *controls


@leaf
def _after_number(data: U8, at: int, stop: int, forms: I32) -> int:
    """Return the place behind the digits from `at` on."""
    while at < stop:
        code, size = decode(data, at)
        if forms[code] & DIGIT == 0:
            return at
        at += size
    return at


@leaf
def _after_decimals(data: U8, at: int, stop: int, forms: I32) -> int:
    """Return the place behind a separator and the digits behind it; `at` where there are none."""
    if at == stop:
        return at
    code, size = decode(data, at)
    if forms[code] & SEPARATOR == 0:
        return at
    end = _after_number(data, at + size, stop, forms)
    return end if end > at + size else at


@leaf
def _put(source: U8, start: int, size: int, out: U8, to: int) -> int:
    """Copy a few bytes; return the place behind them."""
    for place in range(size):
        out[np.uint64(to + place)] = source[np.uint64(start + place)]
    return to + size


@leaf
def _put_ascii(data: U8, at: int, stop: int, simple: U8, out: U8, to: int) -> tuple[int, int]:
    """Write ASCII characters up to one that needs more than a look; return the places behind them, old and new."""
    read, written = np.uint64(at), np.uint64(to)
    while read < np.uint64(stop) and data[read] < ASCII:
        byte = data[read]
        size = simple[1, byte]
        if size == OTHERWISE:
            break
        out[written] = simple[0, byte]
        written += np.uint64(size)
        read += np.uint64(1)
    return signed(read), signed(written)


@kernel
def _rewritten(data: U8, begun: int, stop: int, table: tuple[I32, U8, U8], out: U8, to: int) -> int:
    """Write one text from byte `to` of `out` on; return the place behind it, or -1 where it holds a special character.

    Args:
        data: uint8, holds the text, `data[begun:stop]`.
        begun: where it begins.
        stop: where it ends.
        table: forms, small and ascii.
        out: uint8, is written.
        to: where the new text begins.
    """
    forms, small, simple = table
    at = begun
    while at < stop:
        at, to = _put_ascii(data, at, stop, simple, out, to)
        if at == stop:
            break
        code, size = decode(data, at)
        form = signed(forms[code])
        if form == 0:
            to = _put(data, at, size, out, to)
            at += size
            continue
        if form & SPECIAL:
            return -1
        if form & CHANGED:
            to = _put(small, form >> PLACE_SHIFT, form >> SIZE_SHIFT & SIZE, out, to)
        else:
            to = _put(data, at, size, out, to)
        at += size
        if form & DIGIT:
            at = _after_decimals(data, _after_number(data, at, stop, forms), stop, forms)
    return to


@kernel
def _rewrite(data: U8, offsets: I64, table: tuple[I32, U8, U8], found: tuple[U8, I64, Bools]) -> None:
    """Write all texts; those with a special character are left empty, and marked."""
    out, out_offsets, special = found
    for text in range(len(offsets) - 1):
        behind = _rewritten(data, offsets[text], offsets[text + 1], table, out, out_offsets[text])
        special[text] = behind < 0
        out_offsets[text + 1] = max(behind, out_offsets[text])


def rewrite(text: pa.LargeStringArray, data: U8, offsets: I64, plain: Plain, table: Table) -> pa.LargeStringArray:
    """Return texts rewritten.

    Args:
        text: the texts, without nulls.
        data: uint8, their bytes.
        offsets: int64, one more than texts.
        plain: what is done to those that hold special characters.
        table: what is done to all others.

    Returns:
        The new texts; white space between words may be longer than what `plain` gives.
    """
    room = int(offsets[-1] - offsets[0]) * int(table.growth[0])
    found = np.empty(room + 1, np.uint8), np.zeros(len(offsets), np.int64), np.zeros(len(offsets) - 1, np.bool_)
    _rewrite(data, offsets, (table.forms, table.small, table.ascii), found)
    out, out_offsets, special = found
    new = texts_of(out[: out_offsets[-1]], out_offsets)
    if not special.any():
        return new
    edited = [plain(value) for value in text.filter(pa.array(special)).to_pylist()]
    return pc.replace_with_mask(new, pa.array(special), pa.array(edited, pa.large_string()))
