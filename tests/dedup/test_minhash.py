"""Near duplicates in whole builds: who stays, by which measure, and that nothing but the documents decides it."""

import gzip
import json
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from filters.batch import batch_of
from filters.shingling import shingles_of, word_characters
from filters.words import words
from pipelines.dedup.minhash import DedupMinhash
from pipelines.engine.exchange import Rows
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from tests.helpers import CORPUS, build_here, lines_source, verdicts, write_lines

GOLD = CORPUS / "neardup_gold"
WORDS = [f"{first}{second}" for first in "abcdefghijklmnop" for second in "aeiouy"]

Verdict = dict[str, Any]


def manifest(folder: Path, **options: object) -> dict[str, Any]:
    stage = {"dedup_minhash": {"max_loss": 1, **options}}
    return {"name": "near", "seed": 3, "sources": {"web": lines_source(folder)}, "stages": [stage]}


def built(folder: Path, texts: list[str], *, settings: Settings | None = None, **options: object) -> list[Verdict]:
    """Build these texts, a file for every fifty of them; return their verdicts, by id."""
    for first in range(0, len(texts), 50):
        records = [
            {"id": f"{number:06}", "text": texts[number]} for number in range(first, min(first + 50, len(texts)))
        ]
        write_lines(folder / "in" / f"{first:06}.jsonl", records)
    build_here(manifest(folder / "in", **options), folder / "out", settings)
    return sorted(verdicts(folder / "out").to_pylist(), key=lambda verdict: str(verdict["id"]))


def fell(found: list[Verdict]) -> list[bool]:
    return [verdict["fate"] == "duplicate" for verdict in found]


def prose(chance: Random, count: int) -> list[str]:
    return [chance.choice(WORDS) for _ in range(count)]


def changed(chance: Random, text: list[str], share: float) -> list[str]:
    return [chance.choice(WORDS) if chance.random() < share else word for word in text]


def families(seed: int, count: int) -> list[str]:
    """Return documents of which some are copies of others with a few words changed."""
    chance = Random(seed)
    texts: list[list[str]] = []
    for _ in range(count):
        if texts and chance.random() < 0.6:
            texts.append(changed(chance, chance.choice(texts), chance.choice([0, 0.005, 0.02, 0.05])))
        else:
            texts.append(prose(chance, chance.randrange(20, 200)))
    return [" ".join(text) for text in texts]


def jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other)


def plain_survivors(texts: list[str], stage: DedupMinhash) -> list[int]:
    """Return who stays for each text, by the rule written out: bands, components, and then every pair."""
    bands = stage.measure(batch_of(texts))["minhash_bands"].to_pylist()
    holders = defaultdict(list)
    for place, keys in enumerate(bands):
        for key in keys:
            holders[key].append(place)
    pairs = np.array([pair for held in holders.values() for pair in combinations(held, 2)], np.int64).reshape(-1, 2)
    edges = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(texts), len(texts)))
    component = connected_components(edges, directed=False)[1]
    shingles = [shingles_of(words(text), stage.ngram) for text in texts]
    survivors: list[int] = []
    kept = []
    for place, own in enumerate(shingles):
        near = [(jaccard(own, shingles[other]), -other) for other in survivors if component[other] == component[place]]
        similarity, other = max(near, default=(0.0, 0))
        alike = np.float32(similarity) >= np.float32(stage.jaccard)
        kept.append(-other if alike else place)
        survivors += [] if alike else [place]
    return kept


@pytest.mark.parametrize("seed", range(3))
def test_survivors_are_those_of_brute_force(tmp_path: Path, seed: int) -> None:
    texts = families(seed, 240)
    found = built(tmp_path, texts)
    expected = plain_survivors(texts, DedupMinhash())
    uids = [verdict["uid"] for verdict in found]
    assert fell(found) == [kept != place for place, kept in enumerate(expected)]
    assert [verdict["kept_uid"] for verdict in found if verdict["fate"] == "duplicate"] == [
        uids[kept] for place, kept in enumerate(expected) if kept != place
    ]
    assert any(fell(found))


def test_the_ledger_says_how_alike_a_duplicate_is_and_how_many_there_are(tmp_path: Path) -> None:
    text = prose(Random(1), 100)
    near = [*text[:99], "other"]
    first, second, third = built(
        tmp_path, [" ".join(text), " ".join(near), "quite another document than these two are"]
    )
    assert second["kept_uid"] == first["uid"]
    assert second["rule"] == "near_duplicate"
    assert second["similarity"] == np.float32(95 / 97)
    assert [each["cluster_size"] for each in (first, second, third)] == [2, 2, None]
    signals = [pq.read_schema(path) for path in (tmp_path / "out" / "ledger" / "signals").rglob("*.parquet")]
    assert not any("minhash_bands" in schema.names for schema in signals)


@pytest.mark.parametrize(
    "resources",
    [
        Resources(partitions=1),
        Resources(partitions=7, spill_bytes=2_000),
        Resources(partitions=3, reverse=True, workers=2),
    ],
)
def test_neither_partitions_nor_buffers_nor_order_change_who_stays(tmp_path: Path, resources: Resources) -> None:
    texts = families(5, 200)
    usual = built(tmp_path / "usual", texts)
    other = built(tmp_path / "other", texts, settings=Settings(address="none", resources=resources))
    assert other == usual


