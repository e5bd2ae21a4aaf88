"""Phrases are found in the lines in which Python finds them."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.scans import Scans
from filters.kernels.substrings import flag_lines, phrases_of
from tests.filters.line_texts import HOSTILE, line_batches

PHRASES = (
    "lorem ipsum",
    "javascript",
    "{",
    "use cookies",
    "uses cookies",
    "[",
    "privacy policy",
    "a",
    "e.",
    "read more",
)
LOWER = phrases_of(PHRASES, "lower")
IGNORE = ("items in cart", "sign-in", "cookie", "{", "read more")
IGNORE_CASE = phrases_of(IGNORE, "ignore_case")


def lines_of(values: list[str]) -> list[str]:
    return [line for text in values for line in text.splitlines()]


def bits(found: list[bool]) -> int:
    return sum(1 << number for number, holds in enumerate(found) if holds)


@given(line_batches)
def test_lines_hold_the_phrases_that_their_lower_case_holds(values: list[str]) -> None:
    scans = Scans(pa.array(values, pa.large_string()))
    flags = flag_lines(scans.data, scans.lines.start, scans.lines.end, LOWER)
    assert flags.tolist() == [bits([phrase in line.lower() for phrase in PHRASES]) for line in lines_of(values)]


@given(line_batches)
def test_lines_hold_the_phrases_that_a_search_without_case_finds(values: list[str]) -> None:
    scans = Scans(pa.array(values, pa.large_string()))
    flags = flag_lines(scans.data, scans.lines.start, scans.lines.end, IGNORE_CASE)
    expected = [
        bits([re.search(re.escape(phrase), line, re.IGNORECASE) is not None for phrase in IGNORE])
        for line in lines_of(values)
    ]
    assert flags.tolist() == expected


@pytest.mark.parametrize("shift", range(130))
def test_a_phrase_is_found_wherever_it_lies_in_a_block(shift: int) -> None:
    text = "-" * shift + "Use CooKies" + "-" * 70
    scans = Scans(pa.array(["x", text, "JAVA\nSCRIPT"], pa.large_string()))
    assert flag_lines(scans.data, scans.lines.start, scans.lines.end, LOWER).tolist() == [0, 1 << 3, 1 << 7, 0]


@pytest.mark.parametrize("shift", range(70))
def test_what_lies_between_the_lines_is_not_looked_at(shift: int) -> None:
    gap = shift * 37 % 201
    parts = ["-" * shift + "[", "javascript " * (gap // 11) + "\u00e9" * (gap % 11), "{" + "-" * shift, "E.{a"]
    ends = np.cumsum([len(part.encode()) for part in parts])
    starts = np.concatenate([[0], ends[:-1]])
    data = np.frombuffer("".join(parts).encode(), np.uint8)
    flags = flag_lines(data, starts[[0, 2]], ends[[0, 2]], LOWER)
    assert flags.tolist() == [1 << 5, 1 << 2]
    assert flag_lines(data, starts[3:], ends[3:], LOWER).tolist() == [1 << 2 | 1 << 7 | 1 << 8]


def test_no_phrase_spans_two_lines_or_two_texts() -> None:
    scans = Scans(pa.array(["lorem\nipsum java", "script"], pa.large_string()))
    phrases = phrases_of(("lorem ipsum", "javascript"), "lower")
    assert flag_lines(scans.data, scans.lines.start, scans.lines.end, phrases).tolist() == [0, 0, 0]


def test_no_lines_hold_nothing() -> None:
    nothing = np.empty(0, np.int64)
    assert len(flag_lines(np.empty(0, np.uint8), nothing, nothing, LOWER)) == 0


@pytest.mark.parametrize("phrase", ["", "Upper", "caf\u00e9", "tab\t", "alibi", "kkk"])
def test_phrases_that_cannot_be_looked_for_are_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"phrase 0 is|ends in 'i'|letters in a row"):
        phrases_of((phrase,), "lower")


def test_at_most_32_phrases_are_looked_for() -> None:
    with pytest.raises(ValueError, match="at most 32"):
        phrases_of([f"phrase {number}" for number in range(33)], "lower")


@given(st.lists(st.text("abcdefgh. ", min_size=1, max_size=8), min_size=1, max_size=8, unique=True), line_batches)
def test_any_phrases_are_found(phrases: list[str], values: list[str]) -> None:
    scans = Scans(pa.array(values, pa.large_string()))
    flags = flag_lines(scans.data, scans.lines.start, scans.lines.end, phrases_of(phrases, "lower"))
    assert flags.tolist() == [bits([phrase in line.lower() for phrase in phrases]) for line in lines_of(values)]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_searched_once(name: str) -> None:
    scans = Scans(pa.array([HOSTILE[name]], pa.large_string()))
    flags = flag_lines(scans.data, scans.lines.start, scans.lines.end, LOWER)
    assert bool(flags.any()) == any(phrase in HOSTILE[name] for phrase in PHRASES)
