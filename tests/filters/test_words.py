import doctest
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import filters.normalize
import filters.words
from filters.words import has_letter, lines, words


@pytest.mark.parametrize("module", [filters.words, filters.normalize])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    results = doctest.testmod(module, raise_on_error=True)  # type: ignore[arg-type]
    assert results.attempted > 0


def test_exactly_the_25_characters_with_the_property_white_space_part_words() -> None:
    parting = [char for char in map(chr, range(sys.maxunicode + 1)) if len(words(f"a{char}b")) == 2]
    by_category = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char).startswith("Z")]
    assert set(parting) == {*"\t\n\v\f\r\x85", *by_category}
    assert len(parting) == 25


def test_letters_are_those_of_unicode_14_under_every_python() -> None:
    assert sum(map(has_letter, map(chr, range(sys.maxunicode + 1)))) == 131_756


def test_a_line_end_at_the_end_begins_no_line() -> None:
    assert lines("a\n\nb\r\n") == ["a", "", "b"]
    assert lines("") == []


@given(st.text())
def test_words_hold_every_character_but_white_space(text: str) -> None:
    assert "".join(words(text)) == "".join(char for char in text if words(char))
