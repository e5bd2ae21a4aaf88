"""Numbers and texts as people read them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audit.wording import duration, excerpt, listed, number, plural, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0, "0"),
        (1234567, "1,234,567"),
        (3.0, "3"),
        (float(np.float32(0.2)), "0.2"),
        (0.2, "0.2"),
        (float(np.float32(1) / np.float32(3)), "0.33333334"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_has_the_digits_that_name_it(value: float | None, shown: str) -> None:
    assert number(value) == shown


@given(st.floats(width=32, allow_nan=False), st.floats(width=32, allow_nan=False))
def test_different_numbers_are_never_shown_alike(one: float, other: float) -> None:
    assert (number(one) == number(other)) == (one == other)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1 K"),
        (999_600, "1 M"),
        (35_100_000, "35.1 M"),
        (2.5e9, "2.5 G"),
        (7e15, "7,000 T"),
    ],
)
def test_an_amount_has_three_digits_and_a_unit(amount: float, shown: str) -> None:
    assert size(amount) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (4.56, "4.6 s"),
        (99, "99 s"),
        (120, "2 min"),
        (7200, "2 h"),
        (36_000, "10 h"),
        (864_000, "10.0 days"),
    ],
)
def test_a_time_is_told_in_the_unit_that_people_would_use(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@given(st.text(), st.integers(1, 40))
def test_an_excerpt_is_one_line_of_at_most_its_width(text: str, width: int) -> None:
    shown = excerpt(text, width)
    assert shown.isprintable()
    assert len(shown) == min(len(text), width)


def test_names_in_a_row_say_how_many_more_there_are() -> None:
    assert listed("abc", 3) == "a, b, c"
    assert listed("abcde", 3) == "a, b, c and 2 more"
    assert listed([]) == ""


def test_one_is_no_plural() -> None:
    assert [plural(count, "file") for count in (0, 1, 2000)] == ["0 files", "1 file", "2,000 files"]
