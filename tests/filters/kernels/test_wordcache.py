"""The word cache beside a dictionary: it may forget, and never errs."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.kernels.compiled import kernel
from filters.kernels.wordcache import (
    FEW,
    LONG,
    SHORT,
    SLOT,
    STORE,
    Cache,
    empty_cache,
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

CACHE = empty_cache()
words = st.binary(min_size=1, max_size=SHORT + 3) | st.text(max_size=30).map(str.encode).filter(
    lambda word: len(word) > 0
)
tokens = st.lists(st.integers(0, 2**20 - 1), min_size=1, max_size=FEW + 2)


@kernel
def put(cache: Cache, data: U8, size: int, found: U32) -> None:
    """Enter a word as the encoder does."""
    if size <= SHORT:
        put_short(cache[0], short_key(data, 0, size), found, 0, len(found))
    if size > SHORT or len(found) > FEW:
        put_long(cache, long_hash(data, 0, size), (data, 0, size), found, (0, len(found)))


@kernel
def take(cache: Cache, data: U8, size: int, out: U32) -> int:
    """Look a word up as the encoder does; -1 where it is not known."""
    if size <= SHORT:
        low, high = short_key(data, 0, size)
        for way in range(2):
            place = slot_of(low, high) + np.uint64(way * SLOT)
            if cache[0][place] == low and cache[0][place + np.uint64(1)] == high:
                count = take_short(cache[0], place, out, 0)
                if count > 0:
                    return count
                return take_long(cache, long_hash(data, 0, size), (data, 0, size), out, 0)
        return -1
    return take_long(cache, long_hash(data, 0, size), (data, 0, size), out, 0)


def padded(word: bytes, behind: bytes = b"") -> U8:
    return np.frombuffer(word + behind + bytes(64), np.uint8)


def found(cache: Cache, word: bytes, behind: bytes = b"") -> list[int] | None:
    out = np.empty(LONG + FEW, np.uint32)
    count = take(cache, padded(word, behind), len(word), out)
    return None if count < 0 else out[:count].tolist()


def enter(cache: Cache, word: bytes, ids: list[int]) -> None:
    put(cache, padded(word, b"behind it"), len(word), np.array(ids, np.uint32))


@settings(max_examples=200)
@given(st.lists(st.tuples(words, tokens), max_size=20), st.binary(max_size=9))
def test_a_word_has_the_tokens_that_were_entered_last_or_is_forgotten(
    entries: list[tuple[bytes, list[int]]], behind: bytes
) -> None:
    known: dict[bytes, list[int]] = {}
    for word, ids in entries:
        enter(CACHE, word, ids)
        known[word] = ids
        assert found(CACHE, word, behind) == ids
    assert all(found(CACHE, word) in (ids, None) for word, ids in known.items())


def test_words_that_end_in_zeros_are_told_apart() -> None:
    cache = empty_cache()
    enter(cache, b"a", [1])
    enter(cache, b"a\0", [2])
    assert found(cache, b"a") == [1]
    assert found(cache, b"a\0") == [2]
    assert found(cache, b"a\0\0") is None


def test_a_full_store_is_emptied_and_goes_on() -> None:
    cache = empty_cache()
    last = b""
    for number in range(STORE // (LONG // 4 + 3) + 5):
        last = number.to_bytes(4, "little") * (LONG // 4)
        enter(cache, last, [number])
    assert found(cache, last) == [number]
    assert found(cache, bytes(4) * (LONG // 4)) is None
    assert cache[3][0] < STORE // 2
