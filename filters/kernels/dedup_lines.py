"""Pieces of texts as duplicates are looked for: cut at blank lines, normalized, and hashed to 128 bits.

In:  UTF-8 bytes, and where pieces of them begin and end.
Out: paragraphs; normalized pieces; per piece the 128-bit MurmurHash3 and the number of its characters.
Guaranteed: the hash is that of MurmurHash3_x64_128 with seed 0 (A. Appleby, smhasher, MurmurHash3.cpp), so that keys
     are the same on every machine; a piece is normalized as the plain functions of `pipelines/dedup/keys.py` say.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.code_points import code_points
from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.hashing import WIDTH, load
from filters.kernels.spaces import skip_spaces, skip_spaces_back
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

Pieces = tuple[I64, I64, I64]
"""First (one more than texts; the pieces of text d are numbers `first[d]` to `first[d + 1]`), start and end of each."""

REMOVED = -1
"""In a table of characters: one that is left out."""

DOTTED_I, SMALL_I, DOT_ABOVE = 0x130, 0x69, 0x307
"""U+0130 alone has two characters for its lower case."""

C1, C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
ADD1, ADD2, FIVE = np.uint64(0x52DCE729), np.uint64(0x38495AB5), np.uint64(5)
FINAL1, FINAL2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
T27, T31, T33, T64 = np.uint64(27), np.uint64(31), np.uint64(33), np.uint64(64)
BYTE = np.uint64(8)


@leaf
def _turn(value: np.uint64, by: np.uint64) -> np.uint64:
    return value << by | value >> (T64 - by)


@leaf
def _first_lane(block: np.uint64) -> np.uint64:
    return _turn(block * C1, T31) * C2


@leaf
def _second_lane(block: np.uint64) -> np.uint64:
    return _turn(block * C2, T33) * C1


@leaf
def _spread(value: np.uint64) -> np.uint64:
    value = (value ^ value >> T33) * FINAL1
    value = (value ^ value >> T33) * FINAL2
    return value ^ value >> T33


@leaf
def _part(data: U8, at: int, end: int) -> np.uint64:
    """Return up to eight bytes as a number, the first one lowest; 0 if there are none."""
    if at + WIDTH <= end:
        return load(data, at)
    block, shift = np.uint64(0), np.uint64(0)
    while at < end:
        block |= np.uint64(data[np.uint64(at)]) << shift
        shift += BYTE
        at += 1
    return block


@leaf
def murmur(data: U8, start: int, end: int) -> tuple[np.uint64, np.uint64]:
    """Return the two halves h1 and h2 of MurmurHash3_x64_128 of `data[start:end]`, with seed 0."""
    one, two = np.uint64(0), np.uint64(0)
    at = start
    while at + 2 * WIDTH <= end:
        one = (_turn(one ^ _first_lane(load(data, at)), T27) + two) * FIVE + ADD1
        two = (_turn(two ^ _second_lane(load(data, at + WIDTH)), T31) + one) * FIVE + ADD2
        at += 2 * WIDTH
    one ^= _first_lane(_part(data, at, end))
    two ^= _second_lane(_part(data, at + WIDTH, end))
    size = np.uint64(end - start)
    one, two = one ^ size, two ^ size
    one += two
    two += one
    one, two = _spread(one), _spread(two)
    one += two
    return one, two + one


@kernel
def piece_hashes(data: U8, start: I64, end: I64) -> tuple[U64, U64]:
    """Return the 128-bit hash of each piece, as (h1, h2), uint64 each."""
    high, low = np.empty(len(start), np.uint64), np.empty(len(start), np.uint64)
    for piece in range(len(start)):
        high[piece], low[piece] = murmur(data, start[piece], end[piece])
    return high, low


@kernel
def piece_characters(data: U8, start: I64, end: I64, classes: U32) -> I64:
    """Return the code points of each piece (int64); 0 of one that holds white space alone."""
    counts = np.zeros(len(start), np.int64)
    for piece in range(len(start)):
        if skip_spaces(data, start[piece], end[piece], classes) < end[piece]:
            counts[piece] = code_points(data, start[piece], end[piece])
    return counts


@leaf
def _write(out: U8, at: int, code: int) -> int:
    """Write a code point as UTF-8; return the place behind it."""
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | code >> 6
        out[at + 1] = 0x80 | code & 0x3F
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | code >> 12
        out[at + 1] = 0x80 | code >> 6 & 0x3F
        out[at + 2] = 0x80 | code & 0x3F
        return at + 3
    out[at] = 0xF0 | code >> 18
    out[at + 1] = 0x80 | code >> 12 & 0x3F
    out[at + 2] = 0x80 | code >> 6 & 0x3F
    out[at + 3] = 0x80 | code & 0x3F
    return at + 4


@leaf
def _write_normal(out: U8, at: int, code: int) -> int:
    """Write what a table has for a character; return the place behind it."""
    if code == REMOVED:
        return at
    if code == DOTTED_I:
        return _write(out, _write(out, at, SMALL_I), DOT_ABOVE)
    return _write(out, at, code)


@leaf
def _ascii(data: U8, at: int, stop: int, table: I32, out: U8, put: int) -> tuple[int, int]:
    """Write ASCII characters up to the first other one; return where it is, and the place behind what was written.

    What is removed is written, too, but the next one takes its place.
    """
    place, target = np.uint64(at), np.uint64(put)
    end = np.uint64(stop)
    while place < end and data[place] < 0x80:
        code = table[np.uint64(data[place])]
        out[target] = np.uint8(code & 0xFF)
        target += np.uint64(code != REMOVED)
        place += np.uint64(1)
    return signed(place), signed(target)


@kernel
def normalized_pieces(data: U8, start: I64, end: I64, tables: tuple[I32, U32], out: U8) -> I64:
    """Write pieces without white space at their ends, each character as a table has it.

    Args:
        data: uint8, all texts.
        start: int64, the byte at which each piece begins.
        end: int64, the byte behind each.
        tables: int32, by code point what is written for it, or `REMOVED`; uint32 flags by code point. Where the first
            has U+0130 as it is, the two characters of its lower case are written.
        out: uint8, is filled; half as many bytes again as all pieces have, and one more, are enough.

    Returns:
        Where each normalized piece begins in `out`, and behind them the end (int64).
    """
    table, classes = tables
    offsets = np.zeros(len(start) + 1, np.int64)
    put = 0
    for piece in range(len(start)):
        at = skip_spaces(data, start[piece], end[piece], classes)
        stop = skip_spaces_back(data, at, end[piece], classes)
        while at < stop:
            at, put = _ascii(data, at, stop, table, out, put)
            if at < stop:
                code, size = decode(data, at)
                at += size
                put = _write_normal(out, put, signed(table[code]))
        offsets[piece + 1] = put
    return offsets


@kernel
def paragraphs(data: U8, lines: Pieces, classes: U32) -> Pieces:
    """Return stretches of lines that are not blank, from the first character of the first to the last of the last.

    Args:
        data: uint8, all texts.
        lines: the lines between line feeds (`filters/kernels/newlines.py`); white space alone is a blank line.
        classes: uint32 flags by code point.
    """
    first, start, end = lines
    begun, ended = np.empty(len(start), np.int64), np.empty(len(start), np.int64)
    bounds = np.zeros(len(first), np.int64)
    count = 0
    for text in range(len(first) - 1):
        inside = False
        for line in range(first[text], first[text + 1]):
            blank = skip_spaces(data, start[line], end[line], classes) == end[line]
            if not blank and not inside:
                begun[count] = start[line]
                count += 1
            if not blank:
                ended[count - 1] = end[line]
            inside = not blank
        bounds[text + 1] = count
    return bounds, begun[:count], ended[:count]
