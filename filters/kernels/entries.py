r"""Entries of a list (words, phrases, pieces of words) found in texts, all in one reading.

In:  the UTF-8 bytes of texts, and a table made of the list.
Out: per text, how often entries occur, and how many different ones do.
Guaranteed: every occurrence counts, overlapping ones too. As whole words, an entry counts where neither the character
     before it nor the one behind it is of `\w`: where `(?<!\w)entry(?!\w)` matches. The table holds one number for
     each place in an entry at which a text may stop agreeing with it, so that most words cost one look-up.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.bytewise import LOW, OFFSET, SIEVE_BITS, add_byte, finish, place_of
from filters.kernels.characters import UNDERSCORE, word_at
from filters.kernels.compiled import inlined, kernel, leaf
from filters.kernels.flags import ALNUM
from filters.kernels.unicode import CLASSES, LOWERCASE, decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_WORD = ((CLASSES & ALNUM) != 0).astype(np.int32)
_WORD[UNDERSCORE] = 1


class Table(NamedTuple):
    """A list of entries as kernels read it.

    Args:
        hashes: uint64, ascending, of entries and of their beginnings.
        marks: int64, twice the number of the entry that ends there (-2 where none does), plus 1 where one goes on.
        sieve: bool[65536], by the low bits of a hash: whether the table may hold it.
        pairs: bool[65536], whether an entry may begin with these two bytes; the first is the high one. A second byte
            above 127 stands for any such, and 0 for the end of the text.
        size: int64[1], number of entries.
    """

    hashes: U64
    marks: I64
    sieve: Bools
    pairs: Bools
    size: I64


FOLDED: I32 = LOWERCASE << 1 | _WORD
"""Texts are compared in lower case. By code point: twice what it is compared as, plus 1 for a character of `\\w`."""

EXACT: I32 = np.arange(len(LOWERCASE), dtype=np.int32) << 1 | _WORD
"""Texts are compared as they are."""


def table_of(entries: Sequence[str], *, whole: bool) -> Table:
    """Return the table of entries that are not empty; `whole` says whether they are looked for as whole words."""
    raw = [entry.encode() for entry in dict.fromkeys(entries)]
    data = np.frombuffer(b"".join(raw), np.uint8)
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int64)
    hashes, ends = _beginnings(data, offsets, CLASSES, whole)
    unique, place = np.unique(hashes, return_inverse=True)
    entry, goes_on = np.full(len(unique), -1, np.int64), np.zeros(len(unique), np.int64)
    np.maximum.at(entry, place, ends)
    goes_on[place[ends < 0]] = 1
    sieve = np.zeros(1 << SIEVE_BITS, np.bool_)
    sieve[(unique & LOW).astype(np.int64)] = True
    return Table(unique, entry * 2 + goes_on, sieve, _pairs(raw), np.array([len(raw)]))


def _pairs(raw: Sequence[bytes]) -> Bools:
    """Return by two bytes whether an entry may begin with them; behind a single one anything may stand."""
    pairs = np.zeros((256, 256), np.bool_)
    for entry in raw:
        pairs[entry[0], entry[1] if len(entry) > 1 else slice(None)] = True
    pairs[:, 0x80:] = pairs.any(axis=1, keepdims=True)
    return pairs.reshape(-1)


@kernel
def _beginnings(data: U8, offsets: I64, classes: U32, whole: bool) -> tuple[U64, I64]:
    """Return the hash of each place in the entries where a text is looked up, and the entry that ends there or -1."""
    hashes, ends = np.empty(len(data), np.uint64), np.empty(len(data), np.int64)
    count = 0
    for number in range(len(offsets) - 1):
        at, stop = offsets[number], offsets[number + 1]
        state = OFFSET
        while at < stop:
            _, size = decode(data, at)
            for place in range(at, at + size):
                state = add_byte(state, data[place])
            at += size
            if at == stop or not whole or not word_at(data, at, stop, classes):
                hashes[count], ends[count] = finish(state), number if at == stop else -1
                count += 1
    return hashes[:count], ends[:count]


@inlined
def _add_character(state: np.uint64, code: int) -> np.uint64:
    """Return the state of a hash behind the UTF-8 bytes of a character."""
    if code < 0x80:
        return add_byte(state, code)
    if code < 0x800:
        return add_byte(add_byte(state, 0xC0 | code >> 6), 0x80 | code & 0x3F)
    if code < 0x10000:
        state = add_byte(state, 0xE0 | code >> 12)
    else:
        state = add_byte(add_byte(state, 0xF0 | code >> 18), 0x80 | code >> 12 & 0x3F)
    return add_byte(add_byte(state, 0x80 | code >> 6 & 0x3F), 0x80 | code & 0x3F)


@leaf
def _first_bytes(data: U8, at: int, stop: int, characters: I32) -> int:
    """Return the place in `Table.pairs` of the first two bytes of the text as it is compared."""
    code, size = decode(data, at)
    code = int(characters[code] >> 1)
    if code >= 0x80:
        first = 0xC0 | code >> 6 if code < 0x800 else 0xE0 | code >> 12 if code < 0x10000 else 0xF0 | code >> 18
        return first << 8 | 0x80
    if at + size >= stop:
        return code << 8
    behind = data[at + size]
    return code << 8 | (0x80 if behind >= 0x80 else int(characters[behind] >> 1))


@leaf
def _ends(data: U8, at: int, stop: int, characters: I32) -> bool:
    r"""Whether no character of `\w` stands at `at`."""
    if at >= stop:
        return True
    code, _ = decode(data, at)
    return bool(characters[code] & 1 == 0)


@kernel
def count_entries(data: U8, offsets: I64, characters: I32, table: Table, whole: bool) -> tuple[I64, I64]:
    """Count entries in texts.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts.
        characters: `FOLDED` or `EXACT`.
        table: the entries.
        whole: as the table was made.

    Returns:
        Per text, how often entries occur, and how many different ones do (int64).
    """
    hashes, marks, sieve, pairs = table.hashes, table.marks, table.sieve, table.pairs
    texts = len(offsets) - 1
    hits, different = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    seen = np.zeros(table.size[0], np.int64)
    for text in range(texts):
        at, stop = offsets[text], offsets[text + 1]
        inside, found = False, 0
        while at < stop:
            code, size = decode(data, at)
            reads = not (whole and inside) and pairs[_first_bytes(data, at, stop, characters)]
            inside = characters[code] & 1 == 1
            place, state = at, OFFSET
            at += size
            while whole and inside and at < stop and data[at] < 0x80 and characters[data[at]] & 1:
                at += 1
            while reads and place < stop:
                code, size = decode(data, place)
                state = _add_character(state, characters[code] >> 1)
                place += size
                if whole and not _ends(data, place, stop, characters):
                    continue
                here = finish(state)
                mark = place_of(hashes, here) if sieve[int(here & LOW)] else -1
                if mark < 0:
                    break
                mark = marks[mark]
                reads = mark & 1 == 1
                if mark >= 0:
                    seen[mark >> 1] += 1
                    found += 1
        if found > 0:
            hits[text], different[text] = found, np.sum(seen > 0)
            seen[:] = 0
    return hits, different


@kernel
def special_texts(data: U8, offsets: I64) -> Bools:
    """Tell which texts hold U+0130 or U+03A3, whose lower case is no single character or depends on its place."""
    special = np.zeros(len(offsets) - 1, np.bool_)
    for text in range(len(offsets) - 1):
        for at in range(offsets[text], offsets[text + 1] - 1):
            if (data[at] == 0xC4 and data[at + 1] == 0xB0) or (data[at] == 0xCE and data[at + 1] == 0xA3):
                special[text] = True
                break
    return special
