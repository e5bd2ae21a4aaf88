"""An overlay shows a storage as it would be, and leaves it as it is."""

from pathlib import Path

import pytest

from pipelines.audit.overlay import Overlay
from pipelines.engine.storage import open_storage


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_bytes(b"as it was")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written_is_read_back_and_reaches_no_disk(folder: Path) -> None:
    before, overlay = contents(folder), Overlay(open_storage(folder))
    with overlay.write("a/new") as file:
        file.write(b"0123456789")
    overlay.put("a/old", b"changed")
    overlay.append("log", b"a line\n")
    overlay.sweep()
    assert overlay.read("a/new") == overlay.open("a/new").read() == b"0123456789"
    assert overlay.read_range("a/new", 2, 5) == b"234"
    assert overlay.read("a/old") == b"changed"
    assert contents(folder) == before


def test_a_file_is_created_once(folder: Path) -> None:
    overlay = Overlay(open_storage(folder))
    assert not overlay.create("a/old", b"x")
    assert overlay.create("a/new", b"x")
    assert not overlay.create("a/new", b"y")
    assert overlay.read("a/new") == b"x"


def test_what_is_deleted_is_hidden_and_stays(folder: Path) -> None:
    before, overlay = contents(folder), Overlay(open_storage(folder))
    overlay.delete("a/old")
    assert not overlay.exists("a/old")
    assert overlay.list("a") == []
    with pytest.raises(FileNotFoundError, match="a/old"):
        overlay.read("a/old")
    assert contents(folder) == before


def test_what_is_below_shows_through(folder: Path) -> None:
    storage = open_storage(folder)
    overlay = Overlay(storage)
    with overlay.open("a/old") as file:
        assert file.read() == overlay.read("a/old") == b"as it was"
    assert overlay.read_range("a/old", 0, 2) == b"as"
    assert overlay.list() == ["a/old"]
    assert overlay.identify("a/old") == storage.identify("a/old")
    assert overlay.url == storage.url


def test_over_nothing_there_is_nothing() -> None:
    overlay = Overlay()
    assert (overlay.url, overlay.list("a"), overlay.exists("a")) == ("", [], False)
    with pytest.raises(FileNotFoundError):
        overlay.read("a")


def test_a_file_that_was_not_finished_is_not_there() -> None:
    overlay = Overlay()
    with pytest.raises(ValueError, match="stop"), overlay.write("a"):
        raise ValueError("stop")
    assert not overlay.exists("a")
