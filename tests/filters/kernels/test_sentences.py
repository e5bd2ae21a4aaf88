"""Sentences: what the rule says, and that kernels find what the plain code does."""

import doctest
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given

import filters.sentences
from filters.kernels.scans import Scans
from filters.kernels.sentences import LEADS, MARKED, count_sentences, text_sentences
from filters.sentences import sentences
from tests.filters.line_texts import HOSTILE, line_batches


def found(values: list[str]) -> list[list[str]]:
    scans = Scans(pa.array(values, pa.large_string()))
    first, start, end = text_sentences(scans.data, scans.offsets, MARKED, LEADS)
    pieces = [bytes(scans.data[begin:stop]).decode() for begin, stop in zip(start, end, strict=True)]
    return [pieces[begin:stop] for begin, stop in pairwise(first)]


@given(line_batches)
def test_kernels_find_the_sentences_of_the_plain_code(values: list[str]) -> None:
    assert found(values) == [sentences(text) for text in values]


@given(line_batches)
def test_they_hold_all_that_is_not_white_space(values: list[str]) -> None:
    for text in values:
        assert "".join("".join(sentences(text)).split()) == "".join(text.split())
        assert all(sentence and sentence == sentence.strip() for sentence in sentences(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n", []),
        ("No mark at all", ["No mark at all"]),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Pi is 3.14. Example.com is a name.", ["Pi is 3.14.", "Example.com is a name."]),
        ("See e.g. this one.", ["See e.g. this one."]),
        ("Wait... what? Oh! so it is.", ["Wait... what?", "Oh!", "so it is."]),
        ('He said: "No." (Really?) And left.', ['He said: "No."', "(Really?)", "And left."]),
        ("Yahoo!, they said.", ["Yahoo!, they said."]),
        ("Yes! , they said.", ["Yes! , they said."]),
        ("Well . . . yes.", ["Well . . . yes."]),
        ("\u4f60\u597d\u3002\u518d\u89c1\u3002", ["\u4f60\u597d\u3002", "\u518d\u89c1\u3002"]),
        ("\u300c\u4f60\u597d\u3002\u300d\u4ed6\u8bf4\u3002", ["\u300c\u4f60\u597d\u3002\u300d", "\u4ed6\u8bf4\u3002"]),
        ("A headline\nOne sentence.", ["A headline\nOne sentence."]),
    ],
)
def test_the_rule_by_examples(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected
    assert found([text]) == [expected]


@pytest.mark.parametrize("mark", [".", "?!", "\u3002", "\u037e"])
def test_a_mark_ends_a_sentence_wherever_it_lies_in_a_block(mark: str) -> None:
    for shift in range(135):
        values = [
            "x" * shift + mark + " Then " + "\u00e9\u65e5" * (shift % 40) + mark + " And",
            "-" * shift,
            "y" + mark,
        ]
        assert found(values) == [sentences(text) for text in values]


def test_the_example_of_the_page_is_true() -> None:
    assert doctest.testmod(filters.sentences).failed == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_read_a_few_times_at_most(name: str) -> None:
    scans = Scans(pa.array([HOSTILE[name]], pa.large_string()))
    assert count_sentences(scans.data, 0, len(scans.data), MARKED, LEADS) == len(sentences(HOSTILE[name]))
