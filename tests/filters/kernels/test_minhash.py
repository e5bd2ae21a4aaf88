"""Signatures are those of datasketch and of RedPajama v2, and bands find near-duplicates as often as they should."""

import gzip
import hashlib
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.minhash import BLOCK, KERNELS, LANES, Scheme, band_keys, permutations, signatures
from filters.kernels.scans import Scans
from filters.kernels.shingles import Shingles, shingles
from filters.shingling import redpajama, shingles_of
from tests.filters.references.shingles import GREATEST, plain_signature, sharing_a_band
from tests.helpers import CORPUS

GOLD = CORPUS / "neardup_gold"
REDPAJAMA = CORPUS / "redpajama_v2_genuine_ccnet"

schemes = st.sampled_from(tuple(KERNELS))
hashes = st.integers(0, (1 << 64) - 1)
seeds = st.integers(0, (1 << 32) - 1)

DRAWN: dict[Scheme, tuple[list[int], list[int]]] = {
    "affine32": ([3582191691, 4270784983, 1892572953], [4005303368, 491263, 550290313]),
    "affine64": (
        [15385396165118722519, 8128538942144784529, 4219918138050323],
        [5577051506714156677, 2707168392203228096, 1703346441743126657],
    ),
    "legacy": (
        [775169054918279404, 2109959069025162, 401325382989534145],
        [1758426461858698312, 965365488286768773, 1703346441743126657],
    ),
}
"""The first numbers that datasketch 2.0.0 draws for seed 1 and three permutations."""


def shingles_with(values: list[list[int]]) -> Shingles:
    """Return shingles of texts that have these hashes."""
    first = np.cumsum([0, *map(len, values)], dtype=np.int64)
    return Shingles(first, np.array([number for text in values for number in text], np.uint64))


@given(st.lists(st.lists(hashes, max_size=70), min_size=1, max_size=4), schemes, st.integers(1, 20), seeds)
def test_signatures_are_the_least_values_of_the_plain_permutations(
    values: list[list[int]], scheme: Scheme, count: int, seed: int
) -> None:
    a, b = permutations(count, seed, scheme)
    found = signatures(shingles_with(values), a, b, scheme)
    assert found.tolist() == [plain_signature(text, a, b, scheme) for text in values]


@pytest.mark.parametrize("scheme", KERNELS)
@pytest.mark.parametrize("size", [LANES, LANES + 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 40])
def test_signatures_of_long_texts_take_every_shingle_in(scheme: Scheme, size: int) -> None:
    values = np.random.default_rng(size).integers(0, 1 << 64, size, np.uint64, endpoint=False).tolist()
    a, b = permutations(6, 1, scheme)
    for text in (values, values[::-1]):
        assert signatures(shingles_with([text]), a, b, scheme).tolist() == [plain_signature(text, a, b, scheme)]


@pytest.mark.parametrize("scheme", KERNELS)
def test_the_least_remainders_are_exact_at_the_edges(scheme: Scheme) -> None:
    edges = np.array([1, 2, (1 << 61) - 2, (1 << 61) - 1, (1 << 61), (1 << 64) - 1], np.uint64)
    a = edges.astype(np.uint32) if scheme == "affine32" else edges
    for value in (0, 1, (1 << 32) - 1, 1 << 32, (1 << 64) - 1):
        for b in (a, a[::-1].copy()):
            assert signatures(shingles_with([[value]]), a, b, scheme).tolist() == [
                plain_signature([value], a, b, scheme)
            ]


@pytest.mark.parametrize("scheme", KERNELS)
def test_permutations_are_drawn_as_datasketch_draws_them(scheme: Scheme) -> None:
    a, b = permutations(3, 1, scheme)
    assert (a.tolist(), b.tolist()) == DRAWN[scheme]


@given(st.lists(hashes, max_size=40), schemes, seeds)
def test_signatures_are_those_of_datasketch(values: list[int], scheme: Scheme, seed: int) -> None:
    datasketch = pytest.importorskip("datasketch")
    bits = (1 << 64) - 1 if scheme == "affine64" else (1 << 32) - 1
    peer = datasketch.MinHash(112, seed=seed, scheme=scheme, hashfunc=lambda value: value & bits)
    peer.update_batch(values)
    a, b = permutations(112, seed, scheme)
    assert [a.tolist(), b.tolist()] == peer.permutations.tolist()
    assert signatures(shingles_with([values]), a, b, scheme).tolist() == [peer.hashvalues.tolist()]


def sha1_shingles(text: str) -> list[int]:
    """Return the hashes that RedPajama v2 gives a text's shingles: none where it has fewer than 13 words."""
    words = redpajama(text).split()
    joined = {" ".join(shingle) for shingle in shingles_of(words, 13)} if len(words) >= 13 else set()
    return [int.from_bytes(hashlib.sha1(shingle.encode()).digest()[:4], "little") for shingle in joined]  # noqa: S324 - RedPajama's


