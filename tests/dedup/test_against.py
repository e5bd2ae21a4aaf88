"""Comparing with earlier builds: the same documents stay as in one build of all, and no earlier text is read."""

import gzip
import json
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest

from filters.shingling import shingles_of
from filters.words import words
from pipelines.engine.job import Resources
from pipelines.engine.storage import open_storage
from tests.dedup.crawls import Stage, built, crawl, decided, fallen, manifest, with_options
from tests.dedup.test_minhash import families, jaccard, prose
from tests.helpers import CORPUS, build_here, digest, tasks_run, verdicts

GOLD = CORPUS / "neardup_gold"

STAGES: dict[str, Stage] = {
    "content": {"dedup_exact": {}},
    "url": {"dedup_exact": {"by": "url"}},
    "normalized": {"dedup_exact": {"normalize": "lower", "prefer": "longest"}},
    "counted": {"dedup_exact": {"scope": {"documents": 40}}},
    "verified": {"dedup_minhash": {"store_shingles": True}},
    "unverified": {"dedup_minhash": {"verify": False}},
}
MINHASH = STAGES["verified"]


@pytest.mark.parametrize("name", STAGES)
def test_what_stays_is_what_stays_of_one_build_of_all(tmp_path: Path, name: str) -> None:
    texts, stage = families(11, 160), STAGES[name]
    for place, crawled in enumerate("ab"):
        crawl(tmp_path, crawled, texts[place::2])
    joint = built(tmp_path, "ab", with_options(stage, keep=["a", "b"]), "joint")
    built(tmp_path, "a", with_options(stage), "first")
    shutil.rmtree(tmp_path / "a")
    found = built(tmp_path, "b", with_options(stage, against=str(tmp_path / "first")), "second")
    assert decided(found, "b") == decided(joint, "b")
    earlier = {uid for _, fate, uid, _ in decided(joint, "b") if fate == "duplicate"} - {each["uid"] for each in found}
    assert {each["kept_uid"] for each in found if each["value"] is not None} == earlier
    assert earlier


def test_buckets_of_documents_are_formed_of_those_of_all_builds(tmp_path: Path) -> None:
    chance = Random(4)
    texts = [" ".join(prose(chance, 30)) for _ in range(60)]
    stage: Stage = {"dedup_minhash": {"scope": {"documents": 40}, "store_shingles": True}}
    crawl(tmp_path, "a", texts)
    crawl(tmp_path, "b", texts)
    joint = built(tmp_path, "ab", with_options(stage, keep=["a", "b"]), "joint")
    built(tmp_path, "a", with_options(stage), "first")
    found = built(tmp_path, "b", with_options(stage, against=str(tmp_path / "first")), "second")
    assert decided(found, "b") == decided(joint, "b")
    assert 5 < len(fallen(found)) < 40


def plain_survivors(stored: list[str], texts: list[str]) -> list[int]:
    """Return who stays for each text, by every pair: a place among stored texts, or behind them among all."""
    shingles = [shingles_of(words(text), 5) for text in [*stored, *texts]]
    stays, kept = list(range(len(stored))), []
    for place in range(len(stored), len(shingles)):
        near = [(jaccard(shingles[place], shingles[other]), -other) for other in stays]
        similarity, other = max(near, default=(0.0, 0))
        alike = np.float32(similarity) >= np.float32(0.8)
        kept.append(-other if alike else place)
        stays += [] if alike else [place]
    return kept


@pytest.mark.parametrize("seed", range(2))
def test_near_duplicates_of_earlier_documents_are_those_of_brute_force(tmp_path: Path, seed: int) -> None:
    """With bands that find every pair, nothing but the shingles decides."""
    texts = families(seed, 120)
    stage: Stage = {"dedup_minhash": {"bands": 64, "rows": 2, "store_shingles": True}}
    crawl(tmp_path, "a", texts[:60])
    crawl(tmp_path, "b", texts[60:])
    first = built(tmp_path, "a", with_options(stage), "first")
    found = built(tmp_path, "b", with_options(stage, against=str(tmp_path / "first")), "second")
    stored = [place for place, each in enumerate(first) if each["fate"] != "duplicate"]
    uids = [*(first[place]["uid"] for place in stored), *(each["uid"] for each in found)]
    expected = [uids[kept] for kept in plain_survivors([texts[place] for place in stored], texts[60:])]
    assert [each["kept_uid"] or each["uid"] for each in found] == expected
    assert {each["fate"] for each in found} == {"duplicate", "unused"}


@pytest.mark.parametrize("name", ["content", "verified"])
def test_neither_partitions_nor_buffers_nor_order_change_what_is_written(tmp_path: Path, name: str) -> None:
    texts, stage = families(5, 100), STAGES[name]
    crawl(tmp_path, "a", texts[:50])
    crawl(tmp_path, "b", texts[50:])
    written = set[str]()
    for at, resources in enumerate(
        [Resources(), Resources(partitions=5, spill_bytes=2_000), Resources(partitions=3, reverse=True, workers=2)]
    ):
        built(tmp_path, "a", with_options(stage), f"first{at}", resources)
        built(tmp_path, "b", with_options(stage, against=str(tmp_path / f"first{at}")), f"second{at}", resources)
        written.add(digest(tmp_path / f"second{at}"))
    assert len(written) == 1


