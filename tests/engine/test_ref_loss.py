"""Builds with a reference model's losses: every token of every shard has its own, or NaN where there is none."""

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipelines.audit.opened import open_folder
from pipelines.audit.pieces import packing_of, pieces_of, trace_pieces
from pipelines.audit.pieces_page import print_sequence
from pipelines.audit.report import print_summary
from pipelines.audit.summary import Summary
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.errors import ManifestError
from pipelines.loader import load_sequences
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.encode import Encoder, load_encoder
from pipelines.tokens.train import train_bpe
from tests.helpers import build_here, digest, lines_source, verdicts, write_lines

TEXTS = [f"Lemma {number}: the sum of {number} terms is caf\u00e9 \u6587. " * (1 + number % 3) for number in range(90)]
SPEC = TokenizerSpec(file="tokenizer.json", eos=True)


def losses(text: str, encoder: Encoder) -> list[float | None]:
    """Return a loss for every token of a text, of the first none, as models give none."""
    tokens = len(encoder.encode(pa.array([text], pa.large_string())).ids) - 1
    return [None if at == 0 else (len(text) * 7 + at * 13) % 97 / 8 for at in range(tokens)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write three sources and a tokenizer.

    Of `math`, lists of every tenth document are too short, and some have none; of `web`, `normalize` changes every
    sixth text; `plain` has none.
    """
    folder = tmp_path_factory.mktemp("ref")
    artifact = train_bpe(TEXTS, TrainOptions(vocab_size=320))
    (folder / "tokenizer.json").write_bytes(artifact)
    encoder = load_encoder(artifact, SPEC)
    records: list[dict[str, Any]] = []
    for number, text in enumerate(TEXTS[:40]):
        held = losses(text, encoder)[1:] if number % 10 == 0 else losses(text, encoder)
        said = {} if number % 10 == 7 else {"scores": {"ref": held}}
        records.append({"id": f"math-{number}", "text": text, **said})
    records.append({"id": "broken", "text": "never seen", "scores": {"ref": [1.0, "two"]}})
    write_lines(folder / "math" / "x.jsonl", records)
    web = [text.replace("\u00e9", "e\u0301") if number % 6 == 0 else text for number, text in enumerate(TEXTS[40:70])]
    held = pa.array([losses(text, encoder) for text in web], pa.list_(pa.float32()))
    (folder / "web").mkdir()
    pq.write_table(
        pa.table({"id": [f"web-{n}" for n in range(30)], "text": web, "ref": held}), folder / "web" / "x.parquet"
    )
    write_lines(folder / "plain" / "x.jsonl", [{"id": f"plain-{n}", "text": text} for n, text in enumerate(TEXTS[70:])])
    return folder


def manifest(corpus: Path, **mix: object) -> dict[str, Any]:
    phase = {"name": "p", "tokens": 4000, "weights": {"math": 0.5, "web": 0.3, "plain": 0.2}}
    return {
        "name": "ref",
        "sources": {
            "math": lines_source(corpus / "math", ref_loss="scores.ref"),
            "web": {"format": "parquet", "path": str(corpus / "web" / "*.parquet"), "ref_loss": "ref"},
            "plain": lines_source(corpus / "plain"),
        },
        "stages": [{"normalize": {"on": ["web"]}}, "dedup_exact"],
        "tokenizer": {"file": str(corpus / "tokenizer.json"), "eos": True},
        "mix": {"sequence_length": 24, "shard_tokens": 1500, "phases": [phase], "max_epochs": 9, **mix},
    }


def wanted_losses(corpus: Path, out: Path) -> dict[int, list[float]]:
    """Return per document, by uid, the losses of its tokens, EOS included."""
    encoder = load_encoder((corpus / "tokenizer.json").read_bytes(), SPEC)
    wanted: dict[int, list[float]] = {}
    for row in verdicts(out).to_pylist():
        source, _, number = row["id"].partition("-")
        at = int(number or 0)
        text = TEXTS[at + {"math": 0, "web": 40, "plain": 70}.get(source, 0)]
        known = losses(text, encoder)
        none = (source == "math" and at % 10 in {0, 7}) or (source == "web" and at % 6 == 0) or source == "plain"
        wanted[row["uid"]] = [*(math.nan if none or each is None else each for each in known), math.nan]
    return wanted


@pytest.mark.parametrize("next_token", [False, True])
@pytest.mark.parametrize("pack", ["concat", "best_fit", "pad_truncate"])
def test_every_token_has_its_loss_or_nan(corpus: Path, pack: str, *, next_token: bool) -> None:
    out = corpus / f"out-{pack}-{next_token}"
    build_here(manifest(corpus, pack=pack, next_token=next_token), out)
    wanted = wanted_losses(corpus, out)
    known = 0
    for path in (out / "shards").rglob("*.parquet"):
        assert pq.read_schema(path).field("ref_loss").type.value_type == pa.float16()
        for row in pq.read_table(path).to_pylist():
            stretches = zip(row["doc_uids"], row["doc_starts"], row["doc_lengths"], strict=True)
            losses = [each for uid, start, length in stretches for each in wanted[uid][start : start + length]]
            padded = losses + [math.nan] * (24 + next_token - len(losses))
            assert np.array_equal(row["ref_loss"], np.array(padded, np.float16), equal_nan=True)
            known += sum(not math.isnan(each) for each in losses)
    assert known > 500


def test_what_does_not_fit_is_counted_and_said(corpus: Path) -> None:
    summary = build_here(manifest(corpus), corpus / "said")
    assert msgspec.structs.asdict(summary.referred) == {"given": 32 + 25, "edited": 5, "misfit": 4}
    assert "ref_loss: 57 documents have it; NaN for all tokens of 9 documents" in report(summary)
    assert "ref_loss" not in report(msgspec.structs.replace(summary, referred=type(summary.referred)()))
    (row,) = (row for row in verdicts(corpus / "said").to_pylist() if row["fate"] == "unreadable")
    assert row["source"] == "math"
    assert row["rule"].startswith("type: 'loss:reference' is no list of numbers")


def report(summary: Summary) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        print_summary(console, summary, "out")
    return captured.get()


def test_losses_do_not_depend_on_how_a_build_was_run(corpus: Path) -> None:
    build_here(manifest(corpus), corpus / "one")
    other = Settings("none", Resources(partitions=5, spill_bytes=1024, reverse=True))
    build_here(manifest(corpus), corpus / "other", other)
    assert digest(corpus / "one") == digest(corpus / "other")


def test_the_loader_gives_the_loss_of_each_target(corpus: Path) -> None:
    out = corpus / "loaded"
    build_here(manifest(corpus, next_token=True), out)
    tables = [pq.read_table(path) for path in sorted((out / "shards").rglob("*.parquet"))]
    rows = [row for table in tables for row in table.to_pylist()]
    batch = load_sequences(out).read(0, len(rows))
    stored = np.array([row["ref_loss"] for row in rows], np.float32)
    expected = np.where(batch.loss_mask, stored[:, 1:], np.nan)
    assert batch.ref_loss.dtype == np.float32
    assert np.array_equal(batch.ref_loss, expected, equal_nan=True)
    assert np.isfinite(batch.ref_loss).any()


def test_trace_says_of_how_many_tokens_the_loss_is_known(corpus: Path) -> None:
    out = corpus / "traced"
    build_here(manifest(corpus), out)
    build = open_folder(out)
    pieces = pieces_of(build, "p/part-00000.parquet", [0])
    row = pq.read_table(out / "shards" / "p" / "part-00000.parquet").slice(0, 1).to_pylist()[0]
    flat = [each for piece in pieces for each in piece.columns["ref_loss"]]
    assert np.array_equal(flat, row["ref_loss"][: len(flat)], equal_nan=True)
    console = Console(width=160)
    with console.capture() as captured:
        print_sequence(console, trace_pieces(build, pieces), packing_of(build, "p/part-00000.parquet"), whole=False)
    for piece in pieces:
        known = sum(not math.isnan(each) for each in piece.columns["ref_loss"])
        assert f"reference loss of {known} of its {len(piece.ids)} token" in captured.get()


def test_a_tokenizer_that_is_yet_to_be_trained_is_refused(corpus: Path) -> None:
    wanted = manifest(corpus)
    wanted["tokenizer"] = {"train": {"vocab_size": 320}}
    with pytest.raises(ManifestError, match=r"sources\.math\.ref_loss.*the tokenizer is yet to be trained"):
        build_here(wanted, corpus / "refused")
