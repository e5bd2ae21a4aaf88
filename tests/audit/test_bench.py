"""A bench says what a build would do: its losses are those of a build's ledger, its numbers those of brute force."""

import json
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from filters.batch import batch_of
from filters.shingling import shingles_of
from filters.words import words
from pipelines.audit.bench import Asked, bench, missed
from pipelines.audit.bench_found import Bench
from pipelines.audit.bench_pairs import MOST_OF_BAND
from pipelines.dedup.curve import Curve
from pipelines.dedup.minhash import DedupMinhash
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, load_manifest
from tests.helpers import CORPUS, build_here, lines_source, verdicts, write_lines, written

GOLD = CORPUS / "neardup_gold"
ALL = Asked(None)
WORDS = [f"{first}{second}" for first in "abcdefghijklmnop" for second in "aeiouy"]


def prose(chance: Random, count: int) -> list[str]:
    return [chance.choice(WORDS) for _ in range(count)]


def families(seed: int, count: int) -> list[str]:
    """Return documents of which some are copies of others with some words changed, and some are much alike."""
    chance = Random(seed)
    texts: list[list[str]] = [prose(chance, 120)]
    for _ in range(count - 1):
        if chance.random() < 0.6:
            share = chance.choice([0, 0.005, 0.02, 0.04, 0.06])
            texts.append([chance.choice(WORDS) if chance.random() < share else each for each in chance.choice(texts)])
        else:
            texts.append(prose(chance, chance.randrange(20, 200)))
    return [" ".join(text) for text in texts]


def manifest(folder: Path, *stages: object, **sources: list[str]) -> dict[str, Any]:
    """Write the texts of sources, forty a file; return a manifest over them."""
    for name, texts in sources.items():
        for first in range(0, len(texts), 40):
            rows = [
                {"id": f"{name}-{at}", "text": texts[at], "lang": "ab"[at % 2]}
                for at in range(first, min(first + 40, len(texts)))
            ]
            write_lines(folder / name / f"{first:05}.jsonl", rows)
    entries = {name: lines_source(folder / name, fields=["lang"]) for name in sources}
    return {"name": "near", "seed": 3, "split_bytes": 20_000, "sources": entries, "stages": list(stages)}


def loaded(folder: Path, *stages: object, **sources: list[str]) -> Manifest:
    return load_manifest(written(manifest(folder, *stages, **sources), folder / "out"))


def tried(wanted: Manifest, asked: Asked = ALL, resources: Resources | None = None) -> Bench:
    return bench(wanted, asked, Settings("none", resources or Resources()))


