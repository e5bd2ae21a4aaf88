"""Bins that the kernel fills are those of the plain definition."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.best_fit import counting_order, fill_bins
from tests.filters.references.best_fit import bins_of

CAPACITIES = st.integers(1, 40)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[int], int]:
    """Lengths and the capacity of a bin; capacities around powers of two, where the tree grows, come often."""
    capacity = draw(CAPACITIES)
    return draw(st.lists(st.integers(1, capacity), max_size=60)), capacity


def filled(lengths: list[int], capacity: int) -> tuple[list[int], list[int]]:
    values = np.array(lengths, np.int64)
    bins, openers = fill_bins(values, counting_order(capacity - values, capacity), capacity)
    return bins.tolist(), openers.tolist()


@given(st.lists(st.integers(0, 12), max_size=50))
def test_counting_gives_the_order_of_a_stable_sort(values: list[int]) -> None:
    numbers = np.array(values, np.int64)
    assert counting_order(numbers, 13).tolist() == np.argsort(numbers, kind="stable").tolist()


@given(cases())
def test_bins_are_those_of_looking_at_every_bin(case: tuple[list[int], int]) -> None:
    lengths, capacity = case
    expected = bins_of(lengths, capacity)
    bins, openers = filled(lengths, capacity)
    assert openers == [places[0] for places in expected]
    bin_of = {place: bin_ for bin_, places in enumerate(expected) for place in places}
    assert bins == [bin_of[place] for place in range(len(lengths))]


@given(cases())
def test_no_bin_is_too_full_and_no_two_would_fit_in_one(case: tuple[list[int], int]) -> None:
    lengths, capacity = case
    bins, openers = filled(lengths, capacity)
    held = np.bincount(bins, weights=lengths, minlength=len(openers)) if lengths else np.zeros(0)
    assert (held <= capacity).all()
    assert all(left + right > capacity for left, right in combinations(held.tolist(), 2))


def test_a_bin_of_any_size_is_filled_to_the_brim() -> None:
    for capacity in (1, 2, 3, 4, 7, 8, 9, 2047, 2048, 2049):
        bins, openers = filled([1] * (2 * capacity), capacity)
        assert bins == [0] * capacity + [1] * capacity
        assert openers == [0, capacity]