def test_a_second_build_runs_nothing_again(tmp_path: Path) -> None:
    built(tmp_path, families(6, 60))
    before = (tmp_path / "out" / "runs.jsonl").read_text().count('"event":"task"')
    build_here(manifest(tmp_path / "in"), tmp_path / "out")
    assert (tmp_path / "out" / "runs.jsonl").read_text().count('"event":"task"') == before


def test_fillings_of_one_template_all_stay(tmp_path: Path) -> None:
    chance = Random(2)
    template = prose(chance, 60)
    texts = [" ".join([*template, *prose(chance, 50)]) for _ in range(2_000)]
    assert not any(fell(built(tmp_path, texts, bands=28, rows=4)))


def test_a_book_that_shares_a_licence_with_others_stays(tmp_path: Path) -> None:
    chance = Random(3)
    licence = prose(chance, 120)
    texts = [" ".join([*licence, *prose(chance, chance.randrange(5, 20))]) for _ in range(1_000)]
    book = " ".join([*prose(chance, 5_000), *licence])
    found = built(tmp_path, [*texts, book])
    assert found[-1]["fate"] == "unused"
    assert sum(fell(found)) > 500


def test_without_verification_one_of_each_component_stays_and_nothing_is_said_to_be_alike(tmp_path: Path) -> None:
    texts = families(7, 200)
    found = built(tmp_path, texts, verify=False)
    assert sum(fell(found)) >= sum(kept != place for place, kept in enumerate(plain_survivors(texts, DedupMinhash())))
    assert {verdict["similarity"] for verdict in found} == {None}
    assert any(fell(found))


def test_documents_of_different_scopes_are_not_compared(tmp_path: Path) -> None:
    text = " ".join(prose(Random(4), 80))
    records = [{"id": str(number), "text": text, "lang": language} for number, language in enumerate("aabb")]
    write_lines(tmp_path / "in" / "0.jsonl", records)
    wanted = manifest(tmp_path / "in", scope=["lang"])
    wanted["sources"]["web"]["fields"] = ["lang"]
    build_here(wanted, tmp_path / "out")
    assert fell(verdicts(tmp_path / "out").to_pylist()) == [False, True, False, True]


def test_a_scope_of_documents_forms_buckets_of_about_so_many(tmp_path: Path) -> None:
    text = " ".join(prose(Random(5), 80))
    found = built(tmp_path, [text] * 100, scope={"documents": 10})
    assert 5 <= 100 - sum(fell(found)) <= 10


def test_rows_of_a_band_that_many_share_are_spread_over_all_partitions() -> None:
    stage = DedupMinhash()
    count = 4_000
    rows = Rows.build(
        stage.layout, key=np.full(count, 7, np.uint64), row=np.arange(count), slot=0, drawn=0, first=0xFFFFFFFF
    )
    combined = stage.combine(rows)
    assert (combined["key"] == 7).sum() == 1
    assert sorted(combined["row"]) == list(range(count))
    assert set(combined["first"][1:].tolist()) == {0}
    assert np.bincount((combined["key"] >> np.uint64(60)).astype(np.int64), minlength=16).min() > 100


def test_texts_without_words_are_no_duplicates(tmp_path: Path) -> None:
    assert not any(fell(built(tmp_path, ["", " ", "\n", "  "])))


def test_exempt_sources_lose_nothing_and_named_ones_keep_their_copy(tmp_path: Path) -> None:
    text = " ".join(prose(Random(6), 80))
    names = ("a", "b", "c")
    for name in names:
        write_lines(tmp_path / name / "0.jsonl", [{"id": name, "text": text}])
    wanted = manifest(tmp_path / "a", keep=["c"], exempt=["b"])
    wanted["sources"] = {name: lines_source(tmp_path / name) for name in names}
    build_here(wanted, tmp_path / "out")
    found = {verdict["id"]: verdict["fate"] for verdict in verdicts(tmp_path / "out").to_pylist()}
    assert found == {"a": "duplicate", "b": "unused", "c": "unused"}


@pytest.mark.skipif(not GOLD.exists(), reason="the real corpus is not here")
def test_pairs_above_the_threshold_are_found_and_none_below_it_falls(tmp_path: Path) -> None:
    wanted = manifest(tmp_path, normalization="word_characters")
    wanted["sources"] = {"peps": {"format": "jsonl", "path": str(GOLD / "peps.docs.jsonl.gz")}}
    build_here(wanted, tmp_path / "out")
    found = {verdict["id"]: verdict for verdict in verdicts(tmp_path / "out").to_pylist()}
    ids = {verdict["uid"]: name for name, verdict in found.items()}
    stays = {name: ids.get(verdict["kept_uid"], name) for name, verdict in found.items()}
    pairs = [json.loads(line) for line in (GOLD / "peps.pairs.jsonl").read_text().splitlines()]
    alike = [pair for pair in pairs if pair["jaccard_word5"] >= 0.8]
    assert np.mean([stays[pair["a"]] == stays[pair["b"]] for pair in alike]) >= 0.98
    texts = {}
    with gzip.open(GOLD / "peps.docs.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = {record["id"]: record["text"] for record in map(json.loads, file)}
    for name, verdict in found.items():
        if verdict["fate"] == "duplicate":
            own, other = (shingles_of(words(word_characters(texts[each])), 5) for each in (name, stays[name]))
            assert verdict["similarity"] == np.float32(len(own & other) / len(own | other))
            assert verdict["similarity"] >= np.float32(0.8)
