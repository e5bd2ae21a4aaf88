"""What a build promises, on small corpora that are written here."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.batch import Columns
from pipelines import catalog
from pipelines.engine.keys import document_uids, draw
from pipelines.errors import BuildError, MaxLoss, ShortPool
from tests.helpers import build_here, digest, tasks_run, verdicts, write_lines
from tests.stages import CutSecondLines

PROSE = "It is said that the mill of the gods grinds slowly, and that those who have to wait with it grow wise. "


def document(number: int) -> dict[str, Any]:
    return {
        "id": f"d{number}",
        "text": f"Number {number}. " + PROSE * (1 + number % 5),
        "url": f"https://e.org/{number}",
    }


def manifest(folder: Path, **changes: object) -> dict[str, Any]:
    base = {"name": "small", "seed": 3, "sources": {"a": {"format": "jsonl", "path": f"{folder}/a/*.jsonl"}}}
    return {**base, **changes}


def tokenized(folder: Path, **changes: object) -> dict[str, Any]:
    mix = {
        "sequence_length": 32,
        "shard_tokens": 500,
        "phases": [
            {"name": "first", "tokens": 3000, "weights": {"a": 1.0}},
            {"name": "second", "tokens": 1000, "weights": {"a": 1.0}},
        ],
        "max_epochs": 9,
    }
    return manifest(folder, tokenizer={"train": {"vocab_size": 400}, "eos": True}, mix=mix, **changes)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_lines(tmp_path / "a" / "one.jsonl", [document(number) for number in range(40)])
    write_lines(tmp_path / "a" / "two.jsonl", [document(number) for number in range(30, 60)])
    return tmp_path


def test_every_record_has_one_verdict_in_input_order(corpus: Path) -> None:
    build_here(manifest(corpus, stages=["dedup_exact"]), corpus / "out")
    ledger = verdicts(corpus / "out")
    assert ledger.column("id").to_pylist() == [f"d{n}" for n in range(40)] + [f"d{n}" for n in range(30, 60)]
    assert ledger.column("fate").to_pylist() == ["unused"] * 40 + ["duplicate"] * 10 + ["unused"] * 20


def test_a_duplicate_names_its_survivor_and_its_group(corpus: Path) -> None:
    build_here(manifest(corpus, stages=["dedup_exact"]), corpus / "out")
    ledger = verdicts(corpus / "out").to_pylist()
    survivor, duplicate = ledger[30], ledger[40]
    assert duplicate["kept_uid"] == survivor["uid"]
    assert (duplicate["stage"], duplicate["rule"], duplicate["similarity"]) == ("dedup_exact", "same_content", 1.0)
    assert survivor["kept_uid"] is None
    assert survivor["cluster_size"] == duplicate["cluster_size"] == 2


def test_keep_and_exempt_name_sources_or_tags(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_lines(tmp_path / name / "x.jsonl", [document(number) for number in range(5)])
    sources: dict[str, Any] = {n: {"format": "jsonl", "path": f"{tmp_path}/{n}/*"} for n in ("a", "b", "c")}
    sources["b"]["tags"] = ["good"]
    stages = [{"dedup_exact": {"keep": ["good"], "exempt": ["c"], "max_loss": 1}}]
    build_here({"name": "kept", "sources": sources, "stages": stages}, tmp_path / "out")
    ledger = verdicts(tmp_path / "out")
    assert ledger.column("fate").to_pylist() == ["duplicate"] * 5 + ["unused"] * 10


def test_a_source_that_loses_too_much_stops_the_build_by_name(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [document(0)] * 20)
    with pytest.raises(MaxLoss, match="19 of the 20 documents of source 'a'"):
        build_here(manifest(tmp_path, stages=["dedup_exact"]), tmp_path / "out")


def test_sampling_is_by_uid_alone(corpus: Path) -> None:
    sources = {"a": {"format": "jsonl", "path": f"{corpus}/a/*.jsonl", "sample": {"fraction": 0.5}}}
    build_here(manifest(corpus, sources=sources), corpus / "out")
    ledger = verdicts(corpus / "out")
    uids = np.concatenate(
        [document_uids("a", name, ledger.column("ordinal").to_numpy()[part]) for name, part in PARTS.items()]
    )
    assert ledger.column("uid").to_pylist() == uids.tolist()
    kept = draw("sample", 3, uids) < np.uint64(1 << 63)
    assert [fate == "unused" for fate in ledger.column("fate").to_pylist()] == kept.tolist()


PARTS = {"one.jsonl": slice(0, 40), "two.jsonl": slice(40, 70)}


def test_two_phases_take_exactly_their_tokens_over_epochs(corpus: Path) -> None:
    summary = build_here(tokenized(corpus, stages=["dedup_exact"]), corpus / "out")
    assert {(each.phase, each.tokens) for each in summary.phases} == {("first", 3000), ("second", 1000)}
    shards = sorted((corpus / "out" / "shards").rglob("*.parquet"))
    assert [str(shard.relative_to(corpus / "out" / "shards")) for shard in shards] == [
        *(f"first/part-0000{number}.parquet" for number in range(6)),
        *(f"second/part-0000{number}.parquet" for number in range(2)),
    ]
    lengths = pa.concat_tables([pq.read_table(shard, columns=["doc_lengths"]) for shard in shards])
    assert sum(sum(row) for row in lengths.column(0).to_pylist()) == 4000
    ledger = verdicts(corpus / "out")
    assert sum(ledger.column("tokens_used").drop_null().to_pylist()) == 4000
    assert {row["fate"] for row in ledger.to_pylist() if row["tokens_used"]} == {"used"}


def test_a_pool_that_is_short_stops_the_build_before_any_shard(corpus: Path) -> None:
    wanted = tokenized(corpus)
    wanted["mix"]["max_epochs"] = 1
    wanted["mix"]["phases"][0]["tokens"] = 1_000_000
    with pytest.raises(ShortPool, match=r"max_epochs\.a"):
        build_here(wanted, corpus / "out")
    assert not (corpus / "out" / "shards").exists()


def test_a_build_that_is_run_again_runs_nothing(corpus: Path) -> None:
    wanted = tokenized(corpus, stages=["dedup_exact"])
    build_here(wanted, corpus / "out")
    before = digest(corpus / "out")
    log = (corpus / "out" / "runs.jsonl").read_text()
    build_here(wanted, corpus / "out")
    again = (corpus / "out" / "runs.jsonl").read_text().removeprefix(log)
    assert '"event":"task"' not in again
    assert digest(corpus / "out") == before


def test_a_looser_threshold_measures_nothing_again(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = manifest(corpus, stages=[{"gopher_quality": {"min_word_count": 60}}, "dedup_exact"])
    loose = manifest(corpus, stages=[{"gopher_quality": {"min_word_count": 10}}, "dedup_exact"])
    build_here(strict, corpus / "out")
    dropped = verdicts(corpus / "out").column("fate").to_pylist().count("dropped")
    monkeypatch.setattr(type(catalog.STAGES["gopher_quality"]()), "measure", _never)
    build_here(loose, corpus / "out")
    monkeypatch.undo()
    assert 0 == verdicts(corpus / "out").column("fate").to_pylist().count("dropped") < dropped
    build_here(loose, corpus / "fresh")
    assert digest(corpus / "out") == digest(corpus / "fresh")


def _never(*_: object) -> Columns:
    raise AssertionError("measured again")


def test_new_weights_cost_only_the_last_steps(corpus: Path) -> None:
    wanted = tokenized(corpus, stages=["dedup_exact"])
    build_here(wanted, corpus / "out")
    wanted["mix"]["phases"][0]["tokens"] = 2000
    ran = len(tasks_run(corpus / "out", "pass 1 of 2"))
    build_here(wanted, corpus / "out")
    assert len(tasks_run(corpus / "out", "pass 1 of 2")) == ran
    build_here(wanted, corpus / "fresh")
    assert digest(corpus / "out") == digest(corpus / "fresh")


def test_a_record_that_cannot_be_read_is_counted_and_the_rest_goes_on(corpus: Path) -> None:
    (corpus / "a" / "bad.jsonl").write_text('{"text": "good"}\n{"text": 7}\n{"text": "also good"}\n')
    build_here(manifest(corpus), corpus / "out")
    rows = [row for row in verdicts(corpus / "out").to_pylist() if row["id"].startswith("bad.jsonl")]
    assert [(row["ordinal"], row["fate"]) for row in rows] == [(0, "unused"), (17, "unreadable"), (29, "unused")]
    assert rows[1]["rule"].startswith("type:")
    assert rows[1]["chars_in"] is None


def test_what_an_exchange_cuts_is_the_next_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.STAGES, "cut_second_lines", CutSecondLines)
    texts = ["Ünchanged", "a\nö\nc\nd\n", "x\ny", "ä\n\n\nz"]
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": text} for text in texts])
    stages = ["normalize", "cut_second_lines", {"where": "word_count > 0"}]
    build_here(tokenized(tmp_path, stages=stages) | {"mix": None}, tmp_path / "out")
    ledger = verdicts(tmp_path / "out")
    assert ledger.column("chars_out").to_pylist() == [len("Ünchanged"), len("a\nc\n"), len("x\n"), len("ä\n\n")]
    signals = pq.read_table(tmp_path / "out" / "ledger" / "signals" / "a" / "x.jsonl@0.parquet")
    assert signals.column("word_count@normalize@cut_second_lines").to_pylist() == [1, 2, 1, 1]


def test_a_build_error_is_one_of_ours(corpus: Path) -> None:
    wanted = manifest(corpus, stages=[{"dedup_exact": {"max_loss": 0}}])
    with pytest.raises(BuildError):
        build_here(wanted, corpus / "out")
