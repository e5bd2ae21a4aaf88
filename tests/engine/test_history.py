"""A build folder may have any past: what it holds at the end follows from the last manifest and the inputs."""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from pipelines import catalog
from pipelines.engine.exchange import Rows
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.errors import MaxLoss
from pipelines.manifest import TrainOptions
from pipelines.tokens.train import train_bpe
from tests.helpers import build_here, digest, lines_source, tasks_run, verdicts, write_lines
from tests.stages import CutSecondLines

PROSE = "It is said that the mill of the gods grinds slowly, and that those who have to wait with it grow wise. "
FIELDS = {"n": {"path": "n", "type": "int64"}, "flag": {"path": "flag", "type": "bool"}}


def document(number: int, first: int) -> dict[str, Any]:
    """Return one of sixty documents; every text comes three times, and some of two sources are the same."""
    text = f"Number {number % 20 + first}. " + PROSE * (1 + number % 5)
    date = f"2024-01-{number % 28 + 1:02d}"
    return {"text": text, "url": f"https://e.org/{number % 30}", "date": date, "n": number, "flag": number % 2 == 0}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for name, first in (("a", 0), ("b", 12)):
        write_lines(tmp_path / name / "x.jsonl", [document(number, first) for number in range(60)])
    write_lines(tmp_path / "a" / "empty.jsonl", [])
    return tmp_path


def manifest(folder: Path, stages: list[Any] | None = None, **changes: object) -> dict[str, Any]:
    sources = {name: lines_source(folder / name, tags=["all"], fields=FIELDS) for name in "ab"}
    base = {"name": "n", "seed": 3, "sources": sources, "stages": ["dedup_exact"] if stages is None else stages}
    tokenizer = {"train": {"vocab_size": 300}}
    return {**base, "tokenizer": tokenizer, "mix": mix(phase("first", 900, a=1.0)), **changes}


