"""The runner: what is done is not done again, and products of another manifest go."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.engine.job import Job, Resources
from pipelines.engine.progress import Silent
from pipelines.engine.receipts import FileNote, Receipt, load_receipt, receipt_path, save_receipt
from pipelines.engine.runner import LOG, Runner
from pipelines.engine.storage import open_storage
from pipelines.engine.workers import InProcess
from tests.helpers import bare_job


@dataclass(frozen=True)
class Note:
    """Writes its words to a file with a key for a name."""

    name: str

    def part(self, job: Job) -> str:
        del job
        return f"work/notes/{self.name}"


@dataclass(frozen=True)
class Page:
    """Writes its words to a file with a name for people."""

    name: str
    stamp: str

    def part(self, job: Job) -> str:
        del job
        return f"pages/{self.name}"


def write(job: Job, task: Note | Page) -> Receipt:
    part, stamp = task.part(job), task.stamp if isinstance(task, Page) else ""
    data = f"{task.name} {stamp}".encode()
    job.storage.put(part, data)
    files = {part: FileNote(len(data), "")}
    return save_receipt(job.storage, Receipt(part, files, task.name + stamp, {}, {"stamp": stamp}))


def runner_in(folder: Path, *, reverse: bool = False) -> Runner:
    job = Job(open_storage(folder), bare_job(folder).manifest, "", Resources(reverse=reverse))
    return Runner(job, InProcess(), Silent())


def ran(folder: Path) -> list[str]:
    """Return the parts written so far, in the order in which they were finished."""
    events = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [event["part"] for event in events if event["event"] == "task"]


def notes(names: str) -> Sequence[Note]:
    return [Note(name) for name in names]


def test_receipts_come_in_the_order_of_the_tasks(tmp_path: Path) -> None:
    for reverse in (False, True):
        folder = tmp_path / str(reverse)
        receipts = runner_in(folder, reverse=reverse).run("write", write, notes("cab"))
        assert [receipt.part[-1] for receipt in receipts] == ["c", "a", "b"]
        assert [part[-1] for part in ran(folder)] == (["b", "a", "c"] if reverse else ["c", "a", "b"])


def test_a_task_with_a_receipt_is_not_run_again(tmp_path: Path) -> None:
    runner_in(tmp_path).run("write", write, notes("ab"))
    receipts = runner_in(tmp_path).run("write", write, notes("abc"))
    assert [receipt.part[-1] for receipt in receipts] == ["a", "b", "c"]
    assert [part[-1] for part in ran(tmp_path)] == ["a", "b", "c"]


def test_a_file_without_a_receipt_is_not_done(tmp_path: Path) -> None:
    (tmp_path / "work" / "notes").mkdir(parents=True)
    (tmp_path / "work" / "notes" / "a").write_text("half of it")
    runner_in(tmp_path).run("write", write, notes("a"))
    assert (tmp_path / "work" / "notes" / "a").read_text() == "a "


def test_a_step_without_tasks_has_no_receipts(tmp_path: Path) -> None:
    runner = runner_in(tmp_path)
    assert runner.run("write", write, notes("")) == []
    assert runner.receipts == {"write": []}


def test_an_error_of_a_task_ends_the_step_and_keeps_what_is_done(tmp_path: Path) -> None:
    def fail_at_b(job: Job, task: Note) -> Receipt:
        if task.name == "b":
            raise ZeroDivisionError
        return write(job, task)

    with pytest.raises(ZeroDivisionError):
        runner_in(tmp_path).run("write", fail_at_b, notes("abc"))
    assert [part[-1] for part in ran(tmp_path)] == ["a"]
    runner_in(tmp_path).run("write", write, notes("abc"))
    assert [part[-1] for part in ran(tmp_path)] == ["a", "b", "c"]


def test_a_product_with_another_stamp_is_made_anew(tmp_path: Path) -> None:
    for stamp, text in (("one", "x one"), ("one", "x one"), ("two", "x two")):
        runner_in(tmp_path).run("write", write, [Page("x", stamp)])
        assert (tmp_path / "pages" / "x").read_text() == text
    assert len(ran(tmp_path)) == 2


def test_a_sweep_leaves_what_is_wanted_and_nothing_else(tmp_path: Path) -> None:
    runner = runner_in(tmp_path)
    runner.run("write", write, [Page(name, "s") for name in ("a", "b", "deep/c")])
    (tmp_path / "pages" / "stray").write_text("its receipt went first, and then the power")
    (tmp_path / receipt_path("pages/b")).unlink()
    (tmp_path / "elsewhere").write_text("stays")
    runner.sweep("pages", ["pages/a"])
    left = [path.relative_to(tmp_path).as_posix() for path in (tmp_path / "pages").rglob("*") if path.is_file()]
    assert left == ["pages/a"]
    assert (tmp_path / "elsewhere").exists()
    assert load_receipt(runner.job.storage, "pages/a") is not None
    assert load_receipt(runner.job.storage, "pages/deep/c") is None


def test_a_sweep_of_a_folder_that_is_not_there_does_nothing(tmp_path: Path) -> None:
    runner_in(tmp_path).sweep("pages", [])
    assert not (tmp_path / "pages").exists()