def published(snapshot: str) -> list[dict[str, Any]]:
    """Return RedPajama's own signatures of a snapshot's documents."""
    rows: list[dict[str, Any]] = pq.read_table(
        REDPAJAMA / f"minhash/{snapshot}/0000/en_head.minhash.parquet"
    ).to_pylist()
    return rows


@pytest.mark.skipif(not REDPAJAMA.exists(), reason="needs the real corpus")
@pytest.mark.parametrize("snapshot", ["2020-16", "2023-06"])
def test_signatures_are_those_of_redpajama(snapshot: str) -> None:
    path = REDPAJAMA / f"documents/{snapshot}/0000/en_head.json.gz"
    texts = [json.loads(line)["raw_content"] for line in gzip.decompress(path.read_bytes()).splitlines()]
    found = signatures(shingles_with(list(map(sha1_shingles, texts))), *permutations(128, 42, "legacy"), "legacy")
    rows = published(snapshot)
    assert len(rows) == len(texts)
    for name, bands, size in (("0.7", 14, 9), ("0.8", 9, 13), ("0.9", 5, 25), ("1.0", 1, 128)):
        bytes_of = found[:, : bands * size].reshape(-1, bands, size).astype(">u4")
        assert [row[f"signature_sim{name}"] for row in rows] == [[band.tobytes() for band in text] for text in bytes_of]


def test_texts_without_shingles_have_the_greatest_numbers() -> None:
    for scheme in KERNELS:
        found = signatures(shingles_with([[], [5], []]), *permutations(4, 1, scheme), scheme)
        assert found[[0, 2]].tolist() == [[GREATEST[scheme]] * 4] * 2
        assert (found[1] < GREATEST[scheme]).all()


def test_no_texts_have_no_signatures_and_no_keys() -> None:
    found = signatures(shingles_with([]), *permutations(8, 1))
    assert found.shape == (0, 8)
    assert band_keys(found, 2, 4).shape == (0, 2)


@given(st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), min_size=1, max_size=8))
def test_keys_are_equal_where_bands_are(values: list[list[int]]) -> None:
    keys = band_keys(np.array(values, np.uint32), 3, 2)
    bands = {(band, *text[2 * band : 2 * band + 2]) for text in values for band in range(3)}
    known = {
        (band, *text[2 * band : 2 * band + 2]): key
        for text, row in zip(values, keys.tolist(), strict=True)
        for band, key in enumerate(row)
    }
    assert len(set(known.values())) == len(bands)
    again = [[known[band, *text[2 * band : 2 * band + 2]] for band in range(3)] for text in values]
    assert keys.tolist() == again


def test_stored_keys_are_those_of_this_version() -> None:
    numbers = [list(range(8))]
    assert band_keys(np.array(numbers, np.uint32), 2, 4).tolist() == [STORED]
    assert band_keys(np.array(numbers, np.uint64), 2, 4).tolist() == [STORED]


STORED = [15215069934297715355, 16547271891631582729]


@pytest.mark.parametrize(("bands", "rows"), [(0, 4), (2, 0), (3, 3), (-1, -8)])
def test_bands_that_a_signature_has_not_are_refused(bands: int, rows: int) -> None:
    with pytest.raises(ValueError, match="from signatures of 8 numbers"):
        band_keys(np.zeros((1, 8), np.uint32), bands, rows)


def test_a_signature_has_a_number() -> None:
    with pytest.raises(ValueError, match="at least one"):
        permutations(0, 1)


@pytest.mark.skipif(not GOLD.exists(), reason="needs the real corpus")
@pytest.mark.parametrize("scheme", KERNELS)
def test_bands_find_real_near_duplicates_as_often_as_the_curve_says(scheme: Scheme) -> None:
    with gzip.open(GOLD / "peps.docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {record["id"]: record["text"] for record in map(json.loads, lines)}
    pairs = [json.loads(line) for line in (GOLD / "peps.pairs.jsonl").read_text("utf-8").splitlines()]
    scans = Scans(pa.array(list(texts.values()), pa.large_string()))
    found = shingles(scans, "whitespace", 5, "word_characters")
    keys = dict(zip(texts, band_keys(signatures(found, *permutations(112, 1, scheme), scheme), 14, 8), strict=True))
    similar = [pair for pair in pairs if pair["jaccard_word5"] >= 0.8]
    met = sum(bool((keys[pair["a"]] == keys[pair["b"]]).any()) for pair in similar)
    expected = sum(sharing_a_band(pair["jaccard_word5"], 14, 8) for pair in similar)
    assert met >= 0.98 * len(similar)
    assert abs(met - expected) <= 0.01 * len(similar)
