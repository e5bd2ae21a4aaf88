"""Signals that are lists (a number per line) and labels (strings) go wherever numbers go."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.batch import Batch, Columns, Stage, Verdicts, judging
from filters.signals import SIGNALS, Signal
from filters.verdicts import Rule, judge_by
from pipelines import catalog
from pipelines.audit.forecast import forecast
from pipelines.audit.preview import preview
from pipelines.engine.job import Resources
from pipelines.engine.measured import scatter
from pipelines.manifest import load_manifest
from tests.helpers import build_here, digest, lines_source, tasks_run, verdicts, write_lines, written

WIDTHS = pa.list_(pa.float32())


class Lined(Stage):
    """Measures the width of each line, how many there are, and who wrote them."""

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = ("line_widths", "line_count", "hand")
    most: int = judging(100, "most lines")

    def measure(self, batch: Batch) -> Columns:
        lines = [text.splitlines() for text in batch.text.to_pylist()]
        return {
            "line_widths": pa.array([[len(line) / 3 for line in each] for each in lines], WIDTHS),
            "line_count": pa.array([len(each) for each in lines], pa.int64()),
            "hand": pa.array([each[0][:1] if each and each[0] else None for each in lines], pa.string()),
        }

    def judge(self, signals: Columns) -> Verdicts:
        return judge_by([Rule("most", "line_count", "max", self.most)], signals)


@pytest.fixture(autouse=True)
def lined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.STAGES, "lined", Lined)
    for name, kind in (("line_widths", WIDTHS), ("line_count", pa.int64()), ("hand", pa.string())):
        monkeypatch.setitem(catalog.SIGNAL_PROVIDERS, name, Lined)
        monkeypatch.setitem(SIGNALS, name, Signal(name, kind, "", "", ""))


TEXTS = ["aaa\nb", "b\n\ncc", "", "\n", "aaaaaaaaa", "b" * 30]


def manifest(folder: Path, *stages: object, **changes: object) -> dict[str, Any]:
    if not (folder / "a").exists():
        for name in ("x", "y"):
            records = [{"text": text, "n": number} for number, text in enumerate(TEXTS)]
            write_lines(folder / "a" / f"{name}.jsonl", records)
        write_lines(folder / "a" / "empty.jsonl", [])
    fields = {"n": {"path": "n", "type": "int64"}}
    source = lines_source(folder / "a", fields=fields)
    return {"name": "n", "sources": {"a": source}, "stages": list(stages), **changes}


def fates(out: Path) -> list[str]:
    found: list[str] = verdicts(out).column("fate").to_pylist()
    return found[: len(TEXTS)]


def test_lists_and_labels_are_in_the_ledger_as_they_were_measured(tmp_path: Path) -> None:
    build_here(manifest(tmp_path, "lined"), tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "ledger" / "signals" / "a" / "x.jsonl@0.parquet")
    assert table.column("line_widths").to_pylist()[0] == pytest.approx([1, 1 / 3])
    assert table.column("line_widths").to_pylist()[2:4] == [[], [0.0]]
    assert table.column("hand").to_pylist() == ["a", "b", None, None, "a", "b"]


def test_conditions_and_pools_ask_for_lists_and_labels(tmp_path: Path) -> None:
    build_here(manifest(tmp_path, {"where": "max(line_widths) > 0.9 and hand == 'a'"}), tmp_path / "out")
    assert fates(tmp_path / "out") == ["unused", "dropped", "dropped", "dropped", "unused", "dropped"]
    pools = {"long": {"sources": ["a"], "where": "mean(line_widths) > 2 and hand in ('a', 'b')"}}
    phase = {"name": "p", "tokens": 10, "weights": {"long": 1.0}, "short": "scale"}
    mix = {"pools": pools, "phases": [phase], "sequence_length": 8}
    build_here(manifest(tmp_path, tokenizer={"train": {"vocab_size": 300}}, mix=mix), tmp_path / "mixed")
    assert [fate == "used" for fate in fates(tmp_path / "mixed")] == [False] * 4 + [True] * 2


def test_what_is_stored_and_what_is_measured_now_stand_in_one_column(tmp_path: Path) -> None:
    for least in (3, 1, 0):
        stages = ["normalize", {"where": f"n >= {least}"}, "dedup_exact", "lined"]
        build_here(manifest(tmp_path, *stages), tmp_path / "out")
    build_here(manifest(tmp_path, *stages), tmp_path / "fresh")
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")


def test_a_new_threshold_reads_no_text_again_though_some_labels_are_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most in (100, 1):
        build_here(manifest(tmp_path, {"lined": {"most": most}}, {"where": "sum(line_widths) < 5"}), tmp_path / "out")
        with monkeypatch.context() as patch:
            for reading in ("source_pieces", "text_pieces"):
                patch.setattr(f"pipelines.engine.recording.{reading}", None)
            build_here(manifest(tmp_path, {"lined": {"most": 1}}, {"where": "sum(line_widths) < 5"}), tmp_path / "out")
    assert len(tasks_run(tmp_path / "out", "pass 1 of 1")) == 6
    build_here(manifest(tmp_path, {"lined": {"most": 1}}, {"where": "sum(line_widths) < 5"}), tmp_path / "fresh")
    assert fates(tmp_path / "out") == ["dropped", "dropped", "unused", "unused", "unused", "dropped"]
    assert fates(tmp_path / "out") == fates(tmp_path / "fresh")


def test_plan_and_preview_see_lists(tmp_path: Path) -> None:
    path = written(manifest(tmp_path, "lined", {"where": "sum(line_widths) >= 0"}), tmp_path / "out")
    (seen,) = preview(load_manifest(path), 2)
    assert seen.documents[1].signals["hand"] == "b"
    assert seen.documents[1].signals["line_widths"] == pytest.approx([1 / 3, 0, 2 / 3])
    assert forecast(load_manifest(path), "", Resources()).steps


@pytest.mark.parametrize("kind", [WIDTHS, pa.string(), pa.list_(pa.float32())])
def test_values_are_put_where_they_belong(kind: pa.DataType) -> None:
    values = pa.array(["x", None] if kind == pa.string() else [[1.5, 2], None], kind)
    assert scatter(values, np.array([3, 1]), 4).to_pylist() == [None, None, None, values[0].as_py()]
