"""Lines between line feeds, white space at their edges and between their words, and copies of what is kept."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.copying import joined, moved, texts_of, without
from filters.kernels.newlines import line_feed_lines
from filters.kernels.scans import Scans
from filters.kernels.spaces import has_longer_word, has_words, strip_lines, trim_texts
from filters.kernels.unicode import CLASSES
from tests.filters.line_texts import line_batches, line_texts


def scans_of(values: list[str]) -> Scans:
    return Scans(pa.array(values, pa.large_string()))


@given(line_batches)
def test_lines_between_line_feeds_are_those_of_split(values: list[str]) -> None:
    scans = scans_of(values)
    first, start, end = line_feed_lines(scans.data, scans.offsets, scans.lines.first, scans.lines.end)
    lines = [bytes(scans.data[begin:stop]).decode() for begin, stop in zip(start, end, strict=True)]
    assert lines == [line for text in values for line in text.split("\n")]
    assert np.diff(first).tolist() == [text.count("\n") + 1 for text in values]


@pytest.mark.parametrize("text", ["", "\n", "\r\n", "\n\r", "\r\r\n\n", "a\x0b\nb\u2028", "a\r", "\x85\n\x85", "a\n"])
def test_other_line_ends_are_characters(text: str) -> None:
    scans = scans_of(["x", text, "\ny"])
    first, start, end = line_feed_lines(scans.data, scans.offsets, scans.lines.first, scans.lines.end)
    own = [bytes(scans.data[start[line] : end[line]]).decode() for line in range(first[1], first[2])]
    assert own == text.split("\n")


@given(line_batches)
def test_lines_are_stripped_as_by_strip(values: list[str]) -> None:
    scans = scans_of(values)
    start, end = strip_lines(scans.data, scans.offsets[:-1], scans.offsets[1:], CLASSES)
    found = [bytes(scans.data[begin:stop]).decode() for begin, stop in zip(start, end, strict=True)]
    assert found == [text.strip() for text in values]


@given(line_texts, st.integers(0, 5))
def test_words_are_those_of_split(text: str, number: int) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    assert has_words(data, 0, len(data), number, CLASSES) == (len(text.split()) >= number)
    longest = max(map(len, text.split()), default=0)
    assert has_longer_word(data, 0, len(data), number, CLASSES) == (longest > number)


@given(st.lists(st.text("ab\u00e9\u65e5 \u3000\t", max_size=12).map(" ".join), max_size=6), st.integers(0, 30))
def test_the_longest_word_of_many_is_found(parts: list[str], most: int) -> None:
    text = "".join(part.replace(" ", "", index * 3) for index, part in enumerate(parts))
    data = np.frombuffer(text.encode(), np.uint8)
    assert has_longer_word(data, 0, len(data), most, CLASSES) == (max(map(len, text.split()), default=0) > most)


@given(line_batches, st.randoms(use_true_random=False))
def test_kept_lines_are_joined_and_trimmed_as_by_join_and_strip(values: list[str], chance: st.DataObject) -> None:
    scans = scans_of(values)
    first, start, end = line_feed_lines(scans.data, scans.offsets, scans.lines.first, scans.lines.end)
    kept = np.array([chance.random() < 0.6 for _ in start], np.uint8)  # type: ignore[attr-defined]
    chosen = [
        [line for line, keep in zip(text.split("\n"), kept[begin:], strict=False) if keep]
        for text, begin in zip(values, first, strict=False)
    ]
    assert texts_of(*joined(scans.data, first, (start, end, kept), 10)).to_pylist() == [
        "\n".join(own) for own in chosen
    ]
    trim_texts(scans.data, first, (start, end, kept), CLASSES)
    trimmed = texts_of(*joined(scans.data, first, (start, end, kept), 10)).to_pylist()
    assert trimmed == ["\n".join(own).strip() for own in chosen]


def test_empty_pieces_are_joined_like_others() -> None:
    data = np.frombuffer(b"ab", np.uint8)
    start, end = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])
    pieces = (start, end, np.array([1, 1, 1, 0], np.uint8))
    assert texts_of(*joined(data, np.array([0, 4, 4]), pieces, ord(" "))).to_pylist() == [" a ", ""]


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=8))
def test_cuts_go_and_places_move(data: bytes, places: list[int]) -> None:
    edges = sorted({min(place, len(data)) for place in places})
    edges = edges[: len(edges) // 2 * 2]
    start, end = np.array(edges[::2], np.int64), np.array(edges[1::2], np.int64)
    inside = {place for begin, stop in zip(start, end, strict=True) for place in range(begin + 1, stop)}
    outside = np.array([place for place in range(len(data) + 1) if place not in inside], np.int64)
    left = without(np.frombuffer(data, np.uint8), start, end)
    cut = {place for begin, stop in zip(start, end, strict=True) for place in range(begin, stop)}
    assert bytes(left) == bytes(byte for place, byte in enumerate(data) if place not in cut)
    assert moved(outside, start, end).tolist() == [place - sum(gone < place for gone in cut) for place in outside]
