"""Map tasks: their keys, what they write, and what they need not read."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from filters.gopher import GopherQuality
from filters.normalize import Normalize
from pipelines.dedup.exchanges import Standing
from pipelines.engine import outputs
from pipelines.engine.exchange import read_partition
from pipelines.engine.inputs import plan_splits
from pipelines.engine.job import Holding, Job, Resources
from pipelines.engine.mapping import MapTask, run_map
from pipelines.engine.outputs import exchange_documents, fall_name
from pipelines.engine.parts import read_part
from pipelines.engine.receipts import Receipt, forget, load_receipt
from pipelines.engine.route import Pass, route_of
from pipelines.errors import SourceChanged
from tests.engine.test_walk import begin, piece_of
from tests.helpers import job_here, lines_source, write_lines

TEXTS = ["one two three", "one", "é two", "one two three"]


def job_of(folder: Path, stages: list[Any], texts: list[str] = TEXTS, **source: object) -> Job:
    """Write one file of a source `a`, unless it is there; return the job."""
    if not (folder / "a" / "x.jsonl").exists():
        write_lines(folder / "a" / "x.jsonl", [{"text": text, "n": at} for at, text in enumerate(texts)])
    sources = {"a": lines_source(folder / "a", **source)}
    return job_here({"name": "n", "sources": sources, "stages": stages}, folder / "out")


def first_task(job: Job, *, keeps_text: bool = False, number: int = 0) -> MapTask:
    """Return the task of the first pass over the only split."""
    (split,) = plan_splits(job.manifest.sources, 10**9)
    holding = Holding(replace(split, number=number))
    return MapTask(holding, route_of(job.manifest, "a")[0], Standing(0, exempt=False), keeps_text, None, "")


def run(job: Job, *, keeps_text: bool = False) -> Receipt:
    return run_map(job, first_task(job, keeps_text=keeps_text))


def delta(job: Job, receipt: Receipt) -> pa.Table:
    return read_part(job.storage, receipt.part)


def test_a_key_names_neither_numbers_nor_places_nor_resources(tmp_path: Path) -> None:
    job = job_of(tmp_path, ["gopher_quality", "dedup_exact"])
    task = first_task(job)
    moved = replace(task.holding.split, file=replace(task.holding.split.file, root="/elsewhere"))
    others = [
        (job, first_task(job, number=7)),
        (job, replace(task, holding=replace(task.holding, split=moved))),
        (replace(job, resources=Resources(workers=9, spill_bytes=1, partitions=7, reverse=True)), task),
        (replace(job, manifest=job.manifest.model_copy(update={"seed": 5, "name": "other"})), task),
    ]
    assert {other.key(where) for where, other in others} == {task.key(job)}


def test_a_key_names_all_that_decides_what_is_written(tmp_path: Path) -> None:
    job = job_of(tmp_path, ["normalize", "dedup_exact"])
    task = first_task(job)
    held, work = task.holding, task.work
    later = replace(held, records="r", mask="m", text="t")
    others = [
        replace(task, holding=later),
        replace(task, holding=replace(later, mask="other")),
        replace(task, holding=replace(later, text="other")),
        replace(task, holding=replace(later, cuts="other")),
        replace(task, keeps_text=True),
        replace(task, encoder_hash="e"),
        replace(task, standing=Standing(1, exempt=False)),
        replace(task, standing=Standing(0, exempt=True)),
        replace(task, work=replace(work, steps=work.steps[1:])),
        replace(task, work=replace(work, exchange=None, exchange_label="")),
        replace(task, work=work.behind("cut")),
        replace(task, holding=replace(held, split=replace(held.split, end=7))),
    ]
    assert len({other.key(job) for other in (task, *others)}) == len(others) + 1


@pytest.mark.parametrize("option", [{"where": "n < 2"}, {"select": {"n": 1}}, {"sample": {"fraction": 0.5}}])
def test_what_a_source_selects_counts_in_the_first_pass_alone(tmp_path: Path, option: dict[str, Any]) -> None:
    fields = {"n": {"path": "n", "type": "int64"}}
    plain, chosen = (first_task(job) for job in _jobs(tmp_path, fields, option))
    one, other = _jobs(tmp_path, fields, option)
    assert plain.key(one) != chosen.key(other)
    held = [replace(task, holding=replace(task.holding, records="r", mask="m")) for task in (plain, chosen)]
    assert held[0].key(one) == held[1].key(other)


def _jobs(folder: Path, fields: object, option: dict[str, Any]) -> tuple[Job, Job]:
    return job_of(folder, [], fields=fields), job_of(folder, [], fields=fields, **option)


def test_another_seed_is_another_first_pass_only_where_a_sample_is_drawn(tmp_path: Path) -> None:
    job = job_of(tmp_path, [], sample={"fraction": 0.5})
    other = replace(job, manifest=job.manifest.model_copy(update={"seed": 5}))
    assert first_task(job).key(job) != first_task(other).key(other)


def test_a_pass_writes_one_row_per_record_and_counts_what_fell(tmp_path: Path) -> None:
    job = job_of(tmp_path, [{"where": "chars > 3"}, "dedup_exact"])
    receipt = run(job)
    table = delta(job, receipt)
    assert table.column("alive").to_pylist() == [True, False, True, True]
    assert table.column("rule").to_pylist() == [None, "chars > 3", None, None]
    assert table.column("chars").to_pylist() == [13, None, 5, 13]
    assert receipt.counts == {
        "rows": 4,
        "out": 3,
        "chars_in": 34,
        "chars_out": 31,
        fall_name("dropped", "where", "chars > 3"): 1,
    }
    rows = read_partition(job.storage, [(0, receipt.info["rows"])], 0, 1)
    assert sorted(rows["row"].tolist()) == [0, 2, 3]


def test_a_text_is_kept_where_an_editor_changed_it(tmp_path: Path) -> None:
    job = job_of(tmp_path, ["normalize"])
    assert run(job).info["texts"] is None
    receipt = run(job, keeps_text=True)
    table = read_part(job.storage, receipt.info["texts"])
    assert table.column("row").to_pylist() == [0, 1, 2, 3]
    assert table.column("text").to_pylist()[2] == "é two"


@pytest.mark.parametrize(("condition", "kept"), [("chars > 3", False), ("chars > 5", False), ("chars < 5", True)])
def test_an_unedited_text_is_kept_where_fewer_than_half_survive(tmp_path: Path, condition: str, kept: bool) -> None:
    job = job_of(tmp_path, [{"where": condition}])
    receipt = run(job, keeps_text=True)
    assert (receipt.info["texts"] is not None) == kept
    assert bool(list((tmp_path / "out" / "work" / "texts").iterdir())) == kept


def test_a_needless_text_is_given_up_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "TRIAL_CHARS", 1_000_000)
    job = job_of(tmp_path, [{"where": "chars > 3"}], ["x" * 1_500_000] * 9)
    assert run(job, keeps_text=True).info["texts"] is None
    assert list((tmp_path / "out" / "work" / "texts").iterdir()) == []


def test_a_looser_threshold_needs_no_text(tmp_path: Path) -> None:
    options = {"min_mean_word_length": 1, "min_stop_word_count": 0}
    strict = job_of(tmp_path, [{"gopher_quality": {**options, "min_word_count": 3}}])
    assert run(strict).counts["out"] == 2
    loose = job_of(tmp_path, [{"gopher_quality": {**options, "min_word_count": 2}}])
    task = first_task(loose, keeps_text=True)
    (tmp_path / "a" / "x.jsonl").unlink()
    receipt = run_map(loose, task)
    assert receipt.counts["out"] == 3
    assert receipt.info["texts"] is None
    assert delta(loose, receipt).column("chars").to_pylist() == [13, None, 5, 13]


def test_an_editor_needs_the_text_whatever_is_known(tmp_path: Path) -> None:
    run(job_of(tmp_path, ["gopher_quality"]))
    job = job_of(tmp_path, ["gopher_quality", "normalize"])
    task = first_task(job)
    (tmp_path / "a" / "x.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"x\.jsonl"):
        run_map(job, task)


def test_numbers_of_a_pass_that_was_killed_before_its_receipt_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(tmp_path, ["gopher_quality"])
    whole = run(job)
    forget(job.storage, whole.part)
    monkeypatch.setattr(GopherQuality, "measure", lambda *_: pytest.fail("measured again"))
    assert run(job).content == whole.content


def test_a_pass_that_fails_leaves_neither_parts_nor_unfinished_files(tmp_path: Path) -> None:
    job = job_of(tmp_path, ["normalize", "dedup_exact"])
    task = first_task(job, keeps_text=True)
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "other"}])
    with pytest.raises(SourceChanged, match=r"a/x\.jsonl changed"):
        run_map(job, task)
    assert [path for path in (tmp_path / "out" / "work").rglob("*") if path.is_file()] == []
    assert load_receipt(job.storage, task.part(job)) is None


def test_a_second_reading_must_say_what_the_first_one_said(tmp_path: Path) -> None:
    """Size, time and sampled hash do not show a change of one letter far from both ends and the middle."""
    job = job_of(tmp_path, ["normalize"], ["x" * 100 + str(number) for number in range(4000)])
    path = tmp_path / "a" / "x.jsonl"
    run(job)
    stat, task = path.stat(), first_task(job, keeps_text=True)
    path.write_text(path.read_text().replace('x1000"', 'y1000"'))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert first_task(job, keeps_text=True).key(job) == task.key(job)
    with pytest.raises(SourceChanged, match=r"a/x\.jsonl changed"):
        run_map(job, task)


def test_an_edited_pass_measures_on_the_text_it_made(tmp_path: Path) -> None:
    job = job_of(tmp_path, ["normalize", {"where": "chars == 5"}], ["e\u0301 two"])
    assert run(job).counts["out"] == 1
    assert Normalize().version == 1


def test_flags_and_dates_do_not_stop_an_exchange(tmp_path: Path) -> None:
    fields = {"flag": {"path": "flag", "type": "bool"}, "day": {"path": "day", "type": "timestamp"}}
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "a", "flag": True, "day": "2024-01-01"}])
    job = job_of(tmp_path, ["dedup_exact"], fields=fields)
    assert run(job).counts["out"] == 1


def test_an_exchange_sees_the_least_date_where_there_is_none() -> None:
    walk = begin(piece_of(["a", "b"]))
    documents = exchange_documents(walk, np.array([0, 1], np.uint32))
    assert documents["date"].tolist() == [np.iinfo(np.int64).min] * 2
    assert documents["uid"].tolist() == [100, 101]
    assert documents["chars"].tolist() == [1, 1]


def test_a_pass_without_steps_passes_everyone(tmp_path: Path) -> None:
    job = job_of(tmp_path, [])
    assert first_task(job).work == Pass()
    assert run(job).counts["out"] == 4
