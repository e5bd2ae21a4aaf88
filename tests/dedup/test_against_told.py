"""Comparing with earlier builds: what commands say of it."""

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.audit.forecast import forecast
from pipelines.audit.opened import open_folder
from pipelines.audit.preview import preview
from pipelines.audit.stories import stories_of
from pipelines.audit.stories_page import print_stories
from pipelines.audit.whatif import what_if
from pipelines.engine.job import Resources
from pipelines.manifest import load_manifest
from tests.dedup.crawls import Stage, built, crawl, manifest, with_options
from tests.helpers import build_here, lines_source, written

TEXTS = [f"{word} text of a few words" for word in ("one", "another", "yet another")]
EXACT: Stage = {"dedup_exact": {}}
MINHASH: Stage = {"dedup_minhash": {"ngram": 2}}


def told(folder: Path, name: str) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        print_stories(console, stories_of(open_folder(folder), name))
    return captured.get()


@pytest.mark.parametrize(
    ("stage", "rule"), [(EXACT, "same_content"), (with_options(MINHASH, store_shingles=True), "near_duplicate")]
)
def test_why_names_the_document_that_stays_and_the_build_that_it_is_in(tmp_path: Path, stage: Stage, rule: str) -> None:
    crawl(tmp_path, "a", TEXTS[:2])
    crawl(tmp_path, "c", TEXTS[2:])
    crawl(tmp_path, "b", [*TEXTS, "a text", "a text"])
    (label,) = stage
    folders = [str(tmp_path / out) for out in ("first", "second")]
    (first, _) = built(tmp_path, "a", with_options(stage), "first")
    built(tmp_path, "c", with_options(stage), "second")
    found = built(tmp_path, "b", with_options(stage, against=folders), "third")
    story = told(tmp_path / "third", "b00000")
    assert f"duplicate: {label} ({rule}_earlier): of its group of 2, one of an earlier build stays" in story
    assert f"in the earlier build {folders[0]}" in story
    assert "a00000" in story
    assert f"in the earlier build {folders[1]}" in told(tmp_path / "third", "b00002")
    assert f"({rule}): of its group of 2, another one stays" in told(tmp_path / "third", "b00004")
    shutil.rmtree(tmp_path / "first")
    story = told(tmp_path / "third", "b00000")
    assert f"uid {first['uid']}" in story
    assert found[0]["kept_uid"] == first["uid"]


def one_name(folder: Path, path: str, *stages: Stage) -> dict[str, object]:
    """Return a manifest whose source is called `web`, whatever folder it is."""
    return {"name": "m", "sources": {"web": lines_source(folder / path)}, "stages": [{"where": "chars > 1"}, *stages]}


def test_a_document_here_that_has_the_number_of_the_one_that_stays_there_is_not_taken_for_it(tmp_path: Path) -> None:
    crawl(tmp_path, "a", [TEXTS[0]])
    crawl(tmp_path, "b", ["short", "short", TEXTS[0], TEXTS[1]])
    build_here(one_name(tmp_path, "a", with_options(EXACT)), tmp_path / "first")
    stage = with_options(EXACT, against=str(tmp_path / "first"))
    build_here(one_name(tmp_path, "b", stage), tmp_path / "second")
    second = open_folder(tmp_path / "second")
    (story,) = stories_of(second, "b00002")
    assert [each.id for each in story.survivors] == ["a00000"]
    assert story.verdict.kept_uid == stories_of(second, "b00000")[0].verdict.uid
    answer = what_if(second, ["where=chars > 10"])
    assert answer.exact
    assert [(each.lost, each.gained) for each in answer.sources] == [(1, 0)]


def test_plan_and_preview_say_what_is_compared(tmp_path: Path) -> None:
    crawl(tmp_path, "a", TEXTS)
    crawl(tmp_path, "b", TEXTS)
    stored = with_options(MINHASH, store_shingles=True)
    built(tmp_path, "a", stored, "first")
    stage = with_options(stored, against=str(tmp_path / "first"))
    built(tmp_path, "b", stage, "second")
    wanted = load_manifest(written(manifest(tmp_path, "b", stage), tmp_path / "asked"))
    seen = forecast(wanted, str(tmp_path / "second"), Resources())
    assert [name for step in seen.steps for name in step.steps] == list(open_folder(tmp_path / "second").lock.parts)
    assert seen.standing.finished
    words = [line for step in seen.steps if step.name == "exchange" for lines in step.work.values() for line in lines]
    assert all("all splits, beside 1 earlier build" in line for line in words)
    assert [each.fate for each in preview(wanted)[0].documents] == ["kept"] * 3


def test_a_plan_warns_of_builds_that_an_earlier_one_was_compared_with(tmp_path: Path) -> None:
    for name in "abc":
        crawl(tmp_path, name, TEXTS)
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    built(tmp_path, "a", with_options(EXACT), "first")
    built(tmp_path, "b", with_options(EXACT, against=first), "second")

    def cautions(*against: str) -> list[str]:
        stage = with_options(EXACT, against=list(against))
        wanted = load_manifest(written(manifest(tmp_path, "c", stage), tmp_path / "asked"))
        return [each for each in forecast(wanted, "", Resources()).cautions if "compared with" in each]

    assert cautions(first) == []
    assert cautions(first, second) == []
    (caution,) = cautions(second)
    assert f"{second} was itself compared with 1 earlier build not named here" in caution
