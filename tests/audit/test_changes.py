"""What an editor did is shown so that a person can see it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audit.changes import change_of, visible


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ("one\r\ntwo", "one\ntwo", [("one\\r\\n", "one\\n")]),
        ("Cafe\u0301", "Café", [("Cafe\\u0301", "Café")]),
        ("a\nb\nc", "a\nc", [("b\\n", "")]),
        ("a\nc", "a\nb\nc", [("", "b\\n")]),
        ("", "new", [("", "new")]),
        ("x" * 100 + "y", "x" * 100 + "z", [("x" * 24 + "y", "x" * 24 + "z")]),
        ("same", "same", []),
    ],
)
def test_the_places_that_differ_are_shown(before: str, after: str, places: list[tuple[str, str]]) -> None:
    change = change_of("editor", before, after)
    assert list(change.places) == places
    assert (change.stage, change.chars_before, change.chars_after) == ("editor", len(before), len(after))


@given(st.text(), st.text())
def test_any_two_texts_are_compared_within_bounds(before: str, after: str) -> None:
    places = change_of("editor", before, after).places
    assert len(places) <= 3
    assert bool(places) == (before != after)
    assert all(old != new and max(len(old), len(new)) <= 10 * 64 for old, new in places)


def test_a_text_of_many_lines_that_all_changed_is_compared_in_bounds() -> None:
    before = "".join(f"line {number}\r\n" for number in range(100_000))
    assert len(change_of("editor", before, before.replace("\r", "")).places) == 1


@given(st.text())
def test_what_is_made_visible_can_be_printed(text: str) -> None:
    assert visible(text).isprintable()
