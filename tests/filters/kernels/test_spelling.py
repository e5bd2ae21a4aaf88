"""Marks of tokens are those of a walk over every byte, for any vocabulary and any tokens, right or wrong."""

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


def marked(held: list[tuple[bytes, list[int], list[int]]], dtype: str) -> tuple[list[int], int]:
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
    unspelt = mark_tokens((data, offsets), ends, (ids, bounds, marks), (letters, places))
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


def test_a_text_that_is_not_spelt_leaves_the_next_one_alone() -> None:
    held = [(b"abab", [2, 1], [1, 1, 1, 1]), (b"ab", [2], [0, 1]), (b"ba", [2], [1, 1]), (b"a", [4], [1])]
    assert marked(held, "uint16") == ([0, 0, 1, 0, 1], 2)


def test_many_spans_over_one_long_text_are_walked_over_once() -> None:
    tokens, size = [2] * 500_000, 1_000_000
    depth = [number % 7 % 2 for number in range(size)]
    marks, unspelt = marked([(b"ab" * 500_000, tokens, depth)], "uint32")
    assert unspelt == 0
    assert marks == [int(depth[at] or depth[at + 1]) for at in range(0, size, 2)]
