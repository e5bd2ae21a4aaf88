"""Words and lines that kernels find are those of the plain definitions."""

import gzip
import json
from typing import Any

import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uniseg.wordbreak import words as uniseg_words

from filters.kernels.scans import Scans, WordDefinition, Words
from filters.kernels.unicode import CLASSES
from filters.words import has_letter, lines, words
from tests.filters.kernels.texts import batches, padded, texts
from tests.helpers import CORPUS

NEWER = {"\u200b"}
"""Characters whose Word_Break value differs between versions of Unicode."""


def scans_of(values: list[str]) -> Scans:
    return Scans(pa.array(values, pa.large_string()))


def plain_words(text: str, definition: WordDefinition) -> list[str]:
    if definition == "whitespace":
        return words(text)
    return [word for word in uniseg_words(text) if any(map(str.isalnum, word))]


def spans(scans: Scans, start: npt.NDArray[Any], end: npt.NDArray[Any]) -> list[str]:
    return [bytes(scans.data[first:last]).decode() for first, last in zip(start, end, strict=True)]


def check_words(values: list[str], definition: WordDefinition) -> None:
    scans = scans_of(values)
    found: Words = scans.words(definition)
    expected = [plain_words(text, definition) for text in values]
    flat = [word for each in expected for word in each]
    assert spans(scans, found.start, found.end) == flat
    assert found.counts.tolist() == [len(each) for each in expected]
    assert found.chars.tolist() == [len(word) for word in flat]
    assert found.letters.tolist() == [has_letter(word) for word in flat]
    numbers = {word: number for number, word in enumerate(dict.fromkeys(flat))}
    hashes = dict(zip(flat, found.hashes.tolist(), strict=True))
    assert len(set(hashes.values())) == len(numbers)
    assert [hashes[word] for word in flat] == found.hashes.tolist()


@given(batches)
def test_words_between_white_space(values: list[str]) -> None:
    check_words(values, "whitespace")


@given(padded)
def test_words_between_white_space_many_bytes_at_a_time(values: list[str]) -> None:
    check_words(values, "whitespace")


@given(padded.map(lambda values: ["".join(filter(is_known, value)) for value in values]))
def test_words_between_the_boundaries_of_uax29_many_bytes_at_a_time(values: list[str]) -> None:
    check_words(values, "uax29")


@given(st.lists(texts.filter(lambda text: not NEWER & set(text) and is_old(text)), min_size=1, max_size=4))
def test_words_between_the_boundaries_of_uax29(values: list[str]) -> None:
    check_words(values, "uax29")


def is_known(char: str) -> bool:
    """Whether a character has the same Word_Break value for the oracle."""
    return char not in NEWER and is_old(char)


def is_old(text: str) -> bool:
    """Whether a text holds only characters that Unicode 14.0 has; the oracle has those of Unicode 16.0."""
    return all(CLASSES[ord(char)] for char in text)


@given(batches)
def test_lines_are_those_of_splitlines(values: list[str]) -> None:
    scans = scans_of(values)
    expected = [lines(text) for text in values]
    flat = [line for each in expected for line in each]
    assert spans(scans, scans.lines.start, scans.lines.end) == flat
    assert scans.lines.counts.tolist() == [len(each) for each in expected]
    assert scans.lines.chars.tolist() == [len(line) for line in flat]


@given(batches, st.integers(0, 3), st.integers(0, 3))
def test_a_slice_of_an_array_is_scanned_alone(values: list[str], skipped: int, left: int) -> None:
    part = pa.array(values, pa.large_string()).slice(skipped, left)
    whole = Scans(pa.array(part.to_pylist(), pa.large_string())).words("whitespace")
    found = Scans(part).words("whitespace")
    assert found.first.tolist() == whole.first.tolist()
    assert found.hashes.tolist() == whole.hashes.tolist()


@pytest.mark.parametrize("text", ["a " * 100_000, "\n" * 100_000, "\u0301" * 50_000, "x" * 100_000, "a'" * 50_000])
def test_more_words_and_lines_than_there_was_room_for_are_found(text: str) -> None:
    scans = scans_of([text])
    assert scans.words("whitespace").counts.tolist() == [len(words(text))]
    assert scans.lines.counts.tolist() == [len(lines(text))]
    part = text[:4000]
    assert scans_of([part]).words("uax29").counts.tolist() == [len(plain_words(part, "uax29"))]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared/corpus")
@pytest.mark.parametrize("definition", ["whitespace", "uax29"])
def test_words_of_real_pages_in_many_languages(definition: WordDefinition) -> None:
    with gzip.open(CORPUS / "c4_multilingual" / "c4-mul.00000-of-00001.json.gz") as file:
        pages = [json.loads(line)["text"] for line in file]
    check_words([page[:3000] for page in pages if is_old(page) and not NEWER & set(page)][:150], definition)
