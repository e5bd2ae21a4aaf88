"""Comparing with earlier builds: what cannot be compared is refused, and what changes meanwhile stops the build."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from pipelines.engine.earlier import Keyed
from pipelines.engine.meeting import EarlierRows
from pipelines.engine.recalling import RecallTask, open_earlier, recall_tasks, run_recall
from pipelines.engine.session import Settings, build
from pipelines.engine.storage import open_storage
from pipelines.errors import ManifestError, RequestError, SourceChanged
from pipelines.manifest import Manifest, load_manifest, stored_manifest
from tests.dedup.crawls import Stage, built, crawl, manifest, with_options
from tests.helpers import bare_job, build_here, job_here, written

TEXTS = ["one text of a few words", "another text of a few words"]
MINHASH: Stage = {"dedup_minhash": {}}
EXACT: Stage = {"dedup_exact": {}}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a crawl `a`, two builds of it, and a crawl `b`."""
    folder = tmp_path_factory.mktemp("against")
    crawl(folder, "a", TEXTS)
    crawl(folder, "b", TEXTS)
    built(folder, "a", with_options(MINHASH), "near")
    built(folder, "a", with_options(MINHASH, store_shingles=True), "stored")
    built(folder, "a", with_options(EXACT), "exact")
    return folder


def loaded(folder: Path, stage: Stage, **options: object) -> Manifest:
    return load_manifest(written(manifest(folder, "b", with_options(stage, **options)), folder / "loaded"))


def refusal(folder: Path, stage: Stage, out: str, **options: object) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        loaded(folder, stage, against=str(folder / out), **options)
    (name,) = stage
    assert caught.value.key == f"stages.0.{name}.against"
    assert caught.value.value == str(folder / out)
    return caught.value


def test_a_folder_without_a_build_is_refused(folder: Path) -> None:
    assert "no build is there: name a folder that `gristmill build" in refusal(folder, EXACT, "nothing").remedy


def test_a_build_that_is_not_finished_is_refused(folder: Path) -> None:
    shutil.copytree(folder / "exact", folder / "begun", dirs_exist_ok=True)
    lock = (folder / "begun" / "lock.json").read_text()
    (folder / "begun" / "lock.json").write_text(lock[: lock.index('"parts": {')] + '"parts": {}}')
    assert "not finished: run `gristmill build` there again" in refusal(folder, EXACT, "begun").remedy


def test_a_lock_that_says_something_else_is_refused(folder: Path) -> None:
    (folder / "odd").mkdir(exist_ok=True)
    (folder / "odd" / "lock.json").write_text('{"parts": 3}')
    assert "its lock.json cannot be read" in refusal(folder, EXACT, "odd").remedy


def test_a_build_without_the_stage_is_refused(folder: Path) -> None:
    assert "has no stage dedup_exact" in refusal(folder, EXACT, "near").remedy


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ngram": 7}, ["ngram is 5 there and 7 here"]),
        ({"words": "uax29"}, ["words is 'whitespace' there and 'uax29' here"]),
        ({"bands": 9, "rows": 4}, ["bands is 14 there and 9 here", "rows is 8 there and 4 here"]),
        ({"scheme": "legacy", "seed": 2}, ["scheme is 'affine32' there", "seed is 1 there and 2 here"]),
        ({"normalization": "word_characters"}, ["normalization is 'none' there"]),
        ({"scope": ["url"]}, ["scope is 'global' there and ['url'] here"]),
    ],
)
def test_each_option_that_gives_keys_another_meaning_is_named(
    folder: Path, options: dict[str, Any], words: list[str]
) -> None:
    remedy = refusal(folder, MINHASH, "stored", **options).remedy
    assert all(each in remedy for each in words)
    assert "write the same in both" in remedy


def test_options_that_only_judge_may_differ(folder: Path) -> None:
    options = {"jaccard": 0.5, "prefer": "longest", "keep": ["b"], "exempt": ["b"]}
    assert loaded(folder, MINHASH, against=str(folder / "stored"), **options)


def test_editors_before_the_stage_are_part_of_what_keys_mean(folder: Path, tmp_path: Path) -> None:
    against = with_options(EXACT, against=str(folder / "exact"))
    with pytest.raises(ManifestError, match="editors before it are none there and normalize here"):
        load_manifest(written(manifest(folder, "b", "normalize", against), tmp_path / "b"))
    build_here(manifest(folder, "a", "normalize", with_options(EXACT)), tmp_path / "edited")
    edited = with_options(EXACT, against=str(tmp_path / "edited"))
    assert load_manifest(written(manifest(folder, "b", "normalize", edited), tmp_path / "b"))
    by_url = with_options(EXACT, by="url")
    build_here(manifest(folder, "a", by_url), tmp_path / "urls")
    named = with_options(by_url, against=str(tmp_path / "urls"))
    assert load_manifest(written(manifest(folder, "b", "normalize", named), tmp_path / "b"))


def test_keys_of_urls_are_no_keys_of_texts(folder: Path) -> None:
    remedy = refusal(folder, EXACT, "exact", by="url", normalize="lower").remedy
    assert "by is 'content' there and 'url' here; normalize is 'none' there and 'lower' here" in remedy


@pytest.mark.parametrize("field", ["version", "shingles"])
def test_keys_of_another_version_are_refused(folder: Path, field: str) -> None:
    out = f"older_{field}"
    shutil.copytree(folder / "exact", folder / out)
    lock = (folder / out / "lock.json").read_text()
    head, keys = lock.split('"keys": [')
    (folder / out / "lock.json").write_text(f'{head}"keys": [' + keys.replace(f'"{field}": 1', f'"{field}": 0', 1))
    assert "another version of gristmill made them" in refusal(folder, EXACT, out).remedy


