"""A preview shows of each document what a build would do with it, and writes nothing."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.cells import cell_len
from rich.console import Console

from pipelines.audit.changes import Change
from pipelines.audit.opened import Opened
from pipelines.audit.preview import Check, Sighting, preview
from pipelines.audit.preview_page import print_preview
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, load_manifest
from tests.audit.conftest import manifest
from tests.helpers import lines_source, verdicts, write_lines, written


@pytest.fixture
def wanted(corpus: Path, tmp_path: Path) -> Manifest:
    return load_manifest(written(manifest(corpus), tmp_path / "out"))


def seen(wanted: Manifest, count: int = 1000) -> dict[str, Sighting]:
    """Return all documents of a preview by their place."""
    return {document.place: document for each in preview(wanted, count) for document in each.documents}


def ledger_rows(built: Opened) -> dict[str, dict[str, Any]]:
    """Return the rows of a build's ledger, with their signals, by place."""
    rows: dict[str, dict[str, Any]] = {}
    for split in built.splits:
        file = Path(built.storage.url, built.verdicts_file(split))
        signals = pq.read_table(str(file).replace("ledger/verdicts", "ledger/signals"))
        pairs = zip(pq.read_table(file).to_pylist(), signals.to_pylist(), strict=True)
        rows |= {f"{split.source}/{split.file.path}:{row['ordinal']}": {"signals": each, **row} for row, each in pairs}
    return rows


def test_what_is_seen_is_what_the_build_does(wanted: Manifest, built: Opened) -> None:
    documents, rows = seen(wanted), ledger_rows(built)
    taking_part = {place for place, row in rows.items() if row["fate"] not in {"unreadable", "unselected", "unsampled"}}
    assert documents.keys() == taking_part
    for place, document in documents.items():
        row = rows[place]
        if row["fate"] == "dropped":
            assert (document.fate, document.stage, document.rule) == ("dropped", row["stage"], row["rule"])
        elif row["fate"] == "duplicate":
            assert document.fate == "kept"
        else:
            assert (document.fate, document.stage) == ("kept", "")
        known = {name: value for name, value in row["signals"].items() if value is not None and name != "ordinal"}
        assert known.items() <= document.signals.items()


def test_records_that_do_not_take_part_are_passed_over_and_counted(wanted: Manifest, built: Opened) -> None:
    fates = verdicts(Path(built.storage.url)).column("fate").to_pylist()
    over = {each.source: dict(each.passed_over) for each in preview(wanted, 1000)}
    assert over["main"] == {"unreadable": 1, "unselected": 1}
    assert over["half"] == {"unsampled": fates.count("unsampled")}


def test_only_as_many_documents_as_are_asked_for_are_seen(wanted: Manifest) -> None:
    for count in (1, 3, 33):
        assert [len(each.documents) for each in preview(wanted, count, "main")] == [count]
    (first,) = preview(wanted, 2, "main")
    assert [document.id for document in first.documents] == ["kept-0", "kept-1"]
    assert not first.passed_over


def test_every_rule_is_judged_for_every_document_that_comes_to_it(wanted: Manifest) -> None:
    documents = {document.id: document for document in seen(wanted).values()}
    checks = [note for note in documents["short"].notes if isinstance(note, Check)]
    assert [check.rule for check in checks if not check.passes] == ["min_word_count", "min_stop_word_count"]
    assert len(checks) == 9
    assert checks[0] == Check("gopher_quality", "min_word_count", "2 >= 10", passes=False)
    (last,) = [note for note in documents["middling"].notes if isinstance(note, Check) and note.stage == "where"]
    assert (last.words, last.passes) == ("chars < 1000 (chars 1,133)", False)


def test_what_an_editor_changed_is_shown(wanted: Manifest) -> None:
    edited = next(document for document in seen(wanted).values() if document.id == "edited")
    (change,) = [note for note in edited.notes if isinstance(note, Change)]
    assert change.places[0] == ("Cafe\\u0301 number one.\\r\\n", "Café number one.\\n")
    assert change.chars_before - change.chars_after == 2


def test_exchanges_are_only_named(wanted: Manifest) -> None:
    assert {each.exchanges for each in preview(wanted, 1)} == {("dedup_exact (same_content)",)}


def test_a_source_of_which_no_record_takes_part_is_shown_as_such(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "x"}])
    sources = {"a": lines_source(tmp_path / "a", where="chars > 5")}
    loaded = load_manifest(written({"name": "n", "sources": sources}, tmp_path / "out"))
    assert "no document takes part" in page(loaded, 80)
    write_lines(tmp_path / "a" / "x.jsonl", [])
    assert "no document takes part" in page(loaded, 80)


def test_a_source_that_there_is_not_is_refused_with_the_nearest_one(wanted: Manifest) -> None:
    with pytest.raises(RequestError, match="did you mean 'main'"):
        preview(wanted, 5, "mian")


def test_rows_of_parquet_are_seen_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one text", "two"]}), tmp_path / "x.parquet")
    sources = {"a": {"format": "parquet", "path": str(tmp_path / "x.parquet")}}
    stages = [{"where": "chars > 5"}, "normalize", {"where": "word_count < 9"}]
    loaded = load_manifest(written({"name": "n", "sources": sources, "stages": stages}, tmp_path / "out"))
    assert [(each.place, each.fate) for each in seen(loaded).values()] == [
        ("a/x.parquet:0", "kept"),
        ("a/x.parquet:1", "dropped"),
    ]


def page(wanted: Manifest, width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        print_preview(console, preview(wanted, 1000))
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
def test_the_page_fits_and_tells_every_document(wanted: Manifest, width: int) -> None:
    shown = page(wanted, width)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    for document in seen(wanted).values():
        assert f"{document.fate} {document.id}" in shown
    assert "Nothing was written." in shown


def test_nothing_is_written(wanted: Manifest, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    preview(wanted, 5)
    assert sorted(tmp_path.rglob("*")) == before
