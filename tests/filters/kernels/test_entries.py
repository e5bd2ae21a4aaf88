"""Entries of lists in texts, beside Python's regular expressions."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import batch_of
from filters.kernels.entries import EXACT, FOLDED, count_entries, table_of

ALPHABET = "abB -\u00e9\u00c9_\n\u6771$\u0301'"
LISTS = st.lists(st.text(ALPHABET, min_size=1, max_size=4).map(lambda entry: entry.strip().lower()).filter(bool))
TEXTS = st.lists(st.text(ALPHABET, max_size=30) | st.text())


def counts(entries: list[str], text: str, *, whole: bool) -> list[int]:
    """Return how often each entry occurs, by an expression for each."""
    bounds = (r"(?<!\w)", r"(?!\w)") if whole else ("", "")
    patterns = [rf"{bounds[0]}(?={re.escape(entry)}{bounds[1]})" for entry in dict.fromkeys(entries)]
    return [len(re.findall(pattern, text)) for pattern in patterns]


def lowered(text: str) -> str:
    """Return a text in lower case, one character at a time."""
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


@given(LISTS, TEXTS)
def test_hits_and_different_entries_are_those_of_an_expression_for_each(entries: list[str], texts: list[str]) -> None:
    scans = batch_of(texts).scans
    for whole in (True, False):
        hits, different = count_entries(scans.data, scans.offsets, FOLDED, table_of(entries, whole=whole), whole)
        wanted = [counts(entries, lowered(text), whole=whole) for text in texts]
        assert hits.tolist() == [sum(each) for each in wanted]
        assert different.tolist() == [sum(count > 0 for count in each) for each in wanted]


@given(LISTS, TEXTS)
def test_case_counts_where_texts_are_compared_as_they_are(entries: list[str], texts: list[str]) -> None:
    scans = batch_of(texts).scans
    hits, _ = count_entries(scans.data, scans.offsets, EXACT, table_of(entries, whole=True), True)
    assert hits.tolist() == [sum(counts(entries, text, whole=True)) for text in texts]


def test_a_list_without_entries_is_found_nowhere() -> None:
    scans = batch_of(["", "a b"]).scans
    hits, different = count_entries(scans.data, scans.offsets, FOLDED, table_of([], whole=True), True)
    assert hits.tolist() == different.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "hits"),
    [("a" * 50_000_000, 0), ("a-" * 5_000_000, 4_999_999), ("\u0301" * 5_000_000, 0), ("\n" * 1_000_000 + "a-a", 1)],
)
def test_a_hostile_text_takes_time_that_grows_with_its_length(text: str, hits: int) -> None:
    scans = batch_of([text]).scans
    table = table_of(["a-a", "a-b-c-d"], whole=True)
    assert count_entries(scans.data, scans.offsets, FOLDED, table, True)[0].tolist() == [hits]


def test_a_table_holds_no_python_object_per_entry() -> None:
    table = table_of([f"word{number}" for number in range(1000)], whole=True)
    assert all(isinstance(part, np.ndarray) for part in table)
    assert len(table.hashes) == 1000
