"""One document looked at alone shows every number and every rule, also behind the one where it falls."""

from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.cells import cell_len
from rich.console import Console

from filters.batch import Batch, Columns, Stage, Verdicts, judging
from filters.gopher_repetition import GopherRepetition
from filters.verdicts import Rule
from pipelines.audit.opened import Opened
from pipelines.audit.preview import Check, Reading, Sighting, preview
from pipelines.audit.preview_one import Wanted, preview_one
from pipelines.audit.preview_one_page import print_one
from pipelines.audit.preview_page import MANY, print_preview
from pipelines.audit.tables import Name, table_of
from pipelines.audit.wording import shown
from pipelines.catalog import STAGES
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, load_manifest
from tests.audit.conftest import manifest
from tests.helpers import lines_source, verdicts, write_lines, written


@pytest.fixture
def wanted(corpus: Path, tmp_path: Path) -> Manifest:
    return load_manifest(written(manifest(corpus), tmp_path / "out"))


def only(loaded: Manifest, name: str) -> Sighting:
    (seen,) = preview_one(loaded, Wanted(name))
    (document,) = seen.documents
    return document


def checks(document: Sighting, stage: str) -> list[Check]:
    return [note for note in document.notes if isinstance(note, Check) and note.stage == stage]


def page(loaded: Manifest, name: str, width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        print_one(console, preview_one(loaded, Wanted(name)))
    return captured.get()


def test_rules_behind_the_one_that_fails_are_judged_too(wanted: Manifest) -> None:
    document = only(wanted, "short")
    assert (document.fate, document.stage, document.rule) == ("dropped", "gopher_quality", "min_word_count")
    assert len(checks(document, "gopher_quality")) == 9
    (last,) = checks(document, "where")
    assert (last.numbers, last.asked, last.passes) == ((("chars", 9),), "chars < 1000", True)
    assert document.signals["word_count@normalize"] == 2


def test_the_verdict_is_that_of_the_preview_of_many(wanted: Manifest) -> None:
    for seen in preview(wanted, 1000):
        for document in seen.documents[::7]:
            alone = next(each for each in preview_one(wanted, Wanted(document.place))[0].documents)
            assert (alone.id, alone.fate, alone.stage, alone.rule) == (
                document.id,
                document.fate,
                document.stage,
                document.rule,
            )
            assert document.signals.items() <= alone.signals.items()


def test_each_number_is_noted_where_it_was_measured(wanted: Manifest) -> None:
    document = only(wanted, "kept-1")
    readings = [note for note in document.notes if isinstance(note, Reading)]
    assert {note.name: note.value for note in readings} == document.signals
    assert {note.stage for note in readings} == {"gopher_quality"}


def test_a_document_is_found_by_its_id_its_place_and_its_number(wanted: Manifest) -> None:
    document = only(wanted, "kept-2")
    assert only(wanted, document.place).id == "kept-2"
    assert only(wanted, document.place.removeprefix("main/")).id == "kept-2"
    (third,) = preview_one(wanted, Wanted(number=3), "main")
    assert [each.id for each in third.documents] == ["kept-2"]
    both = preview_one(wanted, Wanted(number=3))
    assert [seen.source for seen in both] == ["half", "main"]


def test_a_number_counts_over_all_files_of_a_source(wanted: Manifest) -> None:
    (seen,) = preview(wanted, 1000, "main")
    for number in (30, 31, len(seen.documents)):
        (found,) = preview_one(wanted, Wanted(number=number), "main")
        assert [each.place for each in found.documents] == [seen.documents[number - 1].place]


def test_a_record_that_takes_no_part_is_shown_as_such(wanted: Manifest, built: Opened) -> None:
    document = only(wanted, "old")
    assert (document.fate, document.notes) == ("unselected", [])
    (bad,) = (row for row in verdicts(Path(built.storage.url)).to_pylist() if row["fate"] == "unreadable")
    document = only(wanted, bad["id"])
    assert (document.fate, document.rule, document.text) == ("unreadable", bad["rule"], "")


def test_a_document_that_there_is_not_is_refused(wanted: Manifest) -> None:
    with pytest.raises(RequestError, match="no record is called 'nobody'"):
        preview_one(wanted, Wanted("nobody"))
    with pytest.raises(RequestError, match="no document 999 takes part"):
        preview_one(wanted, Wanted(number=999))
    with pytest.raises(RequestError, match="did you mean 'main'"):
        preview_one(wanted, Wanted("kept-1"), "mian")


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", ["short", "edited", "middling", "old", "[red]odd/id:9[/]"])
def test_the_page_fits_and_has_every_number_and_every_rule(wanted: Manifest, name: str, width: int) -> None:
    printed = page(wanted, name, width)
    assert max(cell_len(line) for line in printed.splitlines()) <= width
    document = only(wanted, name)
    assert f"{document.fate} {name}" in printed
    if width >= 100:
        assert [each for each in document.signals if each not in printed] == []
        assert [note.asked for note in document.notes if isinstance(note, Check) and note.asked not in printed] == []


class Kind(Stage):
    """Calls a text by its first word, and keeps some."""

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = ("kind",)
    keep: tuple[str, ...] = judging((), "labels")

    def measure(self, batch: Batch) -> Columns:
        return {"kind": pa.array([text.split()[0] for text in batch.text.to_pylist()], pa.string())}

    def judge(self, signals: Columns) -> Verdicts:
        others = pc.invert(pc.is_in(signals["kind"], pa.array(self.keep)))
        rule = pc.if_else(others, pa.scalar("keep"), pa.scalar(None, pa.string()))
        return Verdicts(rule, pa.nulls(len(others), pa.float64()))

    @property
    def rules(self) -> tuple[Rule, ...]:
        return ()


def test_labels_are_shown_with_those_that_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGES, "kind", Kind)
    write_lines(tmp_path / "a" / "x.jsonl", [{"id": "x", "text": "prose of old"}, {"id": "y", "text": "verse"}])
    stages = [{"kind": {"keep": ["verse", "song"]}}]
    whole = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": stages}
    loaded = load_manifest(written(whole, tmp_path / "out"))
    for name, kind, passes in (("x", "prose", False), ("y", "verse", True)):
        (check,) = checks(only(loaded, name), "kind")
        assert check == Check("kind", "keep", f"{kind}: one of verse, song", passes)
        assert check.numbers == (("kind", kind),)
        assert "one of verse, song" in page(loaded, name, 80)


