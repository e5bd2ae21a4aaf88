"""Where words end: the machines beside the regular expressions, as the tokenizers' libraries read them."""

import itertools
import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from filters.kernels.compiled import kernel
from filters.kernels.make_pretokens import CLASSES, classes, runs_of
from filters.kernels.pretokens import (
    CL100K,
    GPT2,
    MARKED,
    NEWLINE,
    Known,
    code_classes,
    link_bits,
    word_end,
)
from pipelines.tokens import patterns
from tests.filters.real_texts import needs_corpus, real_texts

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

MACHINES = {GPT2: patterns.GPT2, CL100K: patterns.CL100K}
ODD = (
    "aZs\u017f'tTmMdDrReEvVlL 1\u0663\u00bd\u2460\n\r\t\u0085\u00a0\u3000\u1680"
    "-.\u00e9\u0301\u4e2d\u0e01\u2581\0\U0001f600"
)

any_text = st.text() | st.text(ODD) | st.text(ODD, min_size=60, max_size=200)


@kernel
def ends(machine: int, data: U8, stop: int, known: Known, found: I64) -> int:
    """Write where each word ends; return how many there are."""
    at, count = 0, 0
    while at < stop:
        at = word_end(machine, data, at, stop, known)
        found[count] = at
        count += 1
    return count


KNOWN: Known = (code_classes(), np.zeros(1, np.uint64))


def words_of(machine: int, text: str, known: Known = KNOWN, behind: bytes = b"letters go on 123") -> list[str]:
    """Return the words of a text; what stands behind it must not matter."""
    raw = text.encode()
    found = np.empty(len(raw), np.int64)
    data = np.frombuffer(raw + behind + bytes(64), np.uint8)
    bounds = [0, *found[: ends(machine, data, len(raw), known, found)].tolist()]
    return [raw[start:end].decode() for start, end in itertools.pairwise(bounds)]


def by_regex(machine: int, text: str) -> list[str]:
    return [word for word, _ in Split(Regex(MACHINES[machine]), "isolated").pre_tokenize_str(text)]


@pytest.mark.parametrize("machine", MACHINES)
@given(text=any_text)
def test_words_are_those_of_the_regular_expression(machine: int, text: str) -> None:
    assert words_of(machine, text) == by_regex(machine, text)


@needs_corpus
@pytest.mark.parametrize("machine", MACHINES)
def test_words_of_real_documents_are_those_of_the_regular_expression(machine: int) -> None:
    for text in real_texts(200):
        assert words_of(machine, text) == by_regex(machine, text)


def test_classes_are_those_of_tiktoken_and_of_tokenizers() -> None:
    held = code_classes()
    assert (held == classes()).all()
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for pattern, kind in CLASSES.items():
        found = {code for code in codes if held[code] == kind or (pattern == r"\s" and held[code] == NEWLINE)}
        pieces = Split(Regex(f"{pattern}+"), "removed", invert=True).pre_tokenize_str("".join(map(chr, codes)))
        assert {ord(char) for piece, _ in pieces for char in piece} == found


def test_the_table_is_its_runs() -> None:
    table = np.array([0, 0, 1, 1, 2, 0], np.uint8)
    assert runs_of(table).tolist() == [0, 2 << 3 | 1, 4 << 3 | 2, 5 << 3]


def linked(pieces: list[str]) -> Known:
    """Return what is known where these pieces are all that merges."""
    pairs = [(ord(left), ord(right)) for piece in pieces for left, right in itertools.pairwise(piece)]
    left, right = (np.array([pair[side] for pair in pairs], np.uint32) for side in (0, 1))
    return np.zeros(1, np.uint8), link_bits(left, right)


@given(st.lists(st.text(ODD + " ", min_size=2, max_size=4), max_size=9), any_text)
def test_no_piece_spans_the_end_of_a_word_of_sentencepiece(pieces: list[str], text: str) -> None:
    pieces = [piece.replace(" ", "\u2581") for piece in pieces if "\u2581" not in piece[1:].replace(" ", "\u2581")]
    words = words_of(MARKED, text, linked(pieces))
    assert "".join(words) == text
    marked = [word.replace(" ", "\u2581") for word in words]
    for left, right in itertools.pairwise(marked):
        assert right[0] == "\u2581" or not any(left[-1] + right[0] in piece for piece in pieces)
    assert all("\u2581" not in word.lstrip("\u2581") for word in marked)


def test_words_of_sentencepiece_begin_with_spaces_and_end_where_nothing_merges() -> None:
    known = linked(["\u2581mi", "\u2581o", "he", "\u4e2d\u6587"])
    text = "the  mill\u2581of \u4e2d\u6587\u5b57 x"
    assert words_of(MARKED, text, known) == ["the", "  mill", "\u2581of", " ", "\u4e2d\u6587", "\u5b57", " ", "x"]
    signs = linked(["\u2581mi", "\u2581(", ").", "20"])
    assert words_of(MARKED, " (mill). 204a", signs) == [" (", "mill", ").", " ", "20", "4", "a"]


@pytest.mark.parametrize("machine", [*MACHINES, MARKED])
@pytest.mark.parametrize(
    "text", [" " * 1000, "a" * 1000, "\n" * 999, "1" * 999, "\u4e2d" * 500, "'" * 500, "\u0301" * 70]
)
def test_runs_of_one_character_are_cut_as_well(machine: int, text: str) -> None:
    words = words_of(machine, text, (KNOWN[0], linked([])[1]))
    assert "".join(words) == text
    if machine in MACHINES:
        assert words == by_regex(machine, text)
    assert json.dumps(words)