def ledger_losses(folder: Path, wanted: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Build; return by source the documents that came to near dedup, those it took, and their characters."""
    build_here(wanted, folder)
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in verdicts(folder).to_pylist():
        fell = row["stage"] == "dedup_minhash"
        if row["fate"] == "unused" or fell:
            found[row["source"]][0] += 1
            found[row["source"]][1] += fell
            found[row["source"]][2] += row["chars_in"] if fell else 0
    return {source: (come, lost, chars) for source, (come, lost, chars) in found.items()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"keep": ["b"], "exempt": ["a"]},
        {"prefer": "longest", "jaccard": 0.6, "bands": 20, "rows": 5},
        {"scope": ["lang"], "ngram": 3, "normalization": "word_characters"},
        {"scope": {"documents": 60}},
    ],
)
def test_losses_are_those_of_a_build_with_and_without_verification(tmp_path: Path, options: dict[str, Any]) -> None:
    texts = families(1, 300)
    before = [{"where": "chars > 150"}, "dedup_exact"]
    for verify in (True, False):
        stage = {"dedup_minhash": {"max_loss": 1, "verify": verify, **options}}
        wanted = manifest(tmp_path, *before, stage, a=texts[::2], b=texts[1::2])
        expected = ledger_losses(tmp_path / "built", wanted)
        seen = tried(load_manifest(tmp_path / "built.yaml"))
        found = {each.source: (each.documents, each.lost, each.lost_chars) for each in seen.sources}
        without = {each.source: (each.documents, each.unverified, each.unverified_chars) for each in seen.sources}
        assert (found if verify else without) == expected
        assert sum(lost for _, lost, _ in expected.values()) > 0


def jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other)


def plain_pairs(texts: list[str], stage: DedupMinhash) -> dict[tuple[int, int], float]:
    """Return the pairs that share a band, with their similarities."""
    holders = defaultdict(list)
    for place, keys in enumerate(stage.measure(batch_of(texts))["minhash_bands"].to_pylist()):
        for band, key in enumerate(keys):
            holders[band, key].append(place)
    shingles = [shingles_of(words(text), stage.ngram) for text in texts]
    pairs = {pair for held in holders.values() for pair in combinations(held, 2)}
    return {(one, other): jaccard(shingles[one], shingles[other]) for one, other in pairs}


def test_candidates_and_groups_are_those_of_brute_force(tmp_path: Path) -> None:
    texts = families(2, 240)
    seen = tried(loaded(tmp_path, "dedup_minhash", a=texts))
    pairs = plain_pairs(texts, DedupMinhash())
    assert (seen.candidates, sum(each.pairs for each in seen.curve)) == (len(pairs), len(pairs))
    assert seen.rejected == sum(np.float32(similarity) < np.float32(0.8) for similarity in pairs.values())
    for each in seen.curve:
        expected = [s for s in pairs.values() if np.float32(each.low) <= np.float32(s) < np.float32(each.high)]
        assert each.pairs == (len(expected) if each.low < 1 else sum(s == 1 for s in pairs.values()))
    edges = np.array(list(pairs))
    links = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(texts), len(texts)))
    sizes = Counter(Counter(connected_components(links, directed=False)[1].tolist()).values())
    for group in seen.sizes:
        assert group.components == sum(n for size, n in sizes.items() if group.least <= size <= group.most)
    assert seen.largest[0].documents == max(sizes)
    (source,) = seen.sources
    assert source.unverified == sum((size - 1) * count for size, count in sizes.items())


def test_clusters_are_those_of_the_ledger(tmp_path: Path) -> None:
    wanted = manifest(tmp_path, {"dedup_minhash": {"max_loss": 1}}, a=families(3, 240))
    build_here(wanted, tmp_path / "out")
    sizes = Counter(row["cluster_size"] for row in verdicts(tmp_path / "out").to_pylist() if row["fate"] == "unused")
    seen = tried(load_manifest(tmp_path / "out.yaml"))
    for group in seen.sizes:
        assert group.clusters == sum(n for size, n in sizes.items() if size and group.least <= size <= group.most)


def test_pairs_that_are_shown_are_what_they_are_called(tmp_path: Path) -> None:
    texts = families(4, 300)
    seen = tried(loaded(tmp_path, {"dedup_minhash": {"jaccard": 0.7, "bands": 30, "rows": 4}}, a=texts))
    alike, saved = list(seen.verified), list(seen.saved)
    assert (len(alike), len(saved)) == (10, 10)
    assert [pair.similarity for pair in alike] == sorted(pair.similarity for pair in alike)
    assert alike[0].similarity < 0.75
    assert alike[-1].similarity > 0.95
    assert all(pair.similarity < np.float32(0.7) for pair in saved)
    assert saved[-1].similarity - saved[0].similarity > 0.2
    for pair in (*alike, *saved):
        one, other = (texts[int(side.id.split("-")[1])] for side in (pair.left, pair.right))
        expected = jaccard(*(shingles_of(words(text), 5) for text in (one, other)))
        assert pair.similarity == np.float32(expected)
        assert (pair.left.chars, pair.right.chars) == (len(one), len(other))
        assert bool(pair.contrast.stretches) == (one != other)


def test_on_the_right_stands_who_would_fall_for_who_stands_on_the_left(tmp_path: Path) -> None:
    wanted = manifest(tmp_path, {"dedup_minhash": {"max_loss": 1, "keep": ["b"]}}, a=families(5, 90), b=families(5, 40))
    build_here(wanted, tmp_path / "out")
    rows = {row["id"]: row for row in verdicts(tmp_path / "out").to_pylist()}
    seen = tried(load_manifest(tmp_path / "out.yaml"), Asked(None, pairs=100))
    assert seen.verified
    for pair in seen.verified:
        assert rows[pair.right.id]["kept_uid"] == rows[pair.left.id]["uid"]
        assert rows[pair.right.id]["similarity"] == pair.similarity


def test_neither_partitions_nor_buffers_change_what_is_told(tmp_path: Path) -> None:
    wanted = loaded(tmp_path, "dedup_minhash", a=families(6, 150), b=families(7, 150))
    usual = tried(wanted)
    for resources in (Resources(partition_bytes=5_000), Resources(spill_bytes=2_000, reverse=True)):
        assert tried(wanted, ALL, resources) == usual


def test_words_that_the_stage_does_not_tell_apart_are_not_marked(tmp_path: Path) -> None:
    text = " ".join(prose(Random(8), 100))
    seen = tried(loaded(tmp_path, {"dedup_minhash": {"normalization": "lower"}}, a=[text, text.upper()]))
    assert [(pair.similarity, pair.contrast.stretches) for pair in seen.verified] == [(1.0, ())]


def test_a_text_is_shown_as_the_stages_before_left_it(tmp_path: Path) -> None:
    text = " ".join(prose(Random(9), 100))
    edited = tried(loaded(tmp_path, "normalize", "dedup_minhash", a=[f"Caf\u00e9 {text}", f"Cafe\u0301 {text}"]))
    assert [(pair.similarity, pair.contrast.stretches) for pair in edited.verified] == [(1.0, ())]


def test_of_a_band_that_many_share_each_document_is_paired_with_the_first(tmp_path: Path) -> None:
    text = " ".join(prose(Random(10), 50))
    for count, pairs in ((MOST_OF_BAND, MOST_OF_BAND * (MOST_OF_BAND - 1) // 2), (150, 149)):
        seen = tried(loaded(tmp_path / str(count), {"dedup_minhash": {"max_loss": 1}}, a=[text] * count))
        assert (seen.candidates, seen.sources[0].lost, seen.largest[0].documents) == (pairs, count - 1, count)


def test_a_template_is_seen_to_be_saved_by_verification(tmp_path: Path) -> None:
    chance = Random(11)
    template = prose(chance, 60)
    texts = [" ".join([*template, *prose(chance, 50)]) for _ in range(60)]
    seen = tried(loaded(tmp_path, {"dedup_minhash": {"bands": 28, "rows": 4}}, a=texts))
    (source,) = seen.sources
    assert (source.lost, len(seen.verified), len(seen.saved)) == (0, 0, 10)
    assert source.unverified > 50
    assert (seen.largest[0].documents, seen.largest[0].falls) == (source.unverified + 1, 0)
    assert seen.rejected == seen.candidates


@pytest.mark.parametrize(("verify", "stops"), [(True, False), (False, True)])
def test_a_source_that_a_build_would_stop_at_is_told(tmp_path: Path, verify: bool, stops: bool) -> None:
    chance = Random(12)
    template = prose(chance, 60)
    texts = [" ".join([*template, *prose(chance, 50)]) for _ in range(60)]
    options = {"bands": 28, "rows": 4, "verify": verify, "max_loss": 0.5}
    seen = tried(loaded(tmp_path, {"dedup_minhash": options}, a=texts))
    assert [each.stops for each in seen.sources] == [stops]


def test_a_sample_is_taken_from_all_over_a_source(tmp_path: Path) -> None:
    texts = families(13, 400)
    wanted = loaded(tmp_path, {"where": "chars > 10"}, "dedup_minhash", a=texts, b=texts[:30])
    seen = tried(wanted, Asked(100, pairs=100))
    records = {each.source: each.records for each in seen.sources}
    assert records == {"a": 100, "b": 30}
    shares = {each.source: each.share for each in seen.sources}
    assert shares["b"] == 1
    assert 0.1 < shares["a"] < 0.5
    assert not seen.whole
    assert tried(wanted, Asked(400)).whole
    numbers = [int(side.id[2:]) for pair in seen.verified for side in (pair.left, pair.right) if side.source == "a"]
    assert max(numbers) > 300
    assert seen.sources[0].lost < tried(wanted).sources[0].lost


def test_records_of_a_sample_have_the_names_that_they_have_in_a_build(tmp_path: Path) -> None:
    """Uids decide who stays, so the sample of a file that is cut short must number its records as the whole does."""
    texts = families(14, 200)
    wanted = manifest(tmp_path, {"dedup_minhash": {"prefer": "longest"}}, a=texts)
    wanted["split_bytes"] = 1_000_000
    seen = tried(load_manifest(written(wanted, tmp_path / "out")), Asked(50, pairs=100))
    chosen = [at for first in range(0, 200, 40) for at in range(first, first + 10)]
    pairs = {
        (one, other): s for (one, other), s in plain_pairs(texts, DedupMinhash()).items() if {one, other} <= {*chosen}
    }
    assert (seen.candidates, seen.sources[0].records) == (len(pairs), 50)


def test_a_source_that_only_earlier_stages_see_is_part_of_the_whole(tmp_path: Path) -> None:
    texts = families(17, 60)
    wanted = loaded(tmp_path, "dedup_exact", {"dedup_minhash": {"on": ["b"]}}, a=texts, b=texts[:20])
    sampled, whole = tried(wanted, Asked(30)), tried(wanted)
    assert [(each.source, each.share) for each in sampled.sources] == [("b", 1.0)]
    assert (sampled.whole, whole.whole) == (False, True)
    assert sampled.sources[0].documents >= whole.sources[0].documents


def test_one_of_several_stages_is_looked_at_behind_those_before_it(tmp_path: Path) -> None:
    texts = families(15, 200)
    stages = [{"dedup_minhash": {"jaccard": 0.95, "max_loss": 0}}, "normalize", {"dedup_minhash": {"jaccard": 0.7}}]
    wanted = loaded(tmp_path, *stages, a=texts)
    first, second = (tried(wanted, Asked(None, name)) for name in ("", "dedup_minhash#2"))
    assert (first.at, second.at) == (0, 2)
    assert second.sources[0].documents == first.sources[0].documents - first.sources[0].lost
    assert first.sources[0].lost > 0


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = loaded(tmp_path / "in", "dedup_minhash", a=families(16, 60))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    tried(wanted)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    del before[tmp_path / "temporary"], after[tmp_path / "temporary"]
    assert after == before


@pytest.mark.parametrize(
    ("stages", "setting"), [(["normalize"], "stages.1=dedup_minhash"), ([], "stages=[dedup_minhash]")]
)
def test_what_a_refusal_says_to_write_can_be_written(tmp_path: Path, stages: list[object], setting: str) -> None:
    path = written(manifest(tmp_path, *stages, a=["x"]), tmp_path / "out")
    assert tried(load_manifest(path, [setting])).at == len(stages)


@pytest.mark.parametrize(
    ("stages", "stage", "said"),
    [
        (["normalize"], "", r"add `- dedup_minhash` to its `stages`.*`--set stages.1=dedup_minhash`"),
        ([], "", r"`--set stages=\[dedup_minhash\]`"),
        (["dedup_minhash"], "2", "a number from 1 to 1"),
        (["dedup_minhash"], "0", "a number from 1 to 1"),
        (["dedup_minhash", "dedup_minhash"], "second", "a number from 1 to 2"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_what_to_write(
    tmp_path: Path, stages: list[object], stage: str, said: str
) -> None:
    wanted = loaded(tmp_path, *stages, a=["x"])
    with pytest.raises(RequestError, match=said):
        tried(wanted, Asked(None, stage))


def test_a_sample_in_which_nothing_comes_to_the_stage_is_told_as_such(tmp_path: Path) -> None:
    seen = tried(loaded(tmp_path, {"where": "chars > 1000"}, "dedup_minhash", a=["short", "texts"]))
    assert (seen.candidates, seen.sizes, seen.verified, seen.saved) == (0, [], [], [])
    assert [(each.records, each.documents, each.lost) for each in seen.sources] == [(2, 0, 0)]


def test_missed_pairs_are_those_that_the_curve_expects() -> None:
    curve = Curve(14, 8)
    similarity = np.array([0.8] * 90 + [1.0] * 10, np.float32)
    assert missed(curve, similarity) == pytest.approx(90 / curve.chance(float(np.float32(0.8))) - 90)
    assert missed(curve, similarity[:0]) == 0


@pytest.mark.skipif(not GOLD.exists(), reason="the real corpus is not here")
def test_the_pairs_of_the_gold_corpus_are_found_where_they_belong(tmp_path: Path) -> None:
    source = {"format": "jsonl", "path": str(GOLD / "peps.docs.jsonl.gz")}
    stage = {"dedup_minhash": {"normalization": "word_characters"}}
    wanted = {"name": "gold", "sources": {"peps": source}, "stages": [stage]}
    seen = tried(load_manifest(written(wanted, tmp_path / "out")))
    pairs = [json.loads(line) for line in (GOLD / "peps.pairs.jsonl").read_text().splitlines()]
    known = {frozenset((pair["a"], pair["b"])): pair["jaccard_word5"] for pair in pairs}
    for pair in (*seen.verified, *seen.saved):
        exact = known.get(frozenset((pair.left.id, pair.right.id)))
        assert exact is None or pair.similarity == pytest.approx(exact, abs=0.001)
    alike = sum(exact >= 0.8 for exact in known.values())
    assert 0.98 * alike <= seen.candidates - seen.rejected <= alike + 20
    assert seen.missed < 1
    assert len(seen.verified) == 10
    assert all(pair.similarity < 0.8 for pair in seen.saved)
