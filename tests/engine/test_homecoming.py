"""Reduce and home: what an exchange decides reaches the rows it is about, and no others."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.dedup.exact import DedupExact
from pipelines.dedup.exchanges import Standing
from pipelines.engine import parts
from pipelines.engine.homecoming import HomeTask, ReduceTask, run_home, run_reduce
from pipelines.engine.inputs import plan_splits
from pipelines.engine.job import Holding, Job, Resources
from pipelines.engine.mapping import MapTask, run_map
from pipelines.engine.outputs import fall_name
from pipelines.engine.parts import read_part
from pipelines.engine.receipts import Receipt
from pipelines.engine.route import route_of
from tests.helpers import job_here, lines_source, write_lines

STAGES = [{"where": "chars > 1"}, "dedup_exact"]


def mapped(folder: Path, files: Sequence[Sequence[str]], **resources: Any) -> tuple[Job, list[Holding], list[Receipt]]:  # noqa: ANN401 - fields of `Resources`
    """Run the first pass over files of these texts."""
    for number, texts in enumerate(files):
        write_lines(folder / "a" / f"{number}.jsonl", [{"text": text} for text in texts])
    manifest = {"name": "n", "sources": {"a": lines_source(folder / "a")}, "stages": STAGES}
    job = job_here(manifest, folder / "out", Resources(**resources))
    holdings, receipts = [], []
    for split in plan_splits(job.manifest.sources, 10**9):
        task = MapTask(Holding(split), route_of(job.manifest, "a")[0], Standing(0, exempt=False), False, None, "")
        receipt = run_map(job, task)
        info = receipt.info
        held = Holding(split, info["records"], (receipt.part,), info["mask"], task.work.text)
        holdings.append(held)
        receipts.append(receipt)
    return job, holdings, receipts


def decided(job: Job, holdings: Sequence[Holding], receipts: Sequence[Receipt], partitions: int) -> list[Receipt]:
    inputs = tuple((held.split.number, each.info["rows"]) for held, each in zip(holdings, receipts, strict=True))
    tasks = [ReduceTask(DedupExact(), inputs, "exchange", at, partitions) for at in range(partitions)]
    return [run_reduce(job, task) for task in tasks]


def home_task(holding: Holding, answers: Sequence[Receipt], exchange: str = "exchange") -> HomeTask:
    return HomeTask(holding, DedupExact(), "dedup_exact", tuple(answer.part for answer in answers), exchange)


FILES = [["same", "a", "one"], [], ["two", "same", "same", "b"]]


@pytest.mark.parametrize("partitions", [1, 7])
def test_answers_reach_their_rows(tmp_path: Path, partitions: int) -> None:
    job, holdings, receipts = mapped(tmp_path, FILES)
    answers = decided(job, holdings, receipts, partitions)
    assert sum(answer.counts["rows_in"] for answer in answers) == 5
    assert sum(answer.counts["rows"] for answer in answers) == 3
    homes = [run_home(job, home_task(holding, answers)) for holding in holdings]
    first, empty, last = (read_part(job.storage, home.part) for home in homes)
    assert first.column("alive").to_pylist() == [True, False, True]
    assert first.column("fate").to_pylist() == [None, None, None]
    assert first.column("cluster_size").to_pylist() == [3, None, None]
    assert first.column("chars").to_pylist() == [4, None, 3]
    assert empty.num_rows == 0
    assert last.column("alive").to_pylist() == [True, False, False, False]
    assert last.column("rule").to_pylist() == [None, "same_content", "same_content", None]
    assert last.column("kept_uid").null_count == 2
    assert last.column("similarity").to_pylist() == [None, 1.0, 1.0, None]
    assert [home.counts.get("in") for home in homes] == [2, 0, 3]
    assert [home.counts.get("out") for home in homes] == [2, 0, 1]
    assert homes[2].counts[fall_name("duplicate", "dedup_exact", "same_content")] == 2
    assert fall_name("duplicate", "dedup_exact", "same_content") not in homes[0].counts


def test_the_number_of_partitions_and_the_buffer_change_no_answer(tmp_path: Path) -> None:
    contents = []
    for at, (partitions, spill) in enumerate([(1, 1 << 20), (7, 1 << 20), (3, 100)]):
        job, holdings, receipts = mapped(tmp_path / str(at), FILES, spill_bytes=spill)
        answers = decided(job, holdings, receipts, partitions)
        contents.append([run_home(job, home_task(holding, answers)).content for holding in holdings])
    assert contents[0] == contents[1] == contents[2]


def test_a_split_that_lost_nobody_keeps_its_mask(tmp_path: Path) -> None:
    job, holdings, receipts = mapped(tmp_path, FILES)
    answers = decided(job, holdings, receipts, 1)
    homes = [run_home(job, home_task(holding, answers)) for holding in holdings]
    assert [home.info["mask"] == held.mask for home, held in zip(homes, holdings, strict=True)] == [True, True, False]


def test_row_groups_do_not_move_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text {number % 37}" for number in range(100)]
    fates = []
    for group_rows in (65_536, 7):
        monkeypatch.setattr(parts, "GROUP_ROWS", group_rows)
        job, holdings, receipts = mapped(tmp_path / str(group_rows), [texts])
        home = run_home(job, home_task(holdings[0], decided(job, holdings, receipts, 1)))
        fates.append(read_part(job.storage, home.part).column("fate").to_pylist())
    assert fates[0] == fates[1] == [None] * 37 + ["duplicate"] * 63


def test_the_name_of_an_answer_holds_all_that_decides_it(tmp_path: Path) -> None:
    """The number of the split, too: rows of two equal files differ in nothing else."""
    job, holdings, _ = mapped(tmp_path, [["same"]])
    held = holdings[0]
    changed = [
        replace(held, split=replace(held.split, number=1)),
        replace(held, records="other"),
        replace(held, mask="other"),
        replace(held, text="other"),
    ]
    tasks = [*(home_task(each, []) for each in (held, *changed)), home_task(held, [], "other")]
    assert len({task.part(job) for task in tasks}) == len(tasks)


def test_an_address_beyond_63_bits_comes_home(tmp_path: Path) -> None:
    job, holdings, receipts = mapped(tmp_path, [["same", "same"]])
    far = replace(holdings[0], split=replace(holdings[0].split, number=2**31 + 5))
    answers = decided(job, [far], receipts, 1)
    home = run_home(job, home_task(far, answers))
    assert read_part(job.storage, home.part).column("alive").to_pylist() == [True, False]
