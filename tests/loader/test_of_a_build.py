"""The loader over whole builds: what it gives in a step is what `trace` shows of it, on disk and on S3."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pipelines
from pipelines.audit.opened import open_folder
from pipelines.audit.pieces import trace_pieces
from pipelines.audit.steps import Step, pieces_at, place_in, places_of
from pipelines.engine.lock import LOCK
from pipelines.errors import RequestError
from pipelines.loader import finished, load_sequences
from pipelines.mix.shards import METADATA_KEY
from tests.audit.conftest import PROSE, manifest, records
from tests.helpers import build_here, write_lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished build of two phases, `first` and `second`, in sequences of 32 tokens."""
    folder = tmp_path_factory.mktemp("corpus")
    write_lines(folder / "main" / "one.jsonl", records())
    halves = [{"id": f"half-{number}", "text": f"Half {number}. " + PROSE * 3} for number in range(30)]
    write_lines(folder / "half" / "x.jsonl", halves)
    build_here(manifest(folder), folder / "out")
    return folder / "out"


@pytest.mark.parametrize(
    ("batch_size", "phases", "skip"), [(1, (), 0), (7, (), 0), (5, ("second",), 3), (9, ("second", "first"), 0)]
)
def test_a_step_that_is_traced_is_the_step_that_ranks_get(
    folder: Path, batch_size: int, phases: tuple[str, ...], skip: int
) -> None:
    build = open_folder(folder)
    whole = load_sequences(folder, phases or None).batches(batch_size, skip=skip, incomplete="short")
    for number in {0, 1, whole.steps // 2, whole.steps - 1}:
        batch = whole.batch(number)
        pieces = pieces_at(build, places_of(build, Step(number, batch_size, phases, skip)))
        assert [token for piece in pieces for token in piece.ids] == batch.input_ids[batch.attention_mask].tolist()
        assert [piece.uid for piece in pieces] == batch.documents["doc_uids"].tolist()
        assert [piece.start for piece in pieces] == batch.documents["doc_starts"].tolist()
        assert all(each.agrees for each in trace_pieces(build, pieces))


def test_all_steps_together_hold_the_tokens_that_the_budget_names(folder: Path) -> None:
    built = pipelines.open_build(folder)
    for phase, tokens in (("first", 4000), ("second", 900)):
        batches = built.sequences(phase).batches(4, incomplete="short")
        assert sum(int(batch.attention_mask.sum()) for batch in batches) == tokens


def test_lock_and_shards_are_enough(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "shards", tmp_path / "shards")
    shutil.copy(folder / "lock.json", tmp_path)
    moved, there = (load_sequences(each).batches(5) for each in (tmp_path, folder))
    assert [batch.input_ids.tolist() for batch in moved] == [batch.input_ids.tolist() for batch in there]
    assert moved.state_dict() == there.state_dict()


def test_phases_come_in_the_order_of_the_manifest(folder: Path) -> None:
    assert load_sequences(folder).phases == ("first", "second")
    assert (finished.LOCK, finished.METADATA_KEY) == (LOCK, METADATA_KEY)


def test_a_row_that_a_step_has_not_is_refused() -> None:
    with pytest.raises(RequestError, match="no row 2: its 2 sequences"):
        place_in([("a", 0), ("b", 0)], 2)


def traced(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli", "trace", str(folder), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "COLUMNS": "300"})


def test_the_command_shows_every_sequence_of_a_step_or_one(folder: Path) -> None:
    batches = load_sequences(folder).batches(2, world=3)
    shown = traced(folder, "--step", "4", "--batch-size", "6")
    assert shown.returncode == 0
    heads = [f"{shard}, sequence {row}:" for shard, row in batches.places(4)]
    assert [line.split(" 32 tokens")[0] for line in shown.stdout.splitlines() if ", sequence " in line] == heads
    one = traced(folder, "--step", "4", "--batch-size", "6", "--row", "2", "--pieces")
    assert [line for line in one.stdout.splitlines() if ", sequence " in line] == [
        line for line in shown.stdout.splitlines() if line.startswith(heads[2])
    ]
    assert one.stdout.count("Checked: ") == 1


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["first/part-00000.parquet", "0", "--step", "1"],
        ["first/part-00000.parquet", "0", "--phase", "first"],
        ["first/part-00000.parquet", "0", "--batch-size", "2"],
    ],
)
def test_a_command_that_names_a_row_twice_or_never_is_refused(folder: Path, options: list[str]) -> None:
    ended = traced(folder, *options)
    assert ended.returncode == 2
    assert "name either SHARD and ROW, or --step" in ended.stderr