def mix(*phases: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {"sequence_length": 32, "shard_tokens": 300, "max_epochs": 99, "phases": list(phases), **changes}


def phase(name: str, tokens: int, start: str = "continue", **weights: float) -> dict[str, Any]:
    return {"name": name, "tokens": tokens, "weights": weights, "start": start, "short": "scale"}


def learnt(least: float) -> dict[str, Any]:
    """Return a classifier that learns from flags."""
    training = {"labels": "flag", "positive": [True], "dim": 4, "buckets": 100, "held_out": 0.2}
    return {"classifier": {"train": training, "min_score": least, "on": ["a"]}}


def best(share: float) -> dict[str, Any]:
    return {"top_share": {"signal": "mean_word_length", "share": share}}


POOLS = {
    "long": {"sources": ["all"], "where": "word_count > 50"},
    "a0": {"sources": ["b"], "where": "chars < 300 and source == 'b'"},
}


def manifests(folder: Path) -> list[dict[str, Any]]:
    """Return manifests that share much and differ in one thing or another."""
    twice = [
        {"dedup_exact": {"by": "url", "prefer": "longest"}},
        {"dedup_exact": {"prefer": "most_recent", "keep": ["b"]}},
    ]
    partly = [{"dedup_exact": {"on": ["a"]}}, {"gopher_quality": {"min_word_count": 40, "on": ["b"]}}, "normalize"]
    sampled, renamed = manifest(folder), manifest(folder)
    sampled["sources"]["a"] |= {"sample": {"fraction": 0.5}, "where": "n < 50"}
    sampled["sources"]["b"] |= {"select": {"flag": True}}
    renamed["sources"]["a"]["text_field"] = "url"
    file = folder / "tokenizer.json"
    file.write_bytes(train_bpe([PROSE], TrainOptions(vocab_size=280)))
    by_pool = mix(phase("first", 500, long=1.0), pools={"long": POOLS["long"]})
    return [
        manifest(folder),
        manifest(folder, seed=9),
        manifest(folder, ["normalize", {"where": "word_count > 30"}, *twice]),
        manifest(folder, [*partly, {"where": "n > 10 and flag == true"}]),
        manifest(folder, mix=mix(phase("first", 800, long=0.5, a=0.5), phase("z", 300, "restart", a0=1), pools=POOLS)),
        manifest(folder, mix=mix(phase("first", 10**6, b=1), pack="pad_truncate", max_epochs=2)),
        manifest(folder, mix=mix(phase("first", 3000, a=0.5, b=0.5), pack="best_fit", next_token=True)),
        manifest(folder, tokenizer={"train": {"vocab_size": 300}, "eos": False}),
        manifest(folder, ["normalize"], mix=by_pool, tokenizer={"json": str(file)}),
        manifest(folder, mix=None),
        manifest(folder, mix=None, tokenizer=None),
        manifest(folder, split_bytes="3KB"),
        manifest(folder, [learnt(0.0), {"top_share": {"signal": "n", "share": 0.7}}, "dedup_exact"]),
        manifest(
            folder,
            [
                "dedup_exact",
                learnt(0.1),
                {"where": {"expression": "quality_score < 0.99", "on": ["a"]}},
                best(0.5),
                best(0.9),
            ],
        ),
        sampled,
        renamed,
    ]


def test_the_last_manifest_alone_decides_what_a_folder_holds(corpus: Path) -> None:
    wanted = manifests(corpus)
    fresh = []
    for number, each in enumerate(wanted):
        build_here(each, corpus / f"fresh{number}")
        fresh.append(digest(corpus / f"fresh{number}"))
    assert len(set(fresh)) == len(fresh)
    order = Random(4).sample(range(len(wanted)), len(wanted))
    for number in [*order, *order[:3]]:
        build_here(wanted[number], corpus / "out")
        assert digest(corpus / "out") == fresh[number], order
    other = Settings("none", Resources(partitions=7, spill_bytes=1024, reverse=True))
    for number in order[:2]:
        build_here(wanted[number], corpus / "other", other)
        assert digest(corpus / "other") == fresh[number], order


def assert_as_fresh(wanted: dict[str, Any], folder: Path) -> None:
    """Build in the folder `out` with its past, and in a fresh one: both hold the same."""
    build_here(wanted, folder / "out")
    build_here(wanted, folder / "fresh")
    assert digest(folder / "out") == digest(folder / "fresh")


def test_a_tokenizer_file_counts_by_what_it_holds(corpus: Path) -> None:
    file = corpus / "tokenizer.json"
    for size in (300, 280):
        file.write_bytes(train_bpe([PROSE], TrainOptions(vocab_size=size)))
        build_here(manifest(corpus, tokenizer={"json": str(file)}), corpus / "out")
    moved = file.rename(corpus / "elsewhere.json")
    assert_as_fresh(manifest(corpus, tokenizer=str(moved)), corpus)


def test_a_pool_that_nobody_draws_from_shifts_the_numbers_of_the_others(corpus: Path) -> None:
    drawn = phase("first", 500, a=0.5, b=0.5)
    build_here(manifest(corpus, mix=mix(drawn)), corpus / "out")
    assert_as_fresh(manifest(corpus, mix=mix(drawn, pools={"AA": {"sources": ["b"]}})), corpus)


def test_shards_of_a_build_that_mixed_do_not_stay_when_it_no_longer_does(corpus: Path) -> None:
    build_here(manifest(corpus), corpus / "out")
    assert_as_fresh(manifest(corpus, mix=None), corpus)


def test_a_shard_whose_receipt_went_before_a_kill_goes_too(corpus: Path) -> None:
    build_here(manifest(corpus, mix=mix(phase("first", 300, a=1), phase("second", 300, a=1))), corpus / "out")
    for receipt in (corpus / "out" / "work" / "receipts" / "shards" / "second").iterdir():
        receipt.unlink()
    assert_as_fresh(manifest(corpus, mix=mix(phase("first", 300, a=1))), corpus)


def test_what_a_kill_left_unfinished_goes(corpus: Path) -> None:
    leftover = corpus / "out" / "work" / "rows" / ".0123.tmp"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("half")
    build_here(manifest(corpus), corpus / "out")
    assert not leftover.exists()


def test_a_loss_that_is_allowed_after_all_costs_no_pass(corpus: Path) -> None:
    with pytest.raises(MaxLoss, match=r"raise stages\.dedup_exact\.max_loss"):
        build_here(manifest(corpus, [{"dedup_exact": {"max_loss": 0.1}}]), corpus / "out")
    build_here(manifest(corpus, [{"dedup_exact": {"max_loss": 1}}]), corpus / "out")
    assert len(tasks_run(corpus / "out", "pass 1 of 2")) == 3


def test_another_seed_draws_anew_and_reads_nothing_again(corpus: Path) -> None:
    spec = {"train": {"vocab_size": 300, "sample_bytes": "1MB"}}
    for seed in (3, 4):
        build_here(manifest(corpus, seed=seed, tokenizer=spec), corpus / "out")
    assert len(tasks_run(corpus / "out", "pass 1 of 2")) == 3
    assert len(tasks_run(corpus / "out", "pools")) == 6


class CutInCompany(CutSecondLines):
    """Cuts where rows of more than one split meet: what is cut of a document depends on the others."""

    def reduce(self, rows: Rows) -> Rows:
        answers = super().reduce(rows)
        return answers if len(set(rows.split.tolist())) > 1 else answers.take(np.arange(0))


def test_a_text_that_others_cut_otherwise_is_another_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.STAGES, "cut", CutInCompany)
    stages = ["cut", {"where": "word_count > 0"}, "dedup_exact", {"where": "word_count > 1"}]
    wanted = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": stages}
    alone = Settings("none", Resources(partitions=1))
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "a b\nb\nc\nd\n"}])
    build_here(wanted, tmp_path / "out", alone)
    assert verdicts(tmp_path / "out").column("chars_out").to_pylist() == [10]
    write_lines(tmp_path / "a" / "y.jsonl", [{"text": "q\nb\nc\nd\n"}])
    for name in ("out", "fresh"):
        build_here(wanted, tmp_path / name, alone)
        assert verdicts(tmp_path / name).column("chars_out").to_pylist() == [6, 4]
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")


