"""Units and their keys: the normal forms, the hash, the pieces and the spans, each against its plain definition."""

import re
import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.kernels.dedup_lines import piece_characters
from filters.kernels.scans import Scans
from filters.kernels.unicode import CLASSES
from filters.sentences import sentences
from pipelines.dedup.keys import CCNET_MARKS, NormalForm, normalize, piece_keys, text_hashes
from pipelines.dedup.units import PLACE, Unit, Units, units_of

ANY = st.text(st.characters(codec="utf-8"), max_size=40)
TEXTS = st.lists(ANY | st.text(" aB9Σς\n\t.«—\x1cİ9", max_size=30), max_size=6)
MASK = 2**64 - 1
SIGMA = "\u03c3"

CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
REMOVED = re.compile(f"[{re.escape(CCNET_MARKS + CONTROLS)}]")


def plain(text: str, form: NormalForm) -> str:
    """Return a normal form by the functions of the standard library."""
    if form == "none":
        return text
    lower = text.strip().lower().replace("ς", SIGMA)
    return lower if form == "lower" else REMOVED.sub("", re.sub(r"\d", "0", lower))


def turn(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & MASK


def spread(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ value >> 33


def murmur(data: bytes) -> tuple[int, int]:
    """Return MurmurHash3_x64_128 with seed 0: a last block filled with zeros adds what its bytes add."""
    one = two = 0
    whole = len(data) // 16 * 16
    for at in range(0, len(data), 16):
        first, second = struct.unpack("<QQ", data[at : at + 16].ljust(16, b"\0"))
        one ^= turn(first * 0x87C37B91114253D5 & MASK, 31) * 0x4CF5AD432745937F & MASK
        if at < whole:
            one = (turn(one, 27) + two) * 5 + 0x52DCE729 & MASK
        two ^= turn(second * 0x4CF5AD432745937F & MASK, 33) * 0x87C37B91114253D5 & MASK
        if at < whole:
            two = (turn(two, 31) + one) * 5 + 0x38495AB5 & MASK
    one, two = one ^ len(data), two ^ len(data)
    one = one + two & MASK
    two = two + one & MASK
    one, two = spread(one), spread(two)
    one = one + two & MASK
    return one, two + one & MASK


def keys(texts: list[str], form: NormalForm) -> list[tuple[int, int]]:
    scans = Scans(pa.array(["?", *texts], pa.large_string()).slice(1))
    high, low = piece_keys(scans.data, scans.offsets[:-1], scans.offsets[1:], form)
    return list(zip(high.tolist(), low.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "00000000000000000000000000000000"),
        ("hello", "cbd8a7b341bd9b025b1e906a48ae1d19"),
        ("The quick brown fox jumps over the lazy dog", "e34bbc7bbc071b6c7a433ca9c49a9347"),
    ],
)
def test_the_key_of_a_piece_is_its_published_hash(text: str, digest: str) -> None:
    ((high, low),) = keys([text], "none")
    assert f"{high:016x}{low:016x}" == digest


@given(
    TEXTS | st.lists(st.text("ab", min_size=14, max_size=50), max_size=4), st.sampled_from(["none", "lower", "ccnet"])
)
def test_the_key_of_a_piece_is_the_hash_of_its_normal_form_wherever_it_lies(texts: list[str], form: NormalForm) -> None:
    assert keys(texts, form) == [murmur(plain(text, form).encode()) for text in texts]


@given(TEXTS, st.sampled_from(["lower", "ccnet"]))
@example(["İİİİ"], "lower")
@example(["Ⱥ" * 9], "ccnet")
def test_a_text_is_normalized_as_the_plain_functions_do(texts: list[str], form: NormalForm) -> None:
    scans = Scans(pa.array(texts, pa.large_string()))
    data, offsets = normalize(scans.data, scans.offsets[:-1], scans.offsets[1:], form)
    found = [bytes(data[start:end]).decode() for start, end in pairwise(offsets)]
    assert found == [plain(text, form) for text in texts]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Page 12 of 99", "page 34 OF 10"), ("  «Read more»…", "Read more"), ("٣ items", "0 ITEMS"), ("a\x07b", "ab")],
)
def test_lines_that_ccnet_calls_the_same_meet(one: str, other: str) -> None:
    assert len(set(keys([one, other], "ccnet"))) == 1


@pytest.mark.parametrize(("one", "other"), [("Read more.", "Read more"), ("café", "cafe"), ("page 1", "page 11")])
def test_ascii_punctuation_accents_and_the_number_of_digits_tell_lines_apart(one: str, other: str) -> None:
    assert len(set(keys([one, other], "ccnet"))) == 2


