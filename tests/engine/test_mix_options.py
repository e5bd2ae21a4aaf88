"""Groups, hold-outs, subsets and limits of shares, through whole builds."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import open_build
from pipelines.audit.opened import open_folder
from pipelines.audit.pieces import pieces_of, trace_pieces
from pipelines.engine.selection import drawn
from pipelines.errors import NotASubset, TooLargeShare
from pipelines.mix.budgets import phase_tokens
from tests.helpers import build_here, digest, lines_source, tasks_run, verdicts, write_lines

PROSE = "It is said that the mill of the gods grinds slowly, and that those who have to wait with it grow wise. "

SIZES = {"big": 120, "small": 30, "synthetic": 40}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for name, count in SIZES.items():
        texts = [f"{name} number {number}. " + PROSE * (1 + number % 7) for number in range(count)]
        write_lines(folder / name / "x.jsonl", [{"id": f"{name}-{at}", "text": text} for at, text in enumerate(texts)])
    return folder


def manifest(folder: Path, mix: dict[str, Any]) -> dict[str, Any]:
    sources = {name: lines_source(folder / name) for name in SIZES}
    sources["synthetic"]["tags"] = ["made"]
    base = {"sequence_length": 32, "shard_tokens": 1_500}
    train = {"train": {"vocab_size": 400}, "eos": True}
    return {"name": "mixed", "seed": 3, "sources": sources, "tokenizer": train, "mix": {**base, **mix}}


def phase(tokens: int, weights: dict[str, float], **options: object) -> dict[str, Any]:
    return {"name": "main", "tokens": tokens, "weights": weights, **options}


def sequences(out: Path, folder: str) -> list[dict[str, Any]]:
    files = sorted((out / "shards" / folder).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(file) for file in files]).to_pylist() if files else []


def drawn_tokens(out: Path, folder: str) -> Counter[tuple[int, int]]:
    """(address, token) -> how often shards of a folder hold it."""
    found: Counter[tuple[int, int]] = Counter()
    for row in sequences(out, folder):
        for address, start, length in zip(row["doc_addresses"], row["doc_starts"], row["doc_lengths"], strict=True):
            found.update((address, token) for token in range(start, start + length))
    return found


GROUPED = {
    "groups": {"sizes": {"of": ["big", "small"], "alpha": 0.3}, "all": {"of": {"sizes": 0.75, "synthetic": 0.25}}},
    "phases": [phase(4_001, {"all": 1})],
    "max_epochs": 9,
}


def test_a_group_by_a_power_of_size_takes_what_the_counts_of_the_build_say(corpus: Path) -> None:
    summary = build_here(manifest(corpus, GROUPED), corpus / "grouped")
    ledger = verdicts(corpus / "grouped").to_pylist()
    held = Counter[str]()
    for row in ledger:
        held[row["source"]] += row["tokens"]
    above = phase_tokens(4_001, {"sizes": 0.75, "synthetic": 0.25})
    inner = phase_tokens(above["sizes"], {name: round(held[name] ** 0.3, 9) for name in ("big", "small")})
    wanted = {"synthetic": above["synthetic"], **inner}
    assert {each.pool: each.tokens for each in summary.phases} == wanted
    in_shards = Counter[str]()
    for row in sequences(corpus / "grouped", "main"):
        for source, length in zip(row["source_ids"], row["doc_lengths"], strict=True):
            in_shards[sorted(SIZES)[source]] += length
    assert in_shards == wanted


HELD_OUT = {
    "pools": {"long": {"sources": ["big"], "where": "chars > 300", "subset_of": "big"}},
    "phases": [phase(3_000, {"big": 0.5, "small": 0.5}), {**phase(500, {"long": 1}), "name": "anneal"}],
    "max_epochs": 9,
    "holdout": {"big": 0.2, "small": 0.1, "synthetic": 0.5},
}


@pytest.fixture(scope="module")
def held_out(corpus: Path) -> Path:
    build_here(manifest(corpus, HELD_OUT), corpus / "held-out")
    return corpus / "held-out"


def test_the_documents_held_out_are_those_of_the_draw_that_phases_could_read(held_out: Path) -> None:
    rows = verdicts(held_out).to_pylist()
    for source, share in (("big", 0.2), ("small", 0.1)):
        own = [row for row in rows if row["source"] == source]
        uids = np.array([row["uid"] for row in own], np.uint64)
        expected = drawn("holdout", share, 3, uids).tolist()
        assert [row["fate"] == "held_out" for row in own] == expected
        assert 0 < sum(expected) < len(own)
    assert {row["fate"] for row in rows if row["source"] == "synthetic"} == {"unused"}  # no phase draws from it


def test_shards_of_the_hold_out_hold_each_of_its_documents_once_and_whole_and_phases_hold_none(held_out: Path) -> None:
    rows = [row for row in verdicts(held_out).to_pylist() if row["fate"] == "held_out"]
    tokens = drawn_tokens(held_out, "holdout")
    assert sum(tokens.values()) == sum(row["tokens"] for row in rows) == sum(row["tokens_used"] for row in rows)
    assert set(tokens.values()) == {1}
    uids = {uid for row in sequences(held_out, "holdout") for uid in row["doc_uids"]}
    assert uids == {row["uid"] for row in rows}
    for name in ("main", "anneal"):
        assert not uids & {uid for row in sequences(held_out, name) for uid in row["doc_uids"]}


def test_phases_are_exact_beside_a_hold_out(held_out: Path) -> None:
    assert drawn_tokens(held_out, "main").total() == 3_000
    assert drawn_tokens(held_out, "anneal").total() == 500


def test_a_trainer_gets_the_hold_out_only_by_name(held_out: Path) -> None:
    built = open_build(held_out)
    assert built.shards("holdout")
    assert not set(built.shards()) & set(built.shards("holdout"))


def test_why_and_trace_know_what_is_held_out(held_out: Path) -> None:
    built = open_folder(held_out)
    traced = trace_pieces(built, pieces_of(built, "holdout/part-00000.parquet", [0]))
    assert traced
    assert all(each.agrees for each in traced)
    name = next(row["id"] for row in verdicts(held_out).to_pylist() if row["fate"] == "held_out")
    (story,) = open_build(held_out).why(name)
    assert story.reason.startswith("mix.holdout drew it: no phase reads it, and shards/holdout/ has ")
    assert story.pools == ("holdout",)


def test_a_larger_hold_out_holds_the_smaller_and_runs_no_pass_again(held_out: Path) -> None:
    before = {row["uid"] for row in verdicts(held_out).to_pylist() if row["fate"] == "held_out"}
    ran = len(tasks_run(held_out, "pass 1 of 2")), len(tasks_run(held_out, "pass 2 of 2"))
    build_here(manifest(held_out.parent, {**HELD_OUT, "holdout": 0.4}), held_out)
    after = {row["uid"] for row in verdicts(held_out).to_pylist() if row["fate"] == "held_out"}
    assert before < after
    assert ran == (len(tasks_run(held_out, "pass 1 of 2")), len(tasks_run(held_out, "pass 2 of 2")))


def test_without_a_hold_out_its_shards_are_gone(corpus: Path) -> None:
    with_, without = HELD_OUT, {name: value for name, value in HELD_OUT.items() if name != "holdout"}
    build_here(manifest(corpus, with_), corpus / "once")
    build_here(manifest(corpus, without), corpus / "once")
    build_here(manifest(corpus, without), corpus / "never")
    assert not (corpus / "once" / "shards" / "holdout").exists() or not sequences(corpus / "once", "holdout")
    assert digest(corpus / "once") == digest(corpus / "never")


def test_a_pool_that_is_no_subset_stops_the_build_with_counts_before_any_shard(corpus: Path) -> None:
    pools = {
        "loose": {"sources": ["big", "small"], "where": "chars > 300"},
        "strict": {"sources": ["big"], "where": "chars > 200", "subset_of": "loose"},
    }
    mix = {"pools": pools, "phases": [phase(100, {"strict": 0.5, "loose": 0.5})]}
    with pytest.raises(NotASubset) as stop:
        build_here(manifest(corpus, mix), corpus / "subset")
    lengths = [len(f"big number {number}. " + PROSE * (1 + number % 7)) for number in range(SIZES["big"])]
    outside = sum(200 < length <= 300 for length in lengths)
    assert str(stop.value).startswith(f"pool 'strict' is no subset of 'loose': {outside} of its documents, with ")
    assert outside > 0
    assert not (corpus / "subset" / "shards").exists()


def test_a_stricter_pool_of_a_later_phase_passes_as_a_subset(corpus: Path) -> None:
    pools = {
        "loose": {"sources": ["big", "small"], "where": "chars > 150"},
        "strict": {"sources": ["big"], "where": "chars > 300 and chars > 150", "subset_of": "loose"},
    }
    phases = [phase(1_000, {"loose": 1}), {**phase(200, {"strict": 1}), "name": "anneal"}]
    assert build_here(manifest(corpus, {"pools": pools, "phases": phases}), corpus / "nested").shards == 2


def test_a_share_above_its_limit_stops_the_build_before_any_shard(corpus: Path) -> None:
    mix = {
        "pools": {"both": {"sources": ["small", "made"]}},
        "phases": [phase(1_000, {"big": 0.5, "both": 0.5})],
        "max_share": {"made": 0.1},
    }
    with pytest.raises(
        TooLargeShare, match=r"phase 'main' takes \d+ of its 1,000 tokens \(\d+\.\d\d%\) from made, more"
    ):
        build_here(manifest(corpus, mix), corpus / "limited")
    assert not (corpus / "limited" / "shards").exists()
    mix["max_share"] = {"made": 0.45}
    build_here(manifest(corpus, mix), corpus / "limited")
    made = sum(
        length
        for row in sequences(corpus / "limited", "main")
        for source, length in zip(row["source_ids"], row["doc_lengths"], strict=True)
        if sorted(SIZES)[source] == "synthetic"
    )
    assert 100 < made <= 450


def test_a_limit_that_rounding_alone_passes_is_kept(corpus: Path) -> None:
    """Of 9 tokens, 0.3 are 2.7, and by largest remainder 3."""
    mix = {"phases": [phase(9, {"big": 0.7, "synthetic": 0.3})], "max_share": {"made": 0.3}}
    summary = build_here(manifest(corpus, mix), corpus / "rounded")
    assert {each.pool: each.tokens for each in summary.phases} == {"big": 6, "synthetic": 3}
