"""Words looked at ahead, beside those that are read one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.compiled import kernel
from filters.kernels.fasttext_ahead import AHEAD, BEGIN, END, HIGH, LOW, SLOT, look_ahead, room_for_notes
from filters.kernels.fasttext_words import U8, U64, ends_word, next_word, place

SLOTS = 64

PARTS = st.one_of(
    st.sampled_from([*" \t\n\v\f\r\0", "  ", "\u00a0", "\x1c", "\x85"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text("ab\u4e2d", min_size=14, max_size=18),
    st.text("a", min_size=60, max_size=200),
)

Word = tuple[int, int, int, int]
"""Where it begins and ends, and its key."""


@kernel
def ahead(data: U8, at: int, stop: int, keys: U64, notes: U64) -> tuple[int, int]:
    return look_ahead(data, at, stop, keys, notes)


def words_ahead(data: U8, at: int, stop: int) -> list[Word]:
    keys, notes, found = np.zeros((SLOTS, 12), np.uint64), room_for_notes(), []
    while at < stop:
        then, count = ahead(data, at, stop, keys, notes)
        assert then > at
        assert count <= len(notes)
        assert then == stop or count >= AHEAD
        noted = notes[:count]
        assert noted[:, SLOT].tolist() == [place(low, high, SLOTS) for low, high in noted[:, [LOW, HIGH]]]
        found += [tuple(row) for row in noted[:, [BEGIN, END, LOW, HIGH]].tolist()]
        at = then
    return found


def words_one_by_one(data: U8, at: int, stop: int) -> list[Word]:
    found = []
    while at < stop:
        begun = at
        at, low, high = next_word(data, begun, stop)
        if at > begun:
            found.append((begun, at, int(low), int(high)))
        else:
            assert ends_word(data[at])
            at += 1
    return found


@given(st.lists(PARTS, max_size=60).map("".join), st.integers(0, 100), st.data())
def test_words_looked_at_ahead_are_those_read_one_by_one(text: str, behind: int, drawn: st.DataObject) -> None:
    data = np.frombuffer(text.encode() + b"x" * behind, np.uint8)
    at, stop = sorted(drawn.draw(st.tuples(*[st.integers(0, len(text.encode()))] * 2)))
    assert words_ahead(data, at, stop) == words_one_by_one(data, at, stop)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("before", [0, 1, 47, 48, 49, 62, 63, 64])
def test_a_word_is_whole_wherever_it_lies(size: int, before: int) -> None:
    data = np.frombuffer(b" " * before + b"a" * size + b" b" + b" " * 100, np.uint8)
    words = words_ahead(data, 0, len(data))
    assert [word[:2] for word in words] == [(before, before + size), (before + size + 1, before + size + 2)]
    assert words == words_one_by_one(data, 0, len(data))