def test_what_is_cut_last_is_cut_from_the_edited_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.STAGES, "cut", CutSecondLines)
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "a\r\nbb\r\nc\r\n"}])
    wanted = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": ["normalize", "cut"]}
    build_here(wanted, tmp_path / "out")
    assert verdicts(tmp_path / "out").column("chars_out").to_pylist() == [4]


def test_a_pool_sees_the_length_of_the_final_text(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "a\r\n" * 50}])
    pools = {"short": {"sources": ["a"], "where": "chars <= 100"}}
    wanted = {
        "name": "n",
        "sources": {"a": lines_source(tmp_path / "a")},
        "stages": ["normalize"],
        "tokenizer": {"train": {"vocab_size": 300}},
        "mix": mix(phase("first", 50, short=1.0), pools=pools),
    }
    build_here(wanted, tmp_path / "out")
    assert verdicts(tmp_path / "out").column("fate").to_pylist() == ["used"]


def test_a_stage_that_returns_judges_by_its_own_numbers(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "zzz the"}])
    off = {"min_word_count": 0, "min_mean_word_length": None, "min_frac_words_with_alpha": None}
    stages = [{**off, "min_stop_word_count": 0}, {**off, "min_stop_word_count": 0, "stop_words": ["q"]}]
    stages.append({**off, "min_stop_word_count": 1})
    wanted = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}}
    build_here({**wanted, "stages": [{"gopher_quality": each} for each in stages]}, tmp_path / "out")
    assert verdicts(tmp_path / "out").column("fate").to_pylist() == ["unused"]


def test_a_condition_is_reported_as_it_was_written(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "a"}])
    condition = "word_count\t> 5\n  and chars > 3"
    wanted = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": [{"where": condition}]}
    summary = build_here(wanted, tmp_path / "out")
    assert [(fall.rule, fall.records) for fall in summary.falls] == [(condition, 1)]


def test_documents_of_no_tokens_are_never_used(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": ""}, {"text": "words, words"}, {"text": ""}])
    spec = {"train": {"vocab_size": 300}, "eos": False}
    wanted = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "tokenizer": spec}
    build_here({**wanted, "mix": mix(phase("first", 30, a=1.0))}, tmp_path / "out")
    ledger = verdicts(tmp_path / "out")
    assert ledger.column("fate").to_pylist() == ["unused", "used", "unused"]
    assert ledger.column("tokens").to_pylist()[0] == 0
    assert ledger.column("tokens_used").to_pylist() == [0, 30, 0]


def test_a_source_in_no_pool_is_tokenized_and_unused(corpus: Path) -> None:
    build_here(manifest(corpus, []), corpus / "out")
    rows = [row for row in verdicts(corpus / "out").to_pylist() if row["source"] == "b"]
    assert {row["fate"] for row in rows} == {"unused"}
    assert all(row["tokens"] > 0 == row["tokens_used"] for row in rows)


@pytest.mark.parametrize("content", ["", '{"text": 7}\n', "\n\n"])
def test_a_source_without_a_document_goes_through_every_stage(tmp_path: Path, content: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jsonl").write_text(content)
    stages = ["gopher_quality", "normalize", "dedup_exact", {"dedup_exact": {"by": "url"}}, {"where": "word_count > 1"}]
    wanted = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": stages}
    spec = {"train": {"vocab_size": 300}}
    summary = build_here({**wanted, "tokenizer": spec}, tmp_path / "out")
    assert (summary.records, summary.tokens) == (content.count("7"), 0)
