"""Components of edges, against scipy's."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from filters.kernels.union import place_numbers, room_for_places, unite
from pipelines.dedup.components import components

U64 = npt.NDArray[np.uint64]
Edges = Sequence[tuple[int, int]]

ENDS = st.one_of(
    st.integers(0, 12),
    st.sampled_from([2**64 - 1, 2**64 - 2, 2**63, 1 << 32, (1 << 32) + 1]),
    st.builds(lambda split, row: split << 32 | row, st.integers(0, 3), st.integers(0, 5)),
)
EDGES = st.lists(st.tuples(ENDS, ENDS), max_size=40)


def columns(edges: Edges) -> tuple[U64, U64]:
    pairs = np.array(edges, np.uint64).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def by_scipy(left: U64, right: U64) -> dict[int, int]:
    address, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    ends = places.reshape(2, -1)
    graph = coo_array((np.ones(len(left), np.int8), (ends[0], ends[1])), shape=(len(address), len(address)))
    count, labels = connected_components(graph, directed=False)
    roots = [address[labels == label].min() for label in range(count)]
    return {int(one): int(roots[label]) for one, label in zip(address, labels, strict=True)}


@given(EDGES)
def test_components_are_those_of_scipy_by_their_smallest_address(edges: Edges) -> None:
    address, root = components(*columns(edges))
    assert address.dtype == root.dtype == np.uint64
    assert address.tolist() == sorted({end for edge in edges for end in edge})
    assert dict(zip(address.tolist(), root.tolist(), strict=True)) == (by_scipy(*columns(edges)) if edges else {})


@given(EDGES, st.randoms(use_true_random=False))
def test_neither_the_order_of_edges_nor_their_direction_matters(edges: Edges, chance: object) -> None:
    shuffled = [(other, one) for one, other in edges]
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis' own random.Random
    for given_one, given_other in zip(components(*columns(edges)), components(*columns(shuffled)), strict=True):
        assert np.array_equal(given_one, given_other)


def test_many_random_edges_give_the_components_of_scipy() -> None:
    chance = np.random.default_rng(5)
    left, right = (chance.integers(0, 60_000, 40_000).astype(np.uint64) << np.uint64(20) for _ in range(2))
    address, root = components(left, right)
    assert dict(zip(address.tolist(), root.tolist(), strict=True)) == by_scipy(left, right)


def test_a_chain_of_a_million_documents_is_one_component_from_either_end() -> None:
    chain = np.arange(1_000_000, dtype=np.uint64)
    for order in (slice(None), slice(None, None, -1)):
        _, root = components(chain[:-1][order].copy(), chain[1:][order].copy())
        assert not root.any()


def test_the_ends_given_are_not_changed() -> None:
    left, right = columns([(9, 3), (3, 1)])
    components(left, right)
    assert (left.tolist(), right.tolist()) == ([9, 3], [3, 1])


def test_each_merge_lessens_the_number_of_components_by_one() -> None:
    left, right = columns([(1, 2), (2, 1), (3, 3), (4, 5), (1, 5)])
    numbers = np.array([1, 2, 3, 4, 5], np.uint64)
    slots = room_for_places(5)
    place_numbers(numbers, slots)
    assert unite(left, right, numbers, slots, np.arange(5, dtype=np.uint32)) == 3


def test_ends_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="2 left ends of edges, 1 right"):
        components(np.zeros(2, np.uint64), np.zeros(1, np.uint64))