@pytest.fixture
def copies() -> list[str]:
    """Give three texts, each much like the one before it, the last not like the first."""
    chance = Random(8)
    first = prose(chance, 200)
    second = [*first[:185], *prose(chance, 15)]
    third = [*second[15:], *prose(chance, 15)]
    return [" ".join(text) for text in (first, second, third)]


def test_a_document_that_fell_in_its_own_build_is_compared_with_nobody(tmp_path: Path, copies: list[str]) -> None:
    first, second, third = copies
    crawl(tmp_path, "a", [first, second])
    crawl(tmp_path, "b", [third])
    assert fallen(built(tmp_path, "a", with_options(MINHASH), "first")) == ["a00001"]
    assert fallen(built(tmp_path, "b", with_options(MINHASH, against=str(tmp_path / "first")), "second")) == []
    crawl(tmp_path, "c", [second])
    built(tmp_path, "c", with_options(MINHASH), "third")
    assert fallen(built(tmp_path, "b", with_options(MINHASH, against=str(tmp_path / "third")), "fourth")) == ["b00000"]


@pytest.mark.parametrize("name", ["content", "verified"])
def test_a_chain_names_every_build_and_the_earliest_document_stays(tmp_path: Path, name: str) -> None:
    chance, stage = Random(2), STAGES[name]
    one, two, three = (" ".join(prose(chance, 60)) for _ in range(3))
    crawl(tmp_path, "a", [one])
    crawl(tmp_path, "b", [one, two])
    crawl(tmp_path, "c", [two, one, three, three])
    (kept,) = built(tmp_path, "a", with_options(stage), "first")
    second = built(tmp_path, "b", with_options(stage, against=[str(tmp_path / "first")]), "second")
    assert fallen(second) == ["b00000"]
    both = [str(tmp_path / out) for out in ("first", "second")]
    found = built(tmp_path, "c", with_options(stage, against=both), "third")
    assert [each["value"] for each in found] == [2, 1, None, None]
    assert [each["kept_uid"] for each in found] == [second[1]["uid"], kept["uid"], None, found[2]["uid"]]
    rule = "same_content" if name == "content" else "near_duplicate"
    assert [each["rule"] for each in found] == [f"{rule}_earlier", f"{rule}_earlier", None, rule]
    alone = built(tmp_path, "c", with_options(stage, against=both[1:]), "fourth")
    expected = ["c00000", "c00001", "c00003"] if name == "content" else ["c00000", "c00003"]
    assert fallen(alone) == expected


def test_the_earlier_builds_own_order_says_which_of_its_copies_stands_for_a_new_one(tmp_path: Path) -> None:
    for name in "abc":
        crawl(tmp_path, name, ["the same text"])
    first = built(tmp_path, "ab", with_options(STAGES["content"], keep=["b"]), "first")
    assert fallen(first) == ["a00000"]
    (found,) = built(tmp_path, "c", with_options(STAGES["content"], against=str(tmp_path / "first")), "second")
    assert found["kept_uid"] == first[1]["uid"]
    assert found["cluster_size"] == 3


@pytest.mark.parametrize("name", ["content", "verified"])
def test_only_documents_that_came_to_the_stage_count(tmp_path: Path, name: str) -> None:
    chance, stage = Random(6), STAGES[name]
    one, two = (" ".join(prose(chance, 60)) for _ in range(2))
    crawl(tmp_path, "a", [one] * 11)
    crawl(tmp_path, "c", [two])
    crawl(tmp_path, "b", [one, two])
    first = built(tmp_path, "ac", with_options(stage, on=["c"]), "first")
    found = built(tmp_path, "b", with_options(stage, against=str(tmp_path / "first")), "second")
    assert fallen(found) == ["b00001"]
    assert found[1]["kept_uid"] == first[-1]["uid"]


def test_an_exempt_source_loses_nothing_to_earlier_builds(tmp_path: Path) -> None:
    for name in "ab":
        crawl(tmp_path, name, ["the same text"])
    built(tmp_path, "a", with_options(STAGES["content"]), "first")
    options = {"against": str(tmp_path / "first"), "exempt": ["b"]}
    assert fallen(built(tmp_path, "b", with_options(STAGES["content"], **options), "second")) == []


