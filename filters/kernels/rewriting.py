"""Texts rewritten character by character, as a plain function rewrites them.

In:  texts, and a function from text to text.
Out: the texts that the function gives, but for how long a run of white space is.
Guaranteed: exact. A table says what each character becomes by itself; it is made by asking the function. Texts with a
     character whose fate depends on its neighbours are first made such that the function does the same to them; those
     that still hold one go to the function itself: so it must treat all other characters one by one, except that a
     number (decimal digits, and perhaps one separator and more digits) may become one character.
     Characters that Unicode 14.0 does not assign are taken for such, whatever Python runs.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.categories import codes_of
from filters.kernels.asking import BETWEEN, ask, utf8_sizes
from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.copying import texts_of
from filters.kernels.scans import Scans
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

UNASSIGNED = 0x378
"""A character that is none; any other such becomes what it becomes, and so does any for private use."""

UNMARKED = ("Cc", "Cf")
"""General categories of characters that `CLASSES` may not tell from those that Unicode 14.0 does not assign."""


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
    codes = np.concatenate(([UNASSIGNED], _known()))
    became, first = ask(plain, codes)
    ends = np.cumsum(utf8_sizes(became))[first - 1]
    sizes = np.diff(ends) - utf8_sizes(np.array([BETWEEN]))
    entries = (np.cumsum(sizes) - sizes) << PLACE_SHIFT | sizes << SIZE_SHIFT | CHANGED
    entries[(np.diff(first) == 2) & (became[first[:-1]] == codes)] = 0
    forms = np.full(len(CLASSES), entries[0], np.int32)
    forms[BETWEEN] = 0
    forms[codes] = entries
    for marked, flag in ((special, SPECIAL), (digits, DIGIT), (list(map(ord, separators)), SEPARATOR)):
        forms[np.array(list(marked), np.int64)] |= flag
    growth = (-(-sizes // utf8_sizes(codes))).max()
    small = np.frombuffer(became[became != BETWEEN].tobytes().decode("utf-32-le").encode(), np.uint8)
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


def _known() -> I64:
    """Return the code points that are asked for by themselves: of Unicode 14.0, but what is for private use."""
    unmarked = codes_of(*UNMARKED)
    known = np.concatenate((np.flatnonzero(CLASSES), unmarked[CLASSES[unmarked] == 0]))
    others: I64 = known[known != BETWEEN]
    return others


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


def rewrite(scans: Scans, table: Table, plain: Plain, before: Plain) -> pa.LargeStringArray:
    """Return texts rewritten.

    Args:
        scans: the texts, without nulls.
        table: what is done to texts without special characters.
        plain: what is done to all others.
        before: what may be done to any text first, for `plain` gives the same behind it; worth while where it leaves
            fewer special characters.

    Returns:
        The new texts; white space between words may be longer than what `plain` gives.
    """
    new, special = _by_table(scans, table)
    if not special.any():
        return new
    others = _each(before, scans.text.filter(pa.array(special)))
    return pc.replace_with_mask(new, pa.array(special), _finished(Scans(others), table, plain))


def _finished(scans: Scans, table: Table, plain: Plain) -> pa.LargeStringArray:
    """Return texts rewritten, by the function where the table is not enough."""
    new, special = _by_table(scans, table)
    others = _each(plain, scans.text.filter(pa.array(special)))
    return pc.replace_with_mask(new, pa.array(special), others)


def _by_table(scans: Scans, table: Table) -> tuple[pa.LargeStringArray, Bools]:
    """Return texts rewritten, empty those with special characters; and which these are."""
    data, offsets = scans.data, scans.offsets
    room = int(offsets[-1] - offsets[0]) * int(table.growth[0])
    found = np.empty(room + 1, np.uint8), np.zeros(len(offsets), np.int64), np.zeros(len(offsets) - 1, np.bool_)
    _rewrite(data, offsets, (table.forms, table.small, table.ascii), found)
    out, out_offsets, special = found
    return texts_of(out[: out_offsets[-1]], out_offsets), special


def _each(plain: Plain, text: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return what a function makes of each text."""
    return pa.array(map(plain, text.to_pylist()), pa.large_string())
