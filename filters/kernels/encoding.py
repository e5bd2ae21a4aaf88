"""Encoding: texts to tokens, word by word, each word looked up before it is merged.

In:  texts, where words end, how words begin (a token per byte, or per character), and which pairs merge.
Out: the tokens of each text.
Guaranteed: equal to merging every word anew; what the cache holds changes no token.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.bpe import SMALL, Long, Pairs, Word, merge_long, merge_small, merged, set_pair
from filters.kernels.compiled import apart, kernel, leaf, signed
from filters.kernels.pretokens import SPACE, Known, word_end
from filters.kernels.unicode import decode
from filters.kernels.wordcache import (
    FEW,
    LONG,
    SHORT,
    SLOT,
    TOKEN,
    Cache,
    long_hash,
    put_long,
    put_short,
    short_key,
    slot_of,
    take_long,
    take_short,
)

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

SLACK = 64
"""Bytes that must lie behind the last text."""

NO_TOKEN = np.uint32(0xFFFFFFFF)
ONE, SIX, EIGHT, UPPER, WORD = (np.uint64(number) for number in (1, 6, 8, 40, 63))

Firsts = tuple[U32, U32, U64]
"""The token of each byte; the token of each code point, `NO_TOKEN` where its bytes stand for it; what each pair of
bytes becomes (`bpe.pairs_of_bytes`). Without the second (length 0) words begin as bytes; with it only pairs of ASCII
count in the third."""

Whole = tuple[U64, U64, U8, I64]
"""Words that are one token whatever pairs merge: bits that say which hashes there are; a hash table of the upper 44
bits of a hash, and a token and one; the bytes of all tokens; where each begins, and after them the end. Without such
words there is one start."""

Model = tuple[Known, Firsts, Pairs, Whole]
"""What says where words end; how words begin; which pairs merge; which words are one token."""

Frame = tuple[U32, U32]
"""Tokens before and behind each text."""

Texts = tuple[U8, I64]
"""Bytes, with `SLACK` behind the last text, and where each text begins, and after them the end."""


@kernel
def with_slack(data: U8, offsets: I64, spaced: bool) -> Texts:
    """Return a copy of texts with `SLACK` behind the last, and where `spaced`, a space before each that is not empty.

    Args:
        data: uint8, the bytes.
        offsets: int64, where each text begins, and after them the end; the first need not be 0.
        spaced: whether spaces are put in.
    """
    count = len(offsets) - 1
    found, begins = np.empty(offsets[count] - offsets[0] + count + SLACK, np.uint8), np.zeros(count + 1, np.int64)
    to = 0
    for text in range(count):
        if spaced and offsets[text + 1] > offsets[text]:
            found[to] = SPACE
            to += 1
        for place in range(offsets[text], offsets[text + 1]):
            found[to] = data[place]
            to += 1
        begins[text + 1] = to
    found[to : to + SLACK] = 0
    return found[: to + SLACK], begins


Rooms = tuple[Word, Long]
"""Room for a small word, and for a long one."""

Tools = tuple[Model, Cache, Rooms]
"""A model, what is known of words of it, and room to merge."""


@kernel
def whole_words(tokens: U8, starts: I64, numbers: U32, known: U64, table: U64) -> None:
    """Fill the bits and the table of words that are one token; both must be zeros.

    Args:
        tokens: uint8, the bytes of all tokens, and 8 more.
        starts: int64, where each begins, and after them the end.
        numbers: uint32, those that count.
        known: uint64, a power of 2 of them.
        table: uint64, a power of 2, more than there are tokens.
    """
    last, bits = np.uint64(len(table) - 1), np.uint64(len(known) * 64 - 1)
    for token in numbers:
        mixed = long_hash(tokens, starts[token], starts[token + 1] - starts[token])
        bit = mixed >> UPPER & bits
        known[bit >> SIX] |= ONE << (bit & WORD)
        place = mixed >> ONE & last
        while table[place]:
            place = (place + ONE) & last
        table[place] = mixed & ~TOKEN | (np.uint64(token) + ONE)


@leaf
def _as_one(data: U8, at: int, size: int, whole: Whole) -> int:
    """Return the token that a word is, or -1."""
    known, table, tokens, starts = whole
    if len(starts) == 1:
        return -1
    mixed = long_hash(data, at, size)
    bit = mixed >> UPPER & np.uint64(len(known) * 64 - 1)
    if not known[bit >> SIX] >> (bit & WORD) & ONE:
        return -1
    last = np.uint64(len(table) - 1)
    place = mixed >> ONE & last
    while table[place]:
        if (table[place] ^ mixed) & ~TOKEN == 0:
            token = signed(table[place] & TOKEN) - 1
            begin = starts[token]
            same, number = starts[token + 1] - begin == size, 0
            while same and number < size:
                same = tokens[begin + number] == data[at + number]
                number += 1
            if same:
                return token
        place = (place + ONE) & last
    return -1


@leaf
def _begin_small(data: U8, at: int, end: int, model: Model, word: Word) -> int:
    """Write the tokens that a small word begins as, and what each pair of them becomes; return how many."""
    _, firsts, pairs, _ = model
    held, of_pairs = word[0], firsts[2]
    count = _begin(data, at, end, firsts, held)
    plain = count == end - at
    for number in range(count - 1):
        place = np.uint64(number)
        if plain:
            left, right = np.uint64(data[np.uint64(at) + place]), np.uint64(data[np.uint64(at) + place + ONE])
            set_pair(place, of_pairs[left << EIGHT | right], word)
        else:
            set_pair(place, merged(held[place], held[place + ONE], pairs), word)
    return count


@leaf
def _begin(data: U8, at: int, end: int, firsts: Firsts, held: U64 | U32) -> int:
    """Write the tokens that a word begins as; return how many."""
    of_bytes, of_codes, _ = firsts
    count = 0
    if len(of_codes) == 0:
        for place in range(at, end):
            held[count] = of_bytes[data[place]]
            count += 1
        return count
    while at < end:
        code, size = decode(data, at)
        token = of_codes[code]
        if token != NO_TOKEN:
            held[count] = token
            count += 1
        else:
            for place in range(at, at + size):
                held[count] = of_bytes[data[place]]
                count += 1
        at += size
    return count


@leaf
def _merge(data: U8, at: int, end: int, tools: Tools, out: U32, to: int) -> int:
    """Merge a word, and write its tokens to `out` from `to` on; return the place behind them."""
    model, _, (small, large) = tools
    _, firsts, pairs, _ = model
    if end - at > SMALL:
        return merge_long(_begin(data, at, end, firsts, large[0]), large, pairs, out, to)
    return merge_small(_begin_small(data, at, end, model, small), small, pairs, out, to)


@apart
def _find(data: U8, at: int, end: int, tools: Tools, out: U32, to: int) -> int:
    """Find the tokens of a word that is not known; return the place behind them."""
    token = _as_one(data, at, end - at, tools[0][3])
    if token >= 0:
        out[to] = np.uint32(token)
        return to + 1
    return _merge(data, at, end, tools, out, to)


@apart
def _look_up(data: U8, at: int, end: int, tools: Tools, out: U32, to: int) -> int:
    """Write the tokens of a word of the store to `out` from `to` on, or find them; return the place behind them."""
    cache, word = tools[1], (data, at, end - at)
    if end - at > LONG:
        return _find(data, at, end, tools, out, to)
    mixed = long_hash(data, at, end - at)
    found = take_long(cache, mixed, word, out, to)
    if found >= 0:
        return found
    then = _find(data, at, end, tools, out, to)
    put_long(cache, mixed, word, out, (to, then))
    return then


@apart
def _meet(data: U8, at: int, end: int, tools: Tools, out: U32, to: int) -> int:
    """Find the tokens of a short word that no slot holds, and remember them; return the place behind them."""
    cache, size = tools[1], end - at
    then = _find(data, at, end, tools, out, to)
    put_short(cache[0], short_key(data, at, size), out, to, then)
    if then - to > FEW:
        put_long(cache, long_hash(data, at, size), (data, at, size), out, (to, then))
    return then


@leaf
def _short(data: U8, at: int, end: int, tools: Tools, out: U32, to: int) -> int:
    """Write the tokens of a short word to `out` from `to` on; return the place behind them."""
    slots = tools[1][0]
    low, high = short_key(data, at, end - at)
    place = slot_of(low, high)
    if slots[place] != low or slots[place + ONE] != high:
        place += np.uint64(SLOT)
        if slots[place] != low or slots[place + ONE] != high:
            return _meet(data, at, end, tools, out, to)
    then = take_short(slots, place, out, to)
    return then if then > to else _look_up(data, at, end, tools, out, to)


@leaf
def _copy(tokens: U32, out: U32, to: int) -> int:
    """Write tokens to `out` from `to` on; return the place behind them."""
    for number in range(len(tokens)):
        out[to + number] = tokens[number]
    return to + len(tokens)


@kernel
def encode(machine: int, texts: Texts, tools: Tools, frame: Frame, found: tuple[U32, I64]) -> int:
    """Encode texts.

    Args:
        machine: where words end, as `pretokens.word_end` takes it.
        texts: see above.
        tools: likewise; the cache knows words of this model only.
        frame: likewise.
        found: is filled: the tokens (uint32, room for as many as bytes and frames, and 6), and where those of each text
            end (int64, one more than texts, the first 0).

    Returns:
        0; or the bytes of a word for which there is no room: then nothing that was filled counts.
    """
    data, offsets = texts
    out, bounds = found
    to = 0
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        to = _copy(frame[0], out, to)
        while at < stop:
            end = word_end(machine, data, at, stop, tools[0][0])
            if end - at <= SHORT:
                to = _short(data, at, end, tools, out, to)
            elif end - at > len(tools[2][1][0]):
                return signed(end - at)
            else:
                to = _look_up(data, at, end, tools, out, to)
            at = end
        to = _copy(frame[1], out, to)
        bounds[text + 1] = to
    return 0
