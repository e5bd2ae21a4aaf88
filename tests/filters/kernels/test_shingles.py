"""Shingles that kernels find are those of the plain definitions."""

import gzip
import json
import unicodedata
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from datatrove.utils.text import simplify_text
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.normalizing import normalized_scans
from filters.kernels.scans import Scans, WordDefinition
from filters.kernels.shingles import CROWDED, VERSION, Shingles, shingles, word_runs
from filters.kernels.unicode import CLASSES
from filters.redpajama_words import normalize
from filters.shingling import NORMALIZATIONS, Normalization, datatrove, redpajama, shingles_of
from filters.words import words
from tests.filters.kernels.texts import arbitrary, odd, repeating
from tests.filters.references.shingles import hash_shingle, jaccard, plain_shingles
from tests.helpers import CORPUS

GOLD = CORPUS / "neardup_gold"

CHANGING = (
    *("\u03a3", "A\u03a3", "\u0130", "\u212a", "\u1e9b\u0323", "\u01c5", "\u0344", "\u0f73", "\ud55c", "\u1100\u1161"),
    *("1,234.5", "1.2.3", "\u0661\u066b\u0662", "\uff11", "5,", "\u060c7", "\u302e", "\U0001d165", "\u0958", "\u037e"),
    *("\u0301", "\u0323\u0301", "e\u0301", "\xc9", "Don't", "_", " ", "\n", "\x1c", "\r", "\u2029", "Z", "\u3001"),
)
"""Characters that a normalization changes, alone or among others."""

VARIED = (
    range(0x3400),
    range(0xA4D0, 0xAC20),
    range(0xF8F0, 0x11400),
    range(0x1D000, 0x1FB00),
    range(0xE0000, 0xE0100),
)
"""Code points that are not all alike, as ideographs, syllables and those for private use are."""

changing = st.lists(st.sampled_from(CHANGING), max_size=30).map("".join)
definitions = st.sampled_from(("whitespace", "uax29"))
normalizations = st.sampled_from(tuple(NORMALIZATIONS))


def is_assigned(char: str) -> bool:
    """Whether Unicode 14.0 assigns a character, or the running Python's does not either."""
    return bool(CLASSES[ord(char)]) or unicodedata.category(char)[0] == "C"


def only(text: str, keep: Callable[[str], bool]) -> str:
    return "".join(filter(keep, text))


all_texts = st.one_of(arbitrary, odd, repeating, changing).map(lambda text: only(text, is_assigned))
batches = st.lists(all_texts, min_size=1, max_size=5)


def for_oracle(values: list[str], definition: WordDefinition) -> list[str]:
    """Return texts without what the oracle of UAX #29 takes otherwise: newer characters, and U+200B."""
    if definition == "whitespace":
        return values
    return [only(text, lambda char: bool(CLASSES[ord(char)])) for text in values]


def scans_of(values: list[str]) -> Scans:
    return Scans(pa.array(values, pa.large_string()))


def each(found: Shingles) -> list[list[int]]:
    return [part.tolist() for part in np.split(found.hashes, found.first[1:-1])]


@given(batches, definitions, st.integers(1, 14), normalizations)
def test_shingles_are_the_sorted_hashes_of_the_plain_ones(
    values: list[str], definition: WordDefinition, n: int, normalization: Normalization
) -> None:
    values = for_oracle(values, definition)
    if (normalization, definition) == ("redpajama", "whitespace"):
        normalization = "none"  # its words are hashed otherwise: the next test
    found = shingles(scans_of(values), definition, n, normalization)
    plain = [plain_shingles(text, definition, n, normalization) for text in values]
    assert each(found) == [sorted({hash_shingle(shingle) for shingle in text}) for text in plain]


@given(batches, definitions, st.integers(1, 14), normalizations)
def test_shingles_are_the_different_ones_of_all_runs(
    values: list[str], definition: WordDefinition, n: int, normalization: Normalization
) -> None:
    if (normalization, definition) == ("redpajama", "whitespace"):
        normalization = "none"  # its words are found otherwise
    runs, found = (kind(scans_of(values), definition, n, normalization) for kind in (word_runs, shingles))
    assert each(found) == [sorted(set(text)) for text in each(runs)]
    words = np.diff(normalized_scans(scans_of(values), normalization).words(definition).first)
    assert runs.counts.tolist() == np.where(words, np.maximum(words - n + 1, 1), 0).tolist()


@given(batches, definitions, st.integers(1, 6), normalizations)
def test_texts_share_as_many_hashes_as_shingles(
    values: list[str], definition: WordDefinition, n: int, normalization: Normalization
) -> None:
    values = for_oracle([*values, "".join(values), " ".join(values)], definition)
    hashes = [set(text) for text in each(shingles(scans_of(values), definition, n, normalization))]
    plain = [plain_shingles(text, definition, n, normalization) for text in values]
    assert list(map(len, hashes)) == list(map(len, plain))
    for left, right in combinations(range(len(values)), 2):
        assert len(hashes[left] & hashes[right]) == len(plain[left] & plain[right])


