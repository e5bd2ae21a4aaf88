"""Why: the story of any document, found by any of its names."""

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.cells import cell_len
from rich.console import Console

from pipelines.audit.lookup import find
from pipelines.audit.opened import Opened
from pipelines.audit.stories import Story, stories_of
from pipelines.audit.stories_page import print_stories
from pipelines.errors import RequestError
from tests.helpers import lines_source, verdicts, write_lines


def story(built: Opened, name: str) -> Story:
    (found,) = stories_of(built, name)
    return found


@pytest.mark.parametrize(
    ("name", "fate", "reason"),
    [
        ("short", "dropped", "gopher_quality, min_word_count: word_count is 2, at least 10 is asked"),
        ("middling", "dropped", "not true: chars < 1000 (chars is 1,133)"),
        ("old", "unselected", "the source does not select it: year is null"),
        ("copy", "duplicate", "dedup_exact (same_content): of its group of 2, another one stays"),
    ],
)
def test_a_story_says_why_in_one_sentence(built: Opened, name: str, fate: str, reason: str) -> None:
    found = story(built, name)
    assert (found.verdict.fate, found.reason) == (fate, reason)


def of_fate(built: Opened, fate: str) -> list[str]:
    """Return the ids of all documents that met a fate."""
    return [row["id"] for row in verdicts(Path(built.storage.url)).to_pylist() if row["fate"] == fate]


def test_a_record_that_could_not_be_read_says_what_is_wrong_with_it(built: Opened) -> None:
    (name,) = of_fate(built, "unreadable")
    assert story(built, name).reason == "it could not be read: type: 'text' is a number, not a string"


def test_the_number_is_shown_against_the_threshold_of_this_very_build(built: Opened) -> None:
    found = story(built, "numbers")
    assert found.verdict.rule == "min_frac_words_with_alpha"
    assert found.reason.endswith("frac_words_with_alpha is 0.2, at least 0.8 is asked")


def test_every_record_is_found_by_its_id_its_uid_and_its_place(built: Opened) -> None:
    for row in verdicts(Path(built.storage.url)).to_pylist():
        (found,) = find(built, str(row["uid"]))
        assert found in find(built, row["id"])
        assert find(built, found.place) == [found]
        assert find(built, found.place.partition("/")[2]) == [found]
        assert (found.id, found.ordinal, found.source, found.fate) == (
            row["id"],
            row["ordinal"],
            row["source"],
            row["fate"],
        )


def test_a_duplicate_names_the_document_that_stayed(built: Opened) -> None:
    found = story(built, "copy")
    (survivor,) = found.survivors
    assert survivor.id == "kept-3"
    assert survivor.fate in {"used", "unused"}
    assert (found.verdict.cluster_size, survivor.cluster_size) == (2, 2)


def test_a_document_left_out_by_a_sample_says_so(built: Opened) -> None:
    for name in of_fate(built, "unsampled"):
        assert story(built, name).reason == "the source's sample of 0.5 left it out, by its uid"
    assert of_fate(built, "unsampled")


def test_the_places_of_a_documents_tokens_are_those_in_the_shards(built: Opened) -> None:
    held: defaultdict[int, Counter[tuple[str, int, int]]] = defaultdict(Counter)
    for shard in built.shards:
        for row in pq.read_table(f"{built.storage.url}/{shard}").to_pylist():
            columns = (row["doc_uids"], row["doc_epochs"], row["doc_starts"], row["doc_lengths"])
            for uid, epoch, start, length in zip(*columns, strict=True):
                held[uid].update((shard, epoch, token) for token in range(start, start + length))
    for row in verdicts(Path(built.storage.url)).to_pylist():
        told = Counter(
            (use.shard, use.epoch, token)
            for use in story(built, str(row["uid"])).uses
            for token in range(use.start, use.start + use.tokens)
        )
        assert told == held[row["uid"]]
        assert told.total() == (row["tokens_used"] or 0)


def test_pools_are_those_whose_conditions_hold(built: Opened) -> None:
    long = story(built, "kept-6")
    assert long.signals["word_count@normalize"] > 80
    assert long.pools == ("long", "main")
    assert story(built, "kept-0").pools == ("main",)
    assert story(built, "short").pools == ()


def test_an_unused_document_says_which_pools_never_reached_it(built: Opened) -> None:
    unused = of_fate(built, "unused")
    assert "never came: the phases took fewer tokens" in story(built, unused[0]).reason


def test_without_a_mix_a_survivor_is_told_that_there_are_no_shards(
    tmp_path: Path, building: Callable[[dict[str, Any]], Opened]
) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"id": "x", "text": "a text"}])
    built = building({"name": "n", "sources": {"a": lines_source(tmp_path / "a")}})
    assert "mixes nothing" in story(built, "x").reason


def test_one_id_in_two_sources_is_two_stories(tmp_path: Path, building: Callable[[dict[str, Any]], Opened]) -> None:
    for source in "ab":
        write_lines(tmp_path / source / "x.jsonl", [{"id": "same", "text": f"the text of {source}"}])
    built = building({"name": "n", "sources": {name: lines_source(tmp_path / name) for name in "ab"}})
    assert [each.verdict.source for each in stories_of(built, "same")] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("kept-77", "kept-7"),
        ("EPT-1", "kept-1"),
        ("main/one.jsonl:5", "main/one.jsonl:0"),
        ("main/on.jsonl:5", "main/one.jsonl:0"),
        ("main/two.jsonl:99999999", "main/two.jsonl:"),
        ("", "main/one.jsonl:0"),
        ("99999999999999999999999", "kept-0"),
        ("main/:x", "kept-0"),
        ("half/x.jsonl:", "half/x.jsonl:0"),
    ],
)
def test_a_name_that_there_is_not_is_refused_with_names_that_there_are(built: Opened, name: str, near: str) -> None:
    with pytest.raises(RequestError) as refused:
        stories_of(built, name)
    assert refused.value.exit_code == 2
    assert near in str(refused.value)
    assert "source/path:ordinal" in str(refused.value)


def page(stories: list[Story], width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        print_stories(console, stories)
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
def test_every_story_has_a_page_that_fits(built: Opened, width: int) -> None:
    for row in verdicts(Path(built.storage.url)).to_pylist():
        shown = page(stories_of(built, str(row["uid"])), width)
        assert max(cell_len(line) for line in shown.splitlines()) <= width
        assert row["fate"] in shown
        assert str(row["uid"]) in shown


def test_a_page_shows_ids_as_they_are_written(built: Opened) -> None:
    assert "[red]odd/id:9[/]" in page(stories_of(built, "[red]odd/id:9[/]"))


def test_a_page_of_a_duplicate_shows_its_survivor_and_similarity(built: Opened) -> None:
    shown = page(stories_of(built, "copy"))
    assert "kept-3" in shown
    assert "similarity" in shown
