"""Words as fastText splits them, their keys, and the n-grams of their characters, beside plain Python."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.fasttext_ngrams import (
    ROOM,
    Ngrams,
    begin_word,
    bucket_of,
    gather,
    gather_two_to_four,
    new_scratch,
)
from filters.kernels.fasttext_words import U8, ends_word, enter, look_up, next_word

BUCKETS = (1, 2, 3, 64, 1000, 2_000_000, 1 << 27)

WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\n\v\f\r\0"), min_size=1),
    st.text("ab", min_size=10, max_size=40),
    st.text("a\u00e9\u4e2d\U0001f600", min_size=1, max_size=300),
)


def data_of(text: str) -> U8:
    return np.frombuffer(text.encode(), np.uint8)


def words_of(text: str) -> list[str]:
    data, found = data_of(text), []
    at = 0
    while at < len(data):
        begun = at
        at, _, _ = next_word(data, begun, len(data))
        if at > begun:
            found.append(bytes(data[begun:at]).decode())
        else:
            assert ends_word(data[at])
            at += 1
    return found


def key_of(word: str) -> tuple[int, int]:
    data = data_of(word)
    end, low, high = next_word(data, 0, len(data))
    assert end == len(data)
    return int(low), int(high)


def settings(buckets: int, shortest: int, longest: int) -> Ngrams:
    shift = 30 + buckets.bit_length()
    return Ngrams(buckets, (1 << shift) // buckets, shift, shortest, longest)


def plain_hash(data: bytes) -> int:
    state = 2166136261
    for byte in data:
        state = (state ^ (byte - 256 if byte >= 128 else byte) & 0xFFFFFFFF) * 16777619 & 0xFFFFFFFF
    return state


def plain_ngrams(word: str, shortest: int, longest: int, buckets: int) -> list[int]:
    whole = f"<{word}>"
    spans = ((first, last) for first in range(len(whole)) for last in range(first + 1, len(whole) + 1))
    wanted = (whole[first:last] for first, last in spans if shortest <= last - first <= longest)
    alone = [whole[0]] * (shortest == 1) + [whole[-1]] * (shortest == 1)
    hashes = [plain_hash(ngram.encode()) % buckets for ngram in wanted]
    for bracket in alone:
        hashes.remove(plain_hash(bracket.encode()) % buckets)
    return sorted(hashes)


def gathered(word: str, ngrams: Ngrams, by: object = gather) -> list[int]:
    data, kept = data_of(word), np.full(ngrams.buckets // 64 + 1, 2**64 - 1, np.uint64)
    scratch, at, found = new_scratch(ngrams.longest), 0, []
    begin_word(scratch, ngrams.longest)
    while at <= len(data):
        at, count = by(data, at, len(data), kept, ngrams, scratch)  # type: ignore[operator]
        assert 0 <= count <= ROOM
        found += scratch[:count].tolist()
    return sorted(found)


@given(st.lists(st.sampled_from([*" \t\n\v\f\r\0", "a", "\u00a0", "\u2028", "\x1c", "\x85", "\u4e2d", "b" * 20])))
def test_words_end_at_seven_bytes_only(parts: list[str]) -> None:
    text = "".join(parts)
    assert words_of(text) == [word for word in re.split("[ \t\n\v\f\r\0]", text) if word]


@given(WORDS, WORDS)
def test_words_have_the_same_key_exactly_if_they_are_the_same(one: str, other: str) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)
    assert key_of(one) != (0, 0)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 100])
def test_each_byte_of_a_word_counts_in_its_key(size: int) -> None:
    word = "a" * size
    others = [word[:at] + "b" + word[at + 1 :] for at in range(size)]
    assert len({key_of(each) for each in [word, word + "a", *others]}) == size + 2


@given(st.lists(WORDS, max_size=30))
def test_a_table_gives_back_what_was_entered_first(words: list[str]) -> None:
    table = np.zeros((64, 3), np.uint64)
    data = data_of("".join(words))
    ends = np.cumsum([0, *(len(word.encode()) for word in words)], dtype=np.int64)
    enter(table, data, ends, np.arange(len(words)))
    for word in words:
        low, high = map(np.uint64, key_of(word))
        assert table[look_up(table, low, high), 2] == words.index(word)
    low, high = map(np.uint64, key_of("not_there"))
    assert "not_there" in words or table[look_up(table, low, high), 0] == 0


def test_a_name_that_is_no_word_is_not_entered() -> None:
    table = np.zeros((8, 3), np.uint64)
    enter(table, data_of("two words"), np.array([0, 9, 9]), np.array([1, 2]))
    assert not table[:, :2].any()


@given(WORDS, st.integers(1, 4), st.integers(0, 3), st.sampled_from(BUCKETS))
def test_ngrams_fall_into_the_buckets_of_plain_python(word: str, shortest: int, more: int, buckets: int) -> None:
    ngrams = settings(buckets, shortest, shortest + more)
    assert gathered(word, ngrams) == plain_ngrams(word, shortest, shortest + more, buckets)


@given(WORDS)
def test_ngrams_of_two_to_four_characters_are_gathered_alike_by_both_kernels(word: str) -> None:
    ngrams = settings(2_000_000, 2, 4)
    assert gathered(word, ngrams, gather_two_to_four) == gathered(word, ngrams)


@given(st.integers(0, 2**32 - 1), st.integers(1, 1 << 27))
def test_the_bucket_of_a_hash_is_the_rest_of_the_division(state: int, buckets: int) -> None:
    assert bucket_of(state, settings(buckets, 2, 4)) == state % buckets