@given(TEXTS, st.sampled_from(["lower", "ccnet"]))
def test_a_document_has_the_hash_of_its_normal_form(texts: list[str], form: NormalForm) -> None:
    normal = pa.array([plain(text, form) for text in texts], pa.large_string())
    whole = [half.to_pylist() for half in text_hashes(pa.array(texts, pa.large_string()), form)]
    assert whole == [half.to_pylist() for half in text_hashes(normal)]


@given(TEXTS)
def test_characters_are_code_points_and_blank_pieces_have_none(texts: list[str]) -> None:
    scans = Scans(pa.array(texts, pa.large_string()))
    counts = piece_characters(scans.data, scans.offsets[:-1], scans.offsets[1:], CLASSES)
    assert counts.tolist() == [len(text) if text.strip() else 0 for text in texts]


def pieces_of(text: str, unit: Unit) -> list[tuple[int, int]]:
    """Return where the pieces of a text begin and end, in characters."""
    lines = [(found.start(), found.end()) for found in re.finditer(r"[^\n]*(?:\n|$)", text)]
    lines = [(start, end - text[start:end].endswith("\n")) for start, end in lines]
    lines = lines[: text.count("\n") + 1]
    if unit == "line":
        return lines
    if unit == "three_sentences":
        spans, at = [], 0
        for sentence in sentences(text):
            at = text.index(sentence, at)
            spans.append((at, at + len(sentence)))
            at += len(sentence)
        return spans
    pieces: list[tuple[int, int]] = []
    for number, (start, end) in enumerate(lines):
        if not text[start:end].strip():
            continue
        goes_on = number and text[slice(*lines[number - 1])].strip()
        pieces[-1:] = [(pieces[-1][0], end)] if goes_on else [*pieces[-1:], (start, end)]
    return pieces


def expected(text: str, unit: Unit, min_length: int) -> list[tuple[int, str, tuple[int, ...]]]:
    """Return number, text and place of the units of a text."""
    pieces, width = pieces_of(text, unit), 3 if unit == "three_sentences" else 1
    sizes = [end - start if text[start:end].strip() else 0 for start, end in pieces]
    found = []
    for at in range(len(pieces) - width + 1):
        last = at + width - 1
        before = pieces[at - 1][1] if at else 0
        after = pieces[last + 1][0] if last + 1 < len(pieces) else len(text)
        places = [len(text[:place].encode()) for place in (before, pieces[last][1], after)]
        chars = [sum(sizes[:at]), sum(sizes[: last + 1]), sum(sizes)]
        own = "\0".join(text[slice(*piece)] for piece in pieces[at : last + 1])
        if chars[1] - chars[0] >= min_length:
            found.append((at, own, (*places, *chars)))
    return found


def rows(units: Units) -> list[tuple[int, int, tuple[int, ...]]]:
    places = [tuple(place) for place in units.place.tolist()]
    return list(zip(units.text.tolist(), units.number.tolist(), places, strict=True))


@given(
    st.lists(st.lists(st.sampled_from(["é b", "c.", "D? ", "\n", "\n", "", " "]), max_size=9).map("".join), max_size=5),
    st.sampled_from(["line", "paragraph", "three_sentences"]),
    st.integers(1, 4),
)
def test_units_are_the_pieces_that_are_not_blank_each_with_its_place(
    texts: list[str], unit: Unit, min_length: int
) -> None:
    array = pa.array(["\nx", *texts], pa.large_string()).slice(1)
    units = units_of(array, unit, "none", min_length)
    found = [(text, *each) for text, value in enumerate(texts) for each in expected(value, unit, min_length)]
    assert rows(units) == [(text, number, place) for text, number, _, place in found]
    pairs = zip(units.high.tolist(), units.low.tolist(), strict=True)
    assert len({pair: own for pair, (_, _, own, _) in zip(pairs, found, strict=True)}) == len(
        {own for _, _, own, _ in found}
    )


def test_a_unit_with_nothing_to_compare_is_none() -> None:
    texts = pa.array(["———\na\n»\t"], pa.large_string())
    assert rows(units_of(texts, "line", "ccnet", 1)) == [(0, 1, (9, 11, 12, 3, 4, 6))]


@pytest.mark.parametrize("unit", ["line", "paragraph", "three_sentences"])
@pytest.mark.parametrize("texts", [[], [""], ["\n\n"], [" "]])
def test_texts_without_units_have_none(unit: Any, texts: list[str]) -> None:  # noqa: ANN401 - of a parameter
    units = units_of(pa.array(texts, pa.large_string()), unit, "lower", 1)
    assert units.place.shape == (0, len(PLACE))
    assert len(units.high) == len(units.low) == 0


def test_the_first_window_of_sentences_begins_the_text_and_the_last_ends_it() -> None:
    units = units_of(pa.array(["A b. C d. E f. G h."], pa.large_string()), "three_sentences", "none", 1)
    assert units.place[:, :3].tolist() == [[0, 14, 15], [4, 19, 19]]
    assert np.array_equal(units.number, [0, 1])