def test_shingles_that_were_not_stored_are_missed_only_where_they_are_compared(folder: Path) -> None:
    remedy = refusal(folder, MINHASH, "near").remedy
    assert "has not stored its shingles: write `store_shingles: true` in its dedup_minhash" in remedy
    assert loaded(folder, MINHASH, against=str(folder / "near"), verify=False)


@pytest.mark.parametrize("below", ["rows", "shingles", "records", "deltas"])
def test_a_build_of_which_files_were_deleted_is_refused(folder: Path, below: str) -> None:
    out = f"without_{below}"
    shutil.copytree(folder / "stored", folder / out)
    shutil.rmtree(folder / out / "work" / below)
    assert f"files of that build are gone, such as work/{below}/" in refusal(folder, MINHASH, out).remedy


@pytest.mark.parametrize("against", ["runs/a", ["runs/a", "runs/b"], {"path": "runs/a", "content": "x"}])
def test_editors_know_how_earlier_builds_are_named(folder: Path, against: object) -> None:
    jsonschema.validate(manifest(folder, "b", with_options(EXACT, against=against)), Manifest.json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest(folder, "b", with_options(EXACT, against=3)), Manifest.json_schema())


def test_of_several_builds_the_one_that_is_wrong_is_named(folder: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        loaded(folder, EXACT, against=[str(folder / "exact"), str(folder / "near")])
    assert (caught.value.key, caught.value.value) == ("stages.0.dedup_exact.against.1", str(folder / "near"))
    with pytest.raises(ManifestError, match="name at most 63 builds"):
        loaded(folder, EXACT, against=[str(folder / "exact")] * 64)


def test_a_build_into_the_folder_that_it_is_compared_with_is_refused(folder: Path) -> None:
    wanted = loaded(folder, EXACT, against=str(folder / "exact"))
    lock = (folder / "exact" / "lock.json").read_bytes()
    with pytest.raises(RequestError, match="into which this build would go: name another folder with --out"):
        build(wanted, folder / "exact", Settings(address="none"))
    assert (folder / "exact" / "lock.json").read_bytes() == lock


def test_an_earlier_build_counts_by_its_content_and_not_by_its_folder(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "exact", tmp_path / "moved")
    here, there = (loaded(folder, EXACT, against=str(path)) for path in (folder / "exact", tmp_path / "moved"))
    assert here.canonical() == there.canonical()
    assert here.canonical() != loaded(folder, EXACT).canonical()
    crawl(tmp_path, "a", [*TEXTS, "a third"])
    built(tmp_path, "a", with_options(EXACT), "more")
    assert here.canonical() != loaded(folder, EXACT, against=str(tmp_path / "more")).canonical()


def test_the_manifest_in_the_folder_asks_for_the_same_keys(folder: Path, tmp_path: Path) -> None:
    crawl(tmp_path, "a", TEXTS)
    built(tmp_path, "a", with_options(EXACT), "first")
    built(folder, "b", with_options(EXACT, against=[str(tmp_path / "first")]), "locked")
    path = folder / "locked" / "manifest.yaml"
    assert load_manifest(path) == loaded(folder, EXACT, against=[str(tmp_path / "first")])
    crawl(tmp_path, "a", ["other texts than those"])
    built(tmp_path, "a", with_options(EXACT), "first")
    assert stored_manifest(path.read_text(), "x").stages
    with pytest.raises(ManifestError, match="what is there now has the content"):
        load_manifest(path)


def deleted(first: Path) -> None:
    shutil.rmtree(first)


def built_again(first: Path) -> None:
    crawl(first.parent, "a", ["other texts than those"])
    built(first.parent, "a", with_options(EXACT), "first")


@pytest.mark.parametrize("change", [deleted, built_again])
def test_an_earlier_build_that_changes_after_the_manifest_was_loaded_stops_the_build(
    folder: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    crawl(tmp_path, "a", TEXTS)
    built(tmp_path, "a", with_options(EXACT), "first")
    wanted = loaded(folder, EXACT, against=str(tmp_path / "first"))
    change(tmp_path / "first")
    with pytest.raises(
        SourceChanged, match=f"the earlier build in {tmp_path}/first changed while it was compared with"
    ):
        build(wanted, tmp_path / "second", Settings(address="none"))


def test_a_file_that_vanishes_while_it_is_needed_is_told_with_its_build(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "stored", tmp_path / "first")
    rows = EarlierRows(open_storage(tmp_path / "first"), ((1 << 26, "work/rows/x.rows"),), 0)
    with pytest.raises(SourceChanged, match=f"{tmp_path}/first"):
        rows.read(0, 1)
    tasks = recalls(folder, tmp_path)
    shutil.rmtree(tmp_path / "first" / "work" / "shingles")
    with pytest.raises(SourceChanged, match=f"{tmp_path}/first"):
        run_recall(bare_job(folder / "stored"), tasks[0])


def recalls(folder: Path, tmp_path: Path) -> list[RecallTask]:
    """Return the tasks that bring members of components from a build, as if those of this build were its own."""
    wanted = manifest(folder, "b", with_options(MINHASH, against=str(tmp_path / "first")))
    stage: Any = job_here(wanted, tmp_path / "job").manifest.stages[0].stage
    keyed = Keyed("dedup_minhash", stage, frozenset([""]))
    (found,) = (path for path in open_storage(folder / "stored").list("work/rows") if "components" in path)
    return recall_tasks(open_earlier(keyed), stage.then, found, "exchange")
