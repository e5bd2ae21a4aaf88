"""Marks of tokens are those of a walk over every byte, for any vocabulary and any tokens, right or wrong."""

from itertools import takewhile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.spelling import mark_tokens

Document = tuple[list[int], list[int]]

VOCABULARY = [b"", b"a", b"ab", b" ", b" a", b"\xc3", b"\xa9", b"b\xc3\xa9", b"\x00\xff"]

documents = st.lists(
    st.tuples(st.lists(st.integers(0, len(VOCABULARY) - 1), max_size=8), st.lists(st.integers(0, 1), max_size=12)),
    max_size=5,
)
change = st.sampled_from(["", "blank", "byte", "short", "long"])


def text_of(tokens: list[int], changed: str) -> bytes:
    """Return what tokens spell, changed: without its first blank, or otherwise than they spell it."""
    whole = b"".join(VOCABULARY[token] for token in tokens)
    if changed == "blank":
        return whole.removeprefix(b" ")
    if changed == "byte" and whole:
        return bytes([whole[0] ^ 1]) + whole[1:]
    return {"short": whole[2:], "long": whole + b"a"}.get(changed, whole)


def walked(text: bytes, tokens: list[int], inside: list[int]) -> list[int] | None:
    """Return the marks of tokens by a walk over their bytes; None where they do not spell the text."""
    whole = b"".join(VOCABULARY[token] for token in tokens)
    if whole not in {text, b" " + text}:
        return None
    depth = [0] * (len(whole) - len(text)) + (inside + [0] * len(text))[: len(text)]
    marks: list[int] = []
    for token in tokens:
        size = len(VOCABULARY[token])
        held, depth = depth[:size], depth[size:]
        marks.append(int(any(held)) if size else marks[-1] if marks else 0)
    return marks


def marked(
    held: list[tuple[bytes, list[int], list[int]]],
    dtype: str,
    between: tuple[list[int], list[list[int]]] = ([], []),
) -> tuple[list[int], int]:
    data = np.frombuffer(b"".join(text for text, _, _ in held), np.uint8)
    offsets = np.cumsum([0, *(len(text) for text, _, _ in held)], dtype=np.int64)
    growth = [np.diff((inside + [0] * len(text))[: len(text)], prepend=0, append=0) for text, _, inside in held]
    where = [np.flatnonzero(each) + start for each, start in zip(growth, offsets, strict=False)]
    steps = [each[each != 0] for each in growth]
    first = np.cumsum([0, *map(len, where)], dtype=np.int64)
    bounds = np.cumsum([0, *(len(tokens) for _, tokens, _ in held)], dtype=np.int64)
    ids = np.array([token for _, tokens, _ in held for token in tokens], dtype)
    letters = np.frombuffer(b"".join(VOCABULARY), np.uint8)
    places = np.cumsum([0, *map(len, VOCABULARY)], dtype=np.int64)
    marks = np.full(len(ids), 9, np.uint8)
    empty = np.zeros(0, np.int64)
    ends = np.concatenate([empty, *where]), np.concatenate([empty, *steps]).astype(np.int8), first
    tokens = np.array(between[0], np.int64)
    borders = tokens, np.array(between[1], np.int64).reshape(-1, 4), np.searchsorted(tokens, bounds)
    unspelt = mark_tokens((data, offsets), ends, (ids, bounds, marks), (letters, places), borders)
    return marks.tolist(), unspelt


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
@given(documents, st.lists(change, min_size=5, max_size=5))
def test_tokens_are_marked_as_a_walk_marks_them(dtype: str, drawn: list[Document], changes: list[str]) -> None:
    held = [(text_of(tokens, how), tokens, inside) for (tokens, inside), how in zip(drawn, changes, strict=False)]
    expected = [walked(*each) for each in held]
    marks, unspelt = marked(held, dtype)
    assert unspelt == expected.count(None)
    zeros = ([0] * len(tokens) for _, tokens, _ in held)
    assert marks == [
        each for found, none in zip(expected, zeros, strict=True) for each in (none if found is None else found)
    ]


borders = st.tuples(
    *[st.sampled_from([b"", b" ", b"\n"]), st.sampled_from([b"<x>", b"a"]), st.sampled_from([b"", b" "])]
)
parts = st.tuples(st.lists(st.integers(0, len(VOCABULARY) - 1), max_size=5), change)


@given(parts, st.lists(st.tuples(borders, parts), max_size=4), st.lists(st.integers(0, 1), max_size=30))
def test_a_border_stands_for_its_stretch_and_what_is_between_is_spelt_apart(
    first: tuple[list[int], str],
    rest: list[tuple[tuple[bytes, bytes, bytes], tuple[list[int], str]]],
    inside: list[int],
) -> None:
    text, expected = text_of(*first), walked(text_of(*first), first[0], inside)
    ids, tokens, places = [*first[0]], list[int](), list[list[int]]()
    for (gap, name, other), (held, changed) in rest:
        at, begin = len(text), len(text) + len(gap)
        behind, part = begin + len(name), text_of(held, changed)
        places.append([at, begin, behind, behind + len(other)])
        tokens.append(len(ids))
        text += gap + name + other
        border = int(any(inside[begin:behind]))
        found = walked(part, [0, *held], inside[len(text) :])
        leading = list(takewhile(lambda token: not VOCABULARY[token], held))
        if expected is not None and found is not None:
            expected += [border, *[border] * len(leading), *found[1 + len(leading) :]]
        else:
            expected = None
        text, ids = text + part, [*ids, 8, *held]
    marks, unspelt = marked([(text, ids, inside)], "uint16", (tokens, places))
    assert (marks, unspelt) == (([0] * len(ids), 1) if expected is None else (expected, 0))


def test_a_text_that_is_not_spelt_leaves_the_next_one_alone() -> None:
    held = [(b"abab", [2, 1], [1, 1, 1, 1]), (b"ab", [2], [0, 1]), (b"ba", [2], [1, 1]), (b"a", [4], [1])]
    assert marked(held, "uint16") == ([0, 0, 1, 0, 1], 2)


def test_many_spans_over_one_long_text_are_walked_over_once() -> None:
    tokens, size = [2] * 500_000, 1_000_000
    depth = [number % 7 % 2 for number in range(size)]
    marks, unspelt = marked([(b"ab" * 500_000, tokens, depth)], "uint32")
    assert unspelt == 0
    assert marks == [int(depth[at] or depth[at + 1]) for at in range(0, size, 2)]
