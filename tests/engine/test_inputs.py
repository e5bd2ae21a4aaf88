"""Inputs: splits are numbered by (source, path, start), and named by none of their numbers."""

from pathlib import Path

import pytest

from pipelines.engine.inputs import plan_splits
from pipelines.engine.splits import Split
from pipelines.errors import RequestError
from pipelines.sources.jsonl import JsonLines
from pipelines.sources.options import SourceOptions


def write(folder: Path, name: str, size: int = 10) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x" * size)


def lines(*paths: object) -> SourceOptions:
    return JsonLines(path=[str(path) for path in paths])


def places(splits: list[Split]) -> list[tuple[int, str, str, int, int]]:
    return [(each.number, each.source, each.file.path, each.start, each.end) for each in splits]


def test_splits_are_numbered_by_source_path_and_start(tmp_path: Path) -> None:
    for name, size in (("z/b.jsonl", 25), ("z/a/c.jsonl", 10), ("y/d.jsonl", 10)):
        write(tmp_path, name, size)
    sources = {"two": lines(tmp_path / "z"), "one": lines(tmp_path / "y")}
    assert places(plan_splits(sources, 10)) == [
        (0, "one", "d.jsonl", 0, 10),
        (1, "two", "a/c.jsonl", 0, 10),
        (2, "two", "b.jsonl", 0, 10),
        (3, "two", "b.jsonl", 10, 20),
        (4, "two", "b.jsonl", 20, 25),
    ]


def test_starts_are_ordered_as_numbers(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", 1200)
    starts = [each.start for each in plan_splits({"s": lines(tmp_path)}, 100)]
    assert starts == list(range(0, 1200, 100))


def test_a_file_that_is_added_renumbers_and_renames_nothing_else(tmp_path: Path) -> None:
    for name in ("a.jsonl", "c.jsonl"):
        write(tmp_path, name)
    before = {each.file.path: each for each in plan_splits({"s": lines(tmp_path)}, 100)}
    write(tmp_path, "b.jsonl")
    after = {each.file.path: each for each in plan_splits({"s": lines(tmp_path)}, 100)}
    assert [after[name].number for name in ("a.jsonl", "b.jsonl", "c.jsonl")] == [0, 1, 2]
    assert before["c.jsonl"].number == 1
    assert all(before[name].key == after[name].key for name in before)


def test_a_folder_that_moves_keeps_the_names_of_its_splits(tmp_path: Path) -> None:
    write(tmp_path / "here", "a.jsonl")
    before = plan_splits({"s": lines(tmp_path / "here")}, 100)
    (tmp_path / "here").rename(tmp_path / "there")
    after = plan_splits({"s": lines(tmp_path / "there")}, 100)
    assert [each.key for each in before] == [each.key for each in after]
    assert before[0].file.root != after[0].file.root


def test_a_file_that_changes_is_another_split(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", 10)
    (before,) = plan_splits({"s": lines(tmp_path)}, 100)
    write(tmp_path, "a.jsonl", 11)
    (after,) = plan_splits({"s": lines(tmp_path)}, 100)
    assert before.key != after.key


def test_the_same_file_in_two_sources_is_two_splits(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl")
    one, two = plan_splits({"s": lines(tmp_path), "t": lines(tmp_path)}, 100)
    assert one.key != two.key


def test_an_empty_file_is_a_split(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", 0)
    assert places(plan_splits({"s": lines(tmp_path)}, 100)) == [(0, "s", "a.jsonl", 0, -1)]


def test_a_file_that_two_patterns_find_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl")
    with pytest.raises(RequestError, match=r"sources\.s\.path: a\.jsonl is found twice"):
        plan_splits({"s": lines(tmp_path / "*.jsonl", tmp_path / "a*")}, 100)


def test_two_files_of_one_relative_path_are_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(tmp_path / folder, "a.jsonl")
    with pytest.raises(RequestError, match="source of its own"):
        plan_splits({"s": lines(tmp_path / "one" / "*", tmp_path / "two" / "*")}, 100)
