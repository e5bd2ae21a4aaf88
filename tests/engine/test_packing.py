"""What a build's packing did, and what it says of it."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipelines.audit.opened import open_folder
from pipelines.audit.report import print_summary
from pipelines.audit.summary import Summary
from pipelines.engine.fit import load_fitted_encoder
from tests.helpers import build_here, lines_source, write_lines

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "runs", "into", "green", "woods"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with documents of 1 to 90 words."""
    folder = tmp_path_factory.mktemp("packing")
    lengths = np.random.default_rng(3).integers(1, 90, 120).tolist()
    texts = [" ".join(WORDS[(number + at) % len(WORDS)] for at in range(n)) for number, n in enumerate(lengths)]
    write_lines(folder / "a" / "x.jsonl", [{"text": text} for text in texts])
    return folder


def built(corpus: Path, **mix: object) -> tuple[Path, Summary]:
    """Build the documents under a mix, in a folder of its own."""
    out = corpus / "-".join(f"{name}={value}" for name, value in mix.items())
    phases = [{"name": "p", "tokens": 6000, "weights": {"a": 1.0}}]
    wanted: dict[str, Any] = {
        "name": "packing",
        "sources": {"a": lines_source(corpus / "a")},
        "tokenizer": {"train": {"vocab_size": 300}, "bos": False, "eos": True},
        "mix": {"sequence_length": 48, "shard_tokens": 2500, "phases": phases, "max_epochs": 20, **mix},
    }
    return out, build_here(wanted, out)


@pytest.mark.parametrize("next_token", [False, True])
@pytest.mark.parametrize("pack", ["best_fit", "pad_truncate"])
def test_packing_is_compared_with_what_concat_really_does(corpus: Path, pack: str, *, next_token: bool) -> None:
    _, summary = built(corpus, pack=pack, next_token=next_token)
    own, other = summary.packed
    _, joined = built(corpus, pack="concat", next_token=next_token)
    assert [other] == joined.packed
    assert (own.method, own.sequences, own.padded) == (pack, summary.sequences, summary.padded)
    assert own.ids == summary.real + summary.repeated + summary.padded == summary.sequences * (48 + next_token)
    assert own.fragments == other.fragments
    assert own.cut < other.cut


def test_best_fit_loses_nothing_and_cuts_less(corpus: Path) -> None:
    out, summary = built(corpus, pack="best_fit", next_token=False)
    lengths = [shard["doc_lengths"].to_pylist() for shard in map(pq.read_table, (out / "shards").rglob("*.parquet"))]
    assert (summary.real, summary.lost, summary.repeated) == (6000, 0, 0)
    assert sum(sum(map(sum, shard)) for shard in lengths) == 6000
    assert any(len(row) > 1 for shard in lengths for row in shard)


def test_tokens_that_frame_documents_are_counted_apart(corpus: Path) -> None:
    out, summary = built(corpus, pack="concat", next_token=False)
    opened = open_folder(out)
    eos = load_fitted_encoder(opened.job, opened.lock.tokenizer).eos_id
    found = 0
    for path in (out / "shards").rglob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            found += row["input_ids"][: sum(row["doc_lengths"])].count(eos)
    assert summary.special == found > 0


def test_the_report_shows_padding_and_cut_documents_beside_concat(corpus: Path) -> None:
    _, summary = built(corpus, pack="best_fit", next_token=True)
    shown = report(summary)
    own, other = summary.packed
    for each, name in ((own, "best_fit"), (other, "(concat instead)")):
        (line,) = (line for line in shown.splitlines() if line.strip().startswith(name))
        counts = [f"{each.sequences:,}", f"{each.padded:,}", f"{each.padded / each.ids:.2%}"]
        assert line.split()[-5:] == [*counts, f"{each.cut:,}", f"{each.cut / each.fragments:.2%}"]
    assert f"{summary.special:,} are BOS or EOS" in shown
    assert f"{summary.repeated:,} stand in two sequences" in shown
    alone = report(msgspec.structs.replace(summary, packed=summary.packed[1:], repeated=0))
    assert "concat" not in alone
    assert "loss_spans" not in alone
    assert "3 documents: loss_spans could not be placed" in report(msgspec.structs.replace(summary, unplaced=3))
    assert "two sequences" not in alone


def report(summary: Summary) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        print_summary(console, summary, "out")
    return captured.get()
