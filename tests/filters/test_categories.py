"""Characters by general category are those that `unicodedata` has, asked one by one."""

import re
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.categories import codes_of, combining_marks, one_of

EVERY_CHAR = [chr(code) for code in range(sys.maxunicode + 1)]


@pytest.mark.parametrize("names", [("Mn",), ("Mc", "Me"), ("Cc", "Cf"), ("Mn", "Mc", "Me")])
def test_marks_controls_and_format_characters_are_all_found(names: tuple[str, ...]) -> None:
    expected = [ord(char) for char in EVERY_CHAR if unicodedata.category(char) in names]
    assert codes_of(*names).tolist() == expected


def test_all_characters_that_combine_are_found() -> None:
    assert combining_marks().tolist() == [ord(char) for char in EVERY_CHAR if unicodedata.combining(char)]


@given(st.sets(st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1), st.text())
def test_a_pattern_matches_the_characters_it_is_made_of_and_no_others(chars: set[str], text: str) -> None:
    pattern = re.compile(one_of(np.array(sorted(map(ord, chars)))))
    text += "".join(sorted(chars)) + "".join(chr(min(ord(char) + 1, sys.maxunicode)) for char in sorted(chars))
    assert pattern.findall(text) == [char for char in text if char in chars]
