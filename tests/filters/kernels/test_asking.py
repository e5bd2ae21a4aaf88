"""Answers asked for at once are those to each character by itself."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.asking import BETWEEN, ask, utf8_sizes
from filters.shingling import datatrove

codes_lists = st.lists(
    st.characters(exclude_categories=["Cs"], exclude_characters=[chr(BETWEEN), "\u03a3"]).map(ord), max_size=40
)


def answers(plain: Callable[[str], str], codes: list[int]) -> list[str]:
    became, first = ask(plain, np.array(codes, np.int64))
    ends = first[1:] - 1
    return ["".join(map(chr, became[begin:end])) for begin, end in zip(first[:-1], ends, strict=True)]


@pytest.mark.parametrize("plain", [str.lower, str.upper, datatrove])
@given(codes_lists)
def test_each_answer_is_what_the_function_makes_of_the_character(plain: Callable[[str], str], codes: list[int]) -> None:
    found = [text.strip() for text in answers(plain, codes)]
    assert found == [plain(chr(code)).strip() for code in codes]


def test_a_character_may_become_nothing_or_many() -> None:
    assert answers(lambda text: text.replace("a", "").replace("b", "xyz"), [*map(ord, "abca")]) == ["", "xyz", "c", ""]


@given(codes_lists)
def test_sizes_are_those_of_utf8(codes: list[int]) -> None:
    assert utf8_sizes(np.array(codes, np.int64)).tolist() == [len(chr(code).encode()) for code in codes]
