"""An interval holds the truth about as often as it says."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as students

from pipelines.audit.spread import Looked, estimate, student

TRIALS = 400


@pytest.mark.parametrize("freedom", [*range(1, 40), 100, 10_000])
def test_students_t_is_that_of_scipy(freedom: int) -> None:
    assert student(freedom) == pytest.approx(students.ppf(0.975, freedom), rel=2e-3)


@given(st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 10**6)), min_size=1, max_size=40))
def test_what_was_looked_at_whole_is_exact(places: list[tuple[int, int]]) -> None:
    sizes, found = zip(*places, strict=True)
    assert estimate(Looked(sizes, found, sum(sizes), len(sizes), complete=True)) == (sum(found), 0)


@given(st.lists(st.integers(1, 1_000), min_size=2, max_size=40), st.integers(1, 100))
def test_places_that_hold_alike_leave_no_doubt(sizes: list[int], density: int) -> None:
    looked = Looked(sizes, [size * density for size in sizes], 10 * sum(sizes), 10 * len(sizes), complete=False)
    likely, width = estimate(looked)
    assert likely == pytest.approx(10 * density * sum(sizes))
    assert width == pytest.approx(0, abs=1e-6 * likely)


def test_one_place_tells_nothing_of_how_they_differ() -> None:
    assert estimate(Looked([10], [30], 100, 10, complete=True)) == (300, None)


def test_places_of_no_size_hold_nothing_that_is_known() -> None:
    assert estimate(Looked([0, 0], [0, 0], 0, 3, complete=True)) == (0, None)


def test_the_width_is_that_of_the_textbook() -> None:
    """Three of ten places: ratio 2, rests -1, 0, 1, so s^2 is 1; t of 2 is 4.303; 7 of 10 places are unseen."""
    likely, width = estimate(Looked([1, 2, 3], [1, 4, 7], 20, 10, complete=True))
    assert likely == 40
    assert width == pytest.approx(4.303 * math.sqrt(1 / 3 * 0.7) / 2 * 20)


@pytest.mark.parametrize("places", [8, 32])
def test_of_random_sources_about_19_in_20_lie_in_their_interval(places: int) -> None:
    """Each source has 600 places; documents are few or many in it, and alike within a place."""
    inside = 0
    for trial in range(TRIALS):
        rng = random.Random(trial)
        density = rng.choice([0.2, 2, 20])
        sizes = [rng.randint(50, 150) for _ in range(600)]
        found = [sum(rng.expovariate(1) for _ in range(10)) * size * density for size in sizes]
        chosen = [number * 600 // places for number in range(places)]
        looked = Looked([sizes[at] for at in chosen], [found[at] for at in chosen], sum(sizes), 600, complete=True)
        likely, width = estimate(looked)
        assert width is not None
        inside += abs(likely - sum(found)) <= width
    assert 0.92 * TRIALS <= inside <= 0.98 * TRIALS