def test_a_list_of_numbers_is_summarized() -> None:
    assert shown([0.5, 0.25, None, 1.0]) == "4 values, 0.25 to 1"
    assert shown([]) == "0 values"
    assert shown(None) == "-"
    assert shown("en") == "en"
    assert shown(1234) == "1,234"


def test_the_preview_of_many_shows_of_many_numbers_those_that_fail(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"id": "x", "text": "too short"}])
    whole: dict[str, Any] = {
        "name": "n",
        "sources": {"a": lines_source(tmp_path / "a")},
        "stages": [{"gopher_quality": {"min_word_count": 10}}, "gopher_repetition"],
    }
    loaded = load_manifest(written(whole, tmp_path / "out"))
    (seen,) = preview(loaded, 1)
    assert len(seen.documents[0].signals) > MANY
    console = Console(width=100)
    with console.capture() as captured:
        print_preview(console, [seen])
    printed = captured.get()
    assert "word_count 2" in printed
    assert "more; --id shows all" in printed
    assert len(printed.splitlines()) < 30


def test_a_name_that_does_not_fit_breaks_behind_an_underscore() -> None:
    table = table_of("", ["rule"], ["value"])
    table.add_row(Name("max_frac_bullet_lines"), "0.0121951215")
    console = Console(width=28)
    with console.capture() as captured:
        console.print(table)
    lines = [line.strip() for line in captured.get().splitlines() if "_" in line or "lines" in line]
    assert [line.split()[0] for line in lines] == ["max_frac_", "bullet_lines"]


def test_numbers_of_one_document_stand_in_the_order_of_the_rules(wanted: Manifest) -> None:
    printed = page(wanted, "short", 120)
    rules = [check.rule for check in checks(only(wanted, "short"), "gopher_quality")]
    assert sorted(rules, key=printed.index) == rules


def test_of_a_document_that_stays_the_preview_of_many_says_how_many_numbers_there_are(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"id": "x", "text": "one two three"}])
    bounds: dict[str, Any] = {name: None for name in GopherRepetition.model_fields if name.startswith("max_")}
    whole = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": [{"gopher_repetition": bounds}]}
    console = Console(width=100)
    with console.capture() as captured:
        print_preview(console, preview(load_manifest(written(whole, tmp_path / "out")), 1))
    assert "  13 numbers; --id shows all" in captured.get()
