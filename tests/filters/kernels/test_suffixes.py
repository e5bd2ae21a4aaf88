"""Repeated stretches that kernels find are those of the plain definition."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.code_points import piece_code_points
from filters.kernels.suffixes import (
    NONE,
    Units,
    between_characters,
    covered_spans,
    joined_ids,
    mark_copies,
    shared_prefixes,
)
from pipelines.dedup.suffix_array import MOST_BYTES, suffix_array
from tests.filters.kernels.texts import arbitrary
from tests.filters.references.suffixes import copied_windows, in_characters, shared, spans, suffix_order

ALPHABETS = st.sampled_from([[1], [1, 2], [1, 2, 254], [0, 7]])
TEXTS = ALPHABETS.flatmap(lambda units: st.lists(st.lists(st.sampled_from(units), max_size=12), min_size=1, max_size=5))
KINDS = st.sampled_from(["bytes", "ids", "wide ids"])
SCALES = {"bytes": (np.uint8, 1, 255), "ids": (np.uint32, 200, 60_000), "wide ids": (np.uint32, 400, 128_000)}
"""Of each kind of unit: its type, what the small numbers of texts are multiplied by, and its separator."""


def in_units(texts: list[list[int]], kind: str) -> tuple[Units, int]:
    """Return the units of texts with a separator between any two."""
    dtype, scale, separator = SCALES[kind]
    whole: list[int] = []
    for number, text in enumerate(texts):
        whole += [separator] * (number > 0) + [unit * scale for unit in text]
    return np.array(whole, dtype), separator


@given(TEXTS, KINDS)
def test_a_suffix_array_holds_the_sorted_suffixes(texts: list[list[int]], kind: str) -> None:
    units, _ = in_units(texts, kind)
    if len(units):
        order = suffix_array(units)
        assert order.dtype == np.int32
        assert order.tolist() == suffix_order(units.tolist())


def test_nothing_and_too_much_are_not_sorted() -> None:
    too_many = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (MOST_BYTES + 1,), (0,))
    for units in (np.empty(0, np.uint8), too_many):
        with pytest.raises(ValueError, match="can be sorted"):
            suffix_array(units)


@given(TEXTS, KINDS, st.integers(1, 6))
def test_prefixes_are_shared_as_far_as_a_separator(texts: list[list[int]], kind: str, most: int) -> None:
    units, separator = in_units(texts, kind)
    if not len(units):
        return
    order = suffix_array(units)
    found = shared_prefixes(units, order, most, separator)
    whole, places = units.tolist(), order.tolist()
    assert found[places[0]] == 0
    wanted = [shared(whole, at, before, most, separator) for before, at in pairwise(places)]
    assert found[places[1:]].tolist() == wanted


@given(TEXTS, KINDS, st.integers(1, 5), st.booleans())
def test_copies_and_their_spans_are_those_of_the_plain_search(
    texts: list[list[int]], kind: str, length: int, first_stays: bool
) -> None:
    units, separator = in_units(texts, kind)
    if not len(units):
        return
    lengths = np.array([len(text) for text in texts])
    first = np.cumsum(lengths + 1) - lengths - 1
    order = suffix_array(units)
    copies = shared_prefixes(units, order, length, separator)
    mark_copies(order, copies, length, first_stays)
    wanted = copied_windows(texts, length, first_stays=first_stays)
    found = {at: int(copies[at]) for at in np.flatnonzero(copies != NONE).tolist()}
    assert found == {int(first[text]) + at: int(first[of]) + begin for (text, at), (of, begin) in wanted.items()}
    counts, stretches = covered_spans(copies, first, first + lengths, length)
    each = np.split(stretches, np.cumsum(counts)[:-1])
    for number, some in enumerate(each):
        origins = np.searchsorted(first, some[:, 2], side="right") - 1
        ours = [(start - first[number], end - first[number]) for start, end, _ in some.tolist()]
        expected = spans(wanted, number, length)
        assert [(*span, int(origin)) for span, origin in zip(ours, origins, strict=True)] == expected


@given(arbitrary, arbitrary, st.integers(0, 40), st.integers(0, 40))
def test_a_span_is_shortened_to_whole_characters(before: str, text: str, start: int, end: int) -> None:
    data = text.encode()
    start, end = sorted((min(start, len(data)), min(end, len(data))))
    origin = len(before.encode())
    found = np.array([[origin + start, origin + end]])
    between_characters(np.frombuffer(before.encode() + data, np.uint8), found)
    ours = tuple(int(side) - origin for side in found[0])
    wanted = in_characters(data, start, end)
    assert ours == wanted or (ours[0] == ours[1] and wanted[0] == wanted[1])


@given(st.lists(arbitrary, max_size=4))
def test_code_points_of_pieces_are_their_characters(texts: list[str]) -> None:
    data = "".join(texts).encode()
    ends = np.cumsum([len(text.encode()) for text in texts], dtype=np.int64)
    starts = ends - np.array([len(text.encode()) for text in texts], np.int64)
    found = piece_code_points(np.frombuffer(data, np.uint8), starts, ends)
    assert found.tolist() == [len(text) for text in texts]


@given(st.lists(st.lists(st.integers(0, 99), max_size=4), max_size=4), st.sampled_from([np.uint16, np.uint32]))
def test_ids_are_joined_with_a_separator_between_texts(texts: list[list[int]], dtype: type[np.uint16]) -> None:
    ids = np.array([unit for text in texts for unit in text], dtype)
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    wanted = ",100,".join(",".join(map(str, text)) for text in texts)
    found = joined_ids(ids, offsets, 100)
    assert found.dtype == np.uint32
    assert found.tolist() == [int(unit) for unit in wanted.split(",") if unit]
