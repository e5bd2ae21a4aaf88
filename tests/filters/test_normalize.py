import random
import sys
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import batch_of
from filters.normalize import LONG_RUN, Normalize, normalize_text
from tests.filters.real_texts import needs_corpus, real_texts

MARKS = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.combining(char)]


def edited(texts: list[str]) -> list[str]:
    outcome = Normalize()(batch_of(texts))
    assert outcome.text is not None
    assert outcome.text.type == pa.large_string()
    assert (outcome.rule, outcome.value, outcome.columns) == (None, None, {})
    result: list[str] = outcome.text.to_pylist()
    return result


def plainly(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


@given(st.lists(st.text() | st.text("\r\n e\u0301\u0323\u1112\u1161\u11ab\u2126")))
def test_any_text_is_in_form_nfc_with_lf_alone_and_stays_so(texts: list[str]) -> None:
    once = edited(texts)
    assert once == [plainly(text) for text in texts]
    assert edited(once) == once


@given(st.text())
def test_a_text_grows_to_three_times_its_bytes_at_most(text: str) -> None:
    assert len(normalize_text(text).encode()) <= 3 * len(text.encode())


def test_other_white_space_and_control_characters_are_left_alone() -> None:
    text = "\ufeff a \t\n\n\n\v\f\x85\u2028 b\0 \u200b\n "
    assert edited([text]) == [text]


def test_ascii_texts_are_handed_back_as_they_came() -> None:
    batch = batch_of(["a\n", ""])
    assert Normalize().edit(batch) is batch.text or Normalize().edit(batch).buffers() == batch.text.buffers()


def test_each_document_is_edited_for_itself() -> None:
    assert edited(["a\u0301", "plain", "b\r", "\u00e1", ""]) == ["\u00e1", "plain", "b\n", "\u00e1", ""]


def test_long_runs_of_combining_marks_come_out_as_unicodedata_has_them() -> None:
    chance = random.Random(7)
    for _ in range(200):
        starter = chance.choice(["", "e", "\u01d6", "\u1112\u1161"])
        members = MARKS + ["\U00010400", "\U0001f600"] * chance.choice([0, 0, 1, 10])
        text = starter + "".join(chance.choices(members, k=chance.randrange(LONG_RUN - 2, 4 * LONG_RUN))) + "x"
        assert normalize_text(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "text",
    ["a" + "\u0301\u0323" * 500_000, "\r" * 1_000_000, "e\u0301" * 1_000_000, "\u0958" * 500_000],
    ids=["a million marks in disorder", "a million CR", "a million pairs", "characters that only decompose"],
)
def test_a_hostile_text_is_edited(text: str) -> None:
    (new,) = edited([text])
    assert unicodedata.is_normalized("NFC", new)


@needs_corpus
def test_real_texts_are_edited_as_unicodedata_does() -> None:
    texts = list(real_texts())
    assert edited(texts) == [plainly(text) for text in texts]
