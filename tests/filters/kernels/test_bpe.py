"""Merging beside its definition: the pair of lowest rank, the leftmost of equal ones, until none is left."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.bpe import (
    SMALL,
    Long,
    Pairs,
    Word,
    merge_long,
    merge_small,
    merged,
    pairs_of,
    pairs_of_bytes,
    room_for_long,
    room_for_small,
    set_pair,
)
from filters.kernels.compiled import kernel

U32 = npt.NDArray[np.uint32]

Merges = dict[tuple[int, int], tuple[int, int]]
"""Pair -> (rank, token)."""


@st.composite
def merges(draw: st.DrawFn) -> Merges:
    """Draw merges of few tokens, so that they follow on one another; ranks may be equal."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), unique=True, max_size=12))
    return {pair: (draw(st.integers(0, 6)), draw(st.integers(0, 5))) for pair in pairs}


def table(known: Merges) -> Pairs:
    columns = np.array([[*pair, *value] for pair, value in known.items()], np.uint64).reshape(-1, 4)
    return pairs_of(*(np.ascontiguousarray(columns[:, column]) for column in range(4)))


def plain(tokens: list[int], known: Merges) -> list[int]:
    """Merge as the definition says."""
    while True:
        found = [(*known[pair], at) for at, pair in enumerate(itertools.pairwise(tokens)) if pair in known]
        if not found:
            return tokens
        rank = min(found)[0]
        _, token, at = next(each for each in found if each[0] == rank)
        tokens = [*tokens[:at], token, *tokens[at + 2 :]]


def small(tokens: list[int], known: Merges) -> list[int]:
    room, out = room_for_small(), np.empty(len(tokens), np.uint32)
    room[0][: len(tokens)] = tokens
    return list(out[: run_small(len(tokens), room, table(known), out)].tolist())


def long(tokens: list[int], known: Merges) -> list[int]:
    room, out = room_for_long(len(tokens)), np.empty(len(tokens), np.uint32)
    room[0][:] = tokens
    return list(out[: run_long(len(tokens), room, table(known), out)].tolist())


@kernel
def run_small(count: int, room: Word, pairs: Pairs, out: U32) -> int:
    """Call what only kernels call; what each pair becomes is set before."""
    for number in range(count - 1):
        place = np.uint64(number)
        set_pair(place, merged(room[0][place], room[0][place + np.uint64(1)], pairs), room)
    return merge_small(count, room, pairs, out, 0)


@kernel
def run_long(count: int, room: Long, pairs: Pairs, out: U32) -> int:
    """Call what only kernels call."""
    return merge_long(count, room, pairs, out, 0)


@kernel
def value_of(left: np.uint64, right: np.uint64, pairs: Pairs) -> np.uint64:
    """Call what only kernels call."""
    return merged(left, right, pairs)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=SMALL), merges())
def test_a_small_word_merges_as_the_definition_says(tokens: list[int], known: Merges) -> None:
    assert small(tokens, known) == plain(tokens, known)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=150), merges())
def test_a_long_word_merges_as_the_definition_says(tokens: list[int], known: Merges) -> None:
    assert long(tokens, known) == plain(tokens, known)


@given(st.dictionaries(st.tuples(st.integers(0, 2**20 - 1), st.integers(0, 2**20 - 1)), st.integers(0, 2**26 - 1)))
def test_the_table_knows_its_pairs_and_no_others(ranks: dict[tuple[int, int], int]) -> None:
    pairs = table({pair: (rank, rank % 999) for pair, rank in ranks.items()})
    for left, right in [*ranks, *((right, left + 1 & 2**20 - 1) for left, right in ranks)]:
        rank = ranks.get((left, right))
        expected = 2**64 - 1 if rank is None else rank << 32 | rank % 999
        assert value_of(np.uint64(left), np.uint64(right), pairs) == expected


@given(merges(), st.permutations(range(6)))
def test_pairs_of_bytes_are_those_of_their_tokens(known: Merges, order: list[int]) -> None:
    tokens = np.resize(np.array(order, np.uint32), 256)
    found, pairs = pairs_of_bytes(tokens, table(known)), table(known)
    for left, right in itertools.product(range(0, 256, 17), range(0, 256, 13)):
        assert found[left << 8 | right] == value_of(np.uint64(tokens[left]), np.uint64(tokens[right]), pairs)


@pytest.mark.parametrize("count", [1, 2, 1000, 100_000])
def test_a_run_of_one_token_halves_again_and_again(count: int) -> None:
    known = {(level, level): (level, level + 1) for level in range(20)}
    binary = [level for level in range(20, -1, -1) if count >> level & 1]
    assert sorted(long([0] * count, known), reverse=True) == binary