def test_a_second_build_runs_nothing_again_and_other_earlier_builds_cost_no_new_pass(tmp_path: Path) -> None:
    texts = families(3, 60)
    crawl(tmp_path, "a", texts[:30])
    crawl(tmp_path, "b", texts[30:])
    for out in ("first", "other"):
        built(tmp_path, "a", with_options(MINHASH, keep=["all"] if out == "other" else []), out)
    stage = with_options(MINHASH, against=str(tmp_path / "first"))
    found = built(tmp_path, "b", stage, "second")
    runs = tmp_path / "second" / "runs.jsonl"
    before = runs.read_text().count('"event":"task"')
    assert built(tmp_path, "b", stage, "second") == found
    assert runs.read_text().count('"event":"task"') == before
    maps = tasks_run(tmp_path / "second", "pass 1 of 3")
    both = [str(tmp_path / "first"), str(tmp_path / "other")]
    assert built(tmp_path, "b", with_options(MINHASH, against=both), "second") == found
    assert tasks_run(tmp_path / "second", "pass 1 of 3") == maps


def test_a_build_that_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    texts = families(4, 60)
    crawl(tmp_path, "a", texts[:30])
    crawl(tmp_path, "b", texts[30:])
    built(tmp_path, "a", with_options(MINHASH), "first")
    stage = with_options(MINHASH, against=str(tmp_path / "first"))
    built(tmp_path, "b", stage, "second")
    whole, storage = digest(tmp_path / "second"), open_storage(tmp_path / "second")
    for step in ("dedup_minhash 1: recall", "dedup_minhash 2: decide", "dedup_minhash 2: store shingles"):
        for part in tasks_run(tmp_path / "second", step):
            storage.delete(f"work/receipts/{part}.json")
            storage.delete(part)
    storage.delete("ledger/verdicts/b/00000.jsonl.parquet")
    storage.delete("work/receipts/ledger/verdicts/b/00000.jsonl.parquet.json")
    built(tmp_path, "b", stage, "second")
    assert digest(tmp_path / "second") == whole
    assert len(tasks_run(tmp_path / "second", "dedup_minhash 1: recall")) == 6


def test_shingles_are_those_of_the_text_that_the_stage_saw(tmp_path: Path) -> None:
    """The text was edited before, and nobody reads it behind the stage."""
    text = " ".join(prose(Random(1), 80))
    crawl(tmp_path, "a", [text.replace(" ", "\r\n")])
    crawl(tmp_path, "b", [text.replace(" ", "\n")])
    stage: Stage = {"dedup_minhash": {"normalization": "none", "words": "uax29", "store_shingles": True, "max_loss": 1}}
    build_here(manifest(tmp_path, "a", "normalize", stage), tmp_path / "first")
    wanted = manifest(tmp_path, "b", "normalize", with_options(stage, against=str(tmp_path / "first")))
    build_here(wanted, tmp_path / "second")
    (found,) = verdicts(tmp_path / "second").to_pylist()
    assert (found["fate"], found["similarity"]) == ("duplicate", 1)


def test_storing_shingles_of_a_finished_build_reads_once_and_decides_nothing_again(tmp_path: Path) -> None:
    crawl(tmp_path, "a", families(9, 30))
    stage: Stage = {"dedup_minhash": {}}
    found = built(tmp_path, "a", with_options(stage), "first")
    before = (tmp_path / "first" / "runs.jsonl").read_text()
    assert built(tmp_path, "a", with_options(stage, store_shingles=True), "first") == found
    after = (tmp_path / "first" / "runs.jsonl").read_text().removeprefix(before)
    steps = {json.loads(line)["step"] for line in after.splitlines() if '"event":"task"' in line}
    assert steps == {"dedup_minhash 2: store shingles"}


@pytest.mark.skipif(not GOLD.exists(), reason="the real corpus is not here")
def test_real_versions_of_documents_are_found_in_the_build_of_the_other_versions(tmp_path: Path) -> None:
    with gzip.open(GOLD / "peps.docs.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = {record["id"]: record["text"] for record in map(json.loads, file)}
    pairs = [json.loads(line) for line in (GOLD / "peps.pairs.jsonl").read_text().splitlines()]
    stage: Stage = {"dedup_minhash": {"normalization": "word_characters", "store_shingles": True}}
    crawl(tmp_path, "a", [texts[pair["a"]] for pair in pairs])
    crawl(tmp_path, "b", [texts[pair["b"]] for pair in pairs])
    first = built(tmp_path, "a", with_options(stage), "first")
    joint = built(tmp_path, "ab", with_options(stage, keep=["a", "b"]), "joint")
    shutil.rmtree(tmp_path / "a")
    found = built(tmp_path, "b", with_options(stage, against=str(tmp_path / "first")), "second")
    assert decided(found, "b") == decided(joint, "b")
    alike = [at for at, pair in enumerate(pairs) if pair["jaccard_word5"] >= 0.8 and first[at]["fate"] != "duplicate"]
    falls = [found[at]["fate"] == "duplicate" for at in alike]
    assert len(alike) > 500
    assert np.mean(falls) >= 0.98
    assert min(each["similarity"] for each in found if each["fate"] == "duplicate") >= np.float32(0.8)
