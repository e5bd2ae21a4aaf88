"""Counts of repeated n-grams, lines and paragraphs equal the plain algorithms."""

from collections import Counter
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.marking import BUCKET
from filters.kernels.ngrams import (
    COVERED,
    GREEDY,
    LONGEST,
    LONGEST_TOP,
    REPEATED,
    TOP,
    TOP_COUNT,
    TOTAL,
    ngram_counts,
)
from filters.kernels.scans import Scans
from filters.words import words
from tests.filters.kernels.texts import batches
from tests.filters.references.repetition import greedy_chars, ngrams, top_chars


def chars_of(grams: list[tuple[str, ...]]) -> int:
    return sum(len(word) for gram in grams for word in gram)


def covered_chars(words_of_text: list[str], n: int) -> int:
    """Return the characters of words that lie in an n-gram that occurs more than once."""
    grams = ngrams(words_of_text, n)
    occurrences = Counter(grams)
    covered = {place + step for place, gram in enumerate(grams) if occurrences[gram] > 1 for step in range(n)}
    return sum(len(words_of_text[place]) for place in covered)


def check_counts(values: list[str]) -> None:
    found = Scans(pa.array(values, pa.large_string())).words("whitespace")
    counts = ngram_counts(found.first, found.hashes, found.chars)
    for number, text in enumerate(values):
        for n in range(2, LONGEST_TOP + 1):
            assert tuple(counts[number, n, [TOP, TOP_COUNT]]) == top_chars(words(text), n)
        for n in range(LONGEST_TOP + 1, LONGEST + 1):
            grams = ngrams(words(text), n)
            occurrences = Counter(grams)
            assert counts[number, n, GREEDY] == greedy_chars(words(text), n)
            assert counts[number, n, REPEATED] == chars_of([gram for gram in grams if occurrences[gram] > 1])
            assert counts[number, n, TOTAL] == chars_of(grams)
            assert counts[number, n, COVERED] == covered_chars(words(text), n)


@given(batches)
def test_ngrams_are_counted_as_the_plain_algorithms_do(values: list[str]) -> None:
    check_counts(values)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=600).map(" ".join), max_size=3))
def test_ngrams_of_few_words_are_counted_as_the_plain_algorithms_do(values: list[str]) -> None:
    check_counts(values)


@given(st.integers(1, 700), st.integers(1, 700), st.randoms(use_true_random=False))
def test_the_most_frequent_ngram_is_found_among_many_that_share_a_mark(often: int, others: int, chance: Random) -> None:
    pairs = ["x y"] * often + [f"{number % 300} z" for number in range(others)]
    chance.shuffle(pairs)
    check_counts([" ".join(pairs)])


@pytest.mark.parametrize("words_of_text", [["a"] * 50_000, ["a", "b"] * 25_000, [str(n) for n in range(50_000)]])
def test_long_texts_that_repeat_everything_or_nothing(words_of_text: list[str]) -> None:
    found = Scans(pa.array([" ".join(words_of_text)], pa.large_string())).words("whitespace")
    counts = ngram_counts(found.first, found.hashes, found.chars)[0]
    assert counts[10, GREEDY] == greedy_chars(words_of_text, 10)
    assert counts[2, TOP] == top_chars(words_of_text, 2)[0]


@pytest.mark.parametrize("text", ["a b c d e f g h i j k " * 7_000, " ".join(str(n % 40_001) for n in range(90_000))])
def test_ngrams_of_a_text_with_more_words_than_a_bucket_has(text: str) -> None:
    found = Scans(pa.array([text], pa.large_string())).words("whitespace")
    counts = ngram_counts(found.first, found.hashes, found.chars)[0]
    every = words(text)
    assert len(every) > BUCKET
    assert [tuple(counts[n, [TOP, TOP_COUNT]]) for n in (2, 4)] == [top_chars(every, n) for n in (2, 4)]
    assert [counts[n, GREEDY] for n in (5, 7, 10)] == [greedy_chars(every, n) for n in (5, 7, 10)]
    assert counts[9, COVERED] == covered_chars(every, 9)
