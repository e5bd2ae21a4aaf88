"""Normalized words: their hashes tell forms apart as strings do; the stored table is what Python 3.11 says."""

import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.kernels import make_normalized, normalized
from filters.kernels.normalized import Normalized, find_normalized
from filters.kernels.scans import Scans
from tests.filters.references.redpajama import normalize

STORED = np.load(Path(normalized.__file__).with_name("normalized.npz"))
CHANGED = [chr(code) for code in STORED["codes"].tolist()]
MARKS = [chr(code) for code in (*range(0x300, 0x370), 0x5B0, 0x64B, 0xE38, 0x1DC0, 0x20D0, 0x302A, 0x3099)]

words_of_marks = st.lists(st.sampled_from([*MARKS, "a", "\u00e9", "\uac01", "'", "\u03a3"])).map("".join)
words_of_changed = st.lists(st.sampled_from([*CHANGED, "b", "B", "-"]), max_size=12).map("".join)
ascii_words = st.text(st.sampled_from("abcdefgXYZ,.1\0_"), max_size=20)
texts = st.lists(st.one_of(words_of_marks, words_of_changed, ascii_words, st.text(max_size=8))).map(" ".join)


def found_in(text: str) -> Normalized:
    scans = Scans(pa.array([text], pa.large_string()))
    return find_normalized(scans.data, scans.offsets)


@given(texts)
@example("abcdefg abcdefgh ABCDEFG, abcdef.g a-b-c-d-e-f-g abc\u00e9 abce\u0301")
@example("a\u0323\u0307 a\u0307\u0323 a\u0307'\u0323 \u1ea1\u0307 \u0227\u0323 \u0307\u0323 \u0323\u0307")
@example("\u039f\u03a3 \u03bf\u03c2 \u03a3 \u03c3 \u039f\u03a3\u0301 \u039f'\u03a3'\u039f")
def test_words_have_the_same_hash_if_and_only_if_their_forms_are_equal(text: str) -> None:
    expected = normalize(text).split()
    found = found_in(text)
    assert found.chars.tolist() == list(map(len, expected))
    numbers = dict(zip(expected, found.hashes.tolist(), strict=True))
    assert found.hashes.tolist() == [numbers[word] for word in expected]
    assert len(set(numbers.values())) == len(numbers)


def test_every_character_that_changes_has_the_form_that_python_gives_it() -> None:
    text = " ".join(f"{char} a{char} {unicodedata.normalize('NFD', char.lower())}" for char in CHANGED)
    expected, found = normalize(text).split(), found_in(text)
    assert found.chars.tolist() == list(map(len, expected))
    assert len(set(found.hashes.tolist())) == len(set(expected))


@pytest.mark.parametrize("last", ["a", "\u0301", " "])
def test_a_row_of_many_marks_is_hashed_in_one_go(last: str) -> None:
    row = "\u0301\u0323" * 50_000
    sorted_row = "\u0323" * 50_000 + "\u0301" * 50_000
    found = found_in(f"a{row}{last} a{sorted_row}{last}")
    assert len(set(found.hashes.tolist())) == 1


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="the table is made from Unicode 14.0")
def test_the_stored_table_is_what_its_maker_makes() -> None:
    made = make_normalized.tables()
    assert {name: STORED[name].tolist() for name in STORED} == {name: array.tolist() for name, array in made.items()}
