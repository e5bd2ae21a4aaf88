"""Opening a build: only a finished one is opened, and any row of its parts is read without reading the rest."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audit.opened import Opened, open_folder, rows_of
from pipelines.engine.storage import open_storage
from pipelines.errors import RequestError
from pipelines.manifest import load_manifest
from tests.audit.conftest import manifest
from tests.helpers import build_here


def test_an_opened_build_has_the_manifest_and_the_splits_that_it_was_made_from(corpus: Path, built: Opened) -> None:
    assert built.manifest == load_manifest(corpus / "out.yaml")
    assert [split.number for split in built.splits] == list(range(len(built.splits)))
    assert {split.file.root for split in built.splits} == {str(corpus / "main"), str(corpus / "half")}


def test_the_manifest_of_a_build_folder_is_a_manifest_that_builds_the_same(corpus: Path, built: Opened) -> None:
    again = load_manifest(corpus / "out" / "manifest.yaml")
    assert again == built.manifest
    assert again.canonical() == load_manifest(corpus / "out.yaml").canonical()


def test_a_folder_without_a_build_is_refused_with_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no build: name the folder"):
        open_folder(tmp_path)


def test_a_build_that_is_not_finished_is_refused(corpus: Path, tmp_path: Path) -> None:
    wanted = manifest(corpus, stages=[{"dedup_exact": {"max_loss": 0}}])
    with pytest.raises(Exception, match="max_loss"):
        build_here(wanted, tmp_path / "out")
    with pytest.raises(RequestError, match="is not finished: run `gristmill build` again"):
        open_folder(tmp_path / "out")


@pytest.mark.parametrize("lock", ["", "[]", '{"manifest_hash": 7}'])
def test_a_lock_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path, lock: str) -> None:
    (tmp_path / "lock.json").write_text(lock)
    with pytest.raises(RequestError, match=r"lock\.json cannot be read"):
        open_folder(tmp_path)


@given(rows=st.lists(st.integers(0, 99), max_size=12), group=st.integers(1, 120))
def test_any_rows_are_read_in_the_order_asked_for(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int], group: int
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    table = pa.table({"number": list(range(100)), "square": [number**2 for number in range(100)]})
    pq.write_table(table, folder / "part.parquet", row_group_size=group)
    read = rows_of(open_storage(folder), "part.parquet", rows, ["square"])
    assert read.to_pydict() == {"square": [row**2 for row in rows]}


@pytest.mark.parametrize("row", [-1, 3])
def test_a_row_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path, row: int) -> None:
    pq.write_table(pa.table({"number": [1, 2, 3]}), tmp_path / "part.parquet")
    with pytest.raises(IndexError, match="has rows 0 to 2"):
        rows_of(open_storage(tmp_path), "part.parquet", [row])
