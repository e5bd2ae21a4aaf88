"""Encoding: texts to tokens, word by word, each word looked up before it is merged.

In:  texts, where words end, how words begin (a token per byte, or per character), and which pairs merge.
Out: the tokens of each text.
Guaranteed: equal to merging every word anew; what the cache holds changes no token.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.bpe import SMALL, Long, Pairs, Word, merge_long, merge_small
from filters.kernels.compiled import apart, kernel, leaf, signed
from filters.kernels.pretokens import SPACE, Known, word_end
from filters.kernels.unicode import decode
from filters.kernels.wordcache import (
    FEW,
    LONG,
    SHORT,
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

Firsts = tuple[U32, U32]
"""The token of each byte; the token of each code point, `NO_TOKEN` where its bytes stand for it. Without the second
(length 0) words begin as bytes."""

Whole = tuple[U64, U8, I64]
"""Words that are one token whatever pairs merge: a hash table, two words an entry, of a hash and a token and one; the
bytes of all tokens; where each begins, and after them the end. Empty (length 0): there are none."""

Model = tuple[Known, Firsts, Pairs, Whole]
"""What says where words end; how words begin; which pairs merge; which words are one token."""

Frame = tuple[U32, U32]
"""Tokens before and behind each text."""

Texts = tuple[U8, I64]
"""Bytes, with `SLACK` behind the last text, and where each text begins, and after them the end."""


@kernel
def with_slack(data: U8, offsets: I64, spaced: bool) -> Texts:  # noqa: FBT001 - kernels take no names
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


@kernel
def whole_words(tokens: U8, starts: I64, numbers: U32, table: U64) -> None:
    """Fill the table of words that are one token; `table` has twice a power of 2 of zeros, more than tokens.

    Args:
        tokens: uint8, the bytes of all tokens, and 8 more.
        starts: int64, where each begins, and after them the end.
        numbers: uint32, those that count.
        table: uint64.
    """
    last = np.uint64(len(table) // 2 - 1)
    for token in numbers:
        mixed = long_hash(tokens, starts[token], starts[token + 1] - starts[token])
        place = mixed >> np.uint64(7) & last
        while table[place * np.uint64(2)]:
            place = (place + np.uint64(1)) & last
        table[place * np.uint64(2)] = mixed
        table[place * np.uint64(2) + np.uint64(1)] = np.uint64(token) + np.uint64(1)


@leaf
def _as_one(data: U8, at: int, size: int, mixed: np.uint64, whole: Whole) -> int:
    """Return the token that a word is, or -1."""
    table, tokens, starts = whole
    if len(table) == 0:
        return -1
    last = np.uint64(len(table) // 2 - 1)
    place = mixed >> np.uint64(7) & last
    while table[place * np.uint64(2)]:
        if table[place * np.uint64(2)] == mixed:
            token = signed(table[place * np.uint64(2) + np.uint64(1)]) - 1
            begin = starts[token]
            same = starts[token + 1] - begin == size
            number = 0
            while same and number < size:
                same = tokens[begin + number] == data[at + number]
                number += 1
            if same:
                return token
        place = (place + np.uint64(1)) & last
    return -1


@leaf
def _begin(data: U8, at: int, end: int, firsts: Firsts, held: U64 | U32) -> int:
    """Write the tokens that a word begins as; return how many."""
    of_bytes, of_codes = firsts
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
def _merge(data: U8, at: int, end: int, model: Model, rooms: tuple[Word, Long], out: U32, to: int) -> int:
    """Merge a word, and write its tokens to `out` from `to` on; return the place behind them."""
    _, firsts, pairs, _ = model
    small, large = rooms
    if end - at > SMALL:
        count = _begin(data, at, end, firsts, large[0])
        return merge_long(count, large, pairs, out, to)
    count = _begin(data, at, end, firsts, small[0])
    return merge_small(count, small, pairs, out, to)


@apart
def _look_up(data: U8, at: int, end: int, model: Model, cache: Cache, rooms: Rooms, out: U32, to: int) -> int:
    """Write the tokens of a word that no slot holds, and remember them; return the place behind them."""
    size = end - at
    mixed = long_hash(data, at, size)
    if size <= LONG:
        found = take_long(cache, mixed, (data, at, size), out, to)
        if found >= 0:
            return found
    token = _as_one(data, at, size, mixed, model[3])
    if token >= 0:
        out[to] = np.uint32(token)
        then = to + 1
    else:
        then = _merge(data, at, end, model, rooms, out, to)
    if size <= SHORT and then - to <= FEW:
        key = short_key(data, at, size)
        put_short(cache[0], slot_of(key[0], key[1]), key, out, to, then)
    elif size <= LONG:
        put_long(cache, mixed, (data, at, size), out, (to, then))
    return then


@kernel
def encode(
    machine: int, texts: Texts, model: Model, cache: Cache, rooms: Rooms, frame: Frame, found: tuple[U32, I64]
) -> int:
    """Encode texts.

    Args:
        machine: where words end, as `pretokens.word_end` takes it.
        texts: see above.
        model: likewise.
        cache: knows words of this model only.
        rooms: for a small word and for a long one.
        frame: see above.
        found: is filled: the tokens (uint32, room for as many as bytes and frames, and 6), and where those of each text
            end (int64, one more than texts, the first 0).

    Returns:
        0; or the bytes of a word for which there is no room: then nothing that was filled counts.
    """
    data, offsets = texts
    known, slots = model[0], cache[0]
    head, tail = frame
    out, bounds = found
    to = 0
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        for number in range(len(head)):
            out[to] = head[number]
            to += 1
        while at < stop:
            end = word_end(machine, data, at, stop, known)
            size = end - at
            if size <= SHORT:
                low, high = short_key(data, at, size)
                place = slot_of(low, high)
                if slots[place] == low and slots[place + np.uint64(1)] == high:
                    to = take_short(slots, place, out, to)
                    at = end
                    continue
            elif size > len(rooms[1][0]):
                return size
            to = _look_up(data, at, end, model, cache, rooms, out, to)
            at = end
        for number in range(len(tail)):
            out[to] = tail[number]
            to += 1
        bounds[text + 1] = to
    return 0