@given(batches, normalizations)
def test_normalized_texts_differ_from_the_plain_ones_in_white_space_only(
    values: list[str], normalization: Normalization
) -> None:
    found = normalized_scans(scans_of(values), normalization).text.to_pylist()
    plain = [NORMALIZATIONS[normalization](text) for text in values]
    assert [words(text) for text in found] == [words(text) for text in plain]


@pytest.mark.parametrize("normalization", [name for name in NORMALIZATIONS if name != "none"])
def test_every_character_is_normalized_as_by_itself(normalization: Normalization) -> None:
    values = [f"a{chr(code)}1{chr(code)} " for part in VARIED for code in part]
    values = [text for text in values if is_assigned(text[1])]
    found = normalized_scans(scans_of(values), normalization).text.to_pylist()
    wrong = [
        text
        for text, new in zip(values, found, strict=True)
        if words(new) != words(NORMALIZATIONS[normalization](text))
    ]
    assert not wrong


@given(batches, normalizations, st.integers(1, 5))
def test_where_a_text_lies_changes_nothing(values: list[str], normalization: Normalization, n: int) -> None:
    whole = pa.array(["before it", *values, "behind it"], pa.large_string())
    part = Scans(whole.slice(1, len(values)))
    alone = [shingles(scans_of([text]), "whitespace", n, normalization).hashes.tolist() for text in values]
    assert each(shingles(part, "whitespace", n, normalization)) == alone


@given(batches)
def test_datatrove_is_what_datatrove_does(values: list[str]) -> None:
    values = [only(text, lambda char: unicodedata.category(char) != "Cn") for text in values]  # it has newer digits
    assert [datatrove(text) for text in values] == [simplify_text(text) for text in values]


@given(batches)
def test_redpajama_is_what_the_words_of_redpajama_are_normalized_by(values: list[str]) -> None:
    assert [redpajama(text) for text in values] == [normalize(text) for text in values]


@pytest.mark.parametrize("size", [1, 2, 31, 300, 5000])
def test_shingles_that_repeat_are_sorted_however_crowded_they_are(size: int) -> None:
    text = " ".join(f"w{number % size}" for number in range(size * (CROWDED + 20)))
    found = shingles(scans_of([text, text[:100]]), "whitespace", 3)
    expected = sorted(map(hash_shingle, shingles_of(text.split(), 3)))
    assert each(found)[0] == expected
    assert len(expected) == size


def test_short_texts_have_one_shingle_and_texts_without_words_have_none() -> None:
    found = shingles(scans_of(["", "a b", " \n", "a b c d e", "b a", "a b"]), "whitespace", 5)
    assert found.counts.tolist() == [0, 1, 0, 1, 1, 1]
    assert len(set(found.hashes.tolist())) == 3
    assert found.hashes[0] == found.hashes[3]


def test_no_texts_have_no_shingles() -> None:
    found = shingles(scans_of([]), "whitespace", 5, "datatrove")
    assert found.first.tolist() == [0]
    assert len(found.hashes) == 0


def test_a_shingle_has_a_word() -> None:
    with pytest.raises(ValueError, match="n is 0"):
        shingles(scans_of(["a"]), "whitespace", 0)


def test_stored_hashes_are_those_of_this_version() -> None:
    text = "one two three four five six, and a longerthaneightbytes word: \u00c9ric"
    scans = scans_of([text])
    found: dict[str, Shingles] = {name: shingles(scans, "uax29", 5, name) for name in NORMALIZATIONS}
    found["words of redpajama"] = shingles(scans, "whitespace", 5, "redpajama")
    stored = {name: int(np.bitwise_xor.reduce(each_one.hashes)) for name, each_one in found.items()}
    assert (VERSION, stored) == (1, STORED)


STORED = {
    "none": 9356542122824926069,
    "lower": 8981083606973433614,
    "word_characters": 8981083606973433614,
    "datatrove": 7498367761852508817,
    "redpajama": 1343927426727947384,
    "slimpajama": 8981083606973433614,
    "words of redpajama": 5518799886874221469,
}


@pytest.mark.skipif(not GOLD.exists(), reason="needs the real corpus")
def test_the_similarity_of_real_pairs_is_the_one_that_was_published() -> None:
    with gzip.open(GOLD / "peps.docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {record["id"]: record["text"] for record in map(json.loads, lines)}
    pairs = [json.loads(line) for line in (GOLD / "peps.pairs.jsonl").read_text("utf-8").splitlines()]
    found = shingles(scans_of(list(texts.values())), "whitespace", 5, "word_characters")
    hashes = dict(zip(texts, map(set, each(found)), strict=True))
    similar = [round(jaccard(hashes[pair["a"]], hashes[pair["b"]]), 4) for pair in pairs]
    assert len(pairs) == 612
    assert similar == [pair["jaccard_word5"] for pair in pairs]
