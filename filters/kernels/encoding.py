"""Encoding: texts to tokens, word by word, each word looked up before it is merged.

In:  texts, where words end, how words begin (a token per byte, or per character), and which pairs merge.
Out: the tokens of each text.
Guaranteed: equal to merging every word anew; what the cache holds changes no token.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.bpe import SMALL, Long, Pairs, Word, merge_long, merge_small
from filters.kernels.compiled import apart, kernel, leaf, signed
from filters.kernels.copying import copy_bytes
from filters.kernels.firsts import Firsts, begin, begin_small
from filters.kernels.pretokens import SPACE, Known, word_end
from filters.kernels.vectors import fetch
from filters.kernels.whole_words import Whole, as_one
from filters.kernels.wordcache import (
    FEW,
    LONG,
    SHORT,
    SLOT,
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

AHEAD = 32
"""Words whose slots are asked for before the first of them is read."""

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)

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
        offsets: int64, where each text begins, and after them the end.
        spaced: whether spaces are put in.
    """
    count = len(offsets) - 1
    found, begins = np.empty(offsets[count] + count + SLACK, np.uint8), np.zeros(count + 1, np.int64)
    to = 0
    for text in range(count):
        if spaced and offsets[text + 1] > offsets[text]:
            found[to] = SPACE
            to += 1
        size = offsets[text + 1] - offsets[text]
        copy_bytes(data[offsets[text] : offsets[text + 1]], found[to : to + size])
        to += size
        begins[text + 1] = to
    found[to : to + SLACK] = 0
    return found[: to + SLACK], begins


Ahead = tuple[I64, U64]
"""Where the next words end; and of each, if it is short, its key and where its slots begin, three numbers."""

Rooms = tuple[Word, Long, Ahead]
"""Room for a small word, for a long one, and for words that are looked at ahead."""

Tools = tuple[Model, Cache, Rooms]
"""A model, what is known of words of it, and room to merge."""


def room_ahead() -> Ahead:
    """Make room for words that are looked at ahead."""
    return np.empty(AHEAD, np.int64), np.empty(3 * AHEAD, np.uint64)


@leaf
def _merge(data: U8, at: int, end: int, tools: Tools, out: U32, to: int) -> int:
    """Merge a word, and write its tokens to `out` from `to` on; return the place behind them."""
    model, _, (small, large, _) = tools
    _, firsts, pairs, _ = model
    if end - at > SMALL:
        return merge_long(begin(data, at, end, firsts, large[0]), large, pairs, out, to)
    return merge_small(begin_small(data, at, end, firsts, pairs, small), small, pairs, out, to)


@apart
def _find(data: U8, at: int, end: int, tools: Tools, out: U32, to: int) -> int:
    """Find the tokens of a word that is not known; return the place behind them."""
    token = as_one(data, at, end - at, tools[0][3])
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
def _look_ahead(machine: int, data: U8, at: int, stop: int, tools: Tools) -> int:
    """Note the next words of a text, and ask for the slots of short ones; return how many, at most `AHEAD`."""
    (known, _, _, _), (slots, _, _, _), (_, _, (ends, keys)) = tools
    count = np.uint64(0)
    while at < stop and count < np.uint64(AHEAD):
        end = word_end(machine, data, at, stop, known)
        if end - at <= SHORT:
            low, high = short_key(data, at, end - at)
            place = slot_of(low, high)
            fetch(slots, place)
            first = count * THREE
            keys[first], keys[first + ONE], keys[first + TWO] = low, high, place
        ends[count] = at = end
        count += ONE
    return signed(count)


@leaf
def _short(data: U8, word: tuple[int, int, int], tools: Tools, out: U32, to: int) -> int:
    """Write the tokens of a short word to `out` from `to` on; return the place behind them.

    Args:
        data: uint8.
        word: where it begins and ends, and its number among those that were looked at ahead.
        tools: see above.
        out: uint32.
        to: where there is room for as many tokens as bytes, and 6.
    """
    slots, keys = tools[1][0], tools[2][2][1]
    at, end, number = word
    first = np.uint64(number) * THREE
    low, high, place = keys[first], keys[first + ONE], keys[first + TWO]
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
    room, ends = len(tools[2][1][0]), tools[2][2][0]
    to = 0
    for text in range(len(offsets) - 1):
        at, stop = offsets[text], offsets[text + 1]
        to = _copy(frame[0], out, to)
        while at < stop:
            for number in range(_look_ahead(machine, data, at, stop, tools)):
                end = ends[np.uint64(number)]
                if end - at <= SHORT:
                    to = _short(data, (at, end, number), tools, out, to)
                elif end - at > room:
                    return signed(end - at)
                else:
                    to = _look_up(data, at, end, tools, out, to)
                at = end
        to = _copy(frame[1], out, to)
        bounds[text + 1] = to
    return 0
