"""The ledger: what several passes say of a row becomes one verdict."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audit import ledger
from pipelines.audit.ledger import VERDICTS, ledger_name
from pipelines.engine.job import DELTA
from pipelines.engine.selection import FATES
from pipelines.engine.splits import FileIdentity, SourceFile, Split
from tests.helpers import build_here, lines_source, verdicts, write_lines

Row = dict[str, Any]


def delta(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, DELTA)


@st.composite
def passes(draws: Callable[..., Any]) -> list[list[Row]]:
    """Draw what several passes and exchanges say, one after another, of the same rows."""
    alive, said = [True] * draws(st.integers(0, 6)), []
    for number in range(draws(st.integers(1, 4))):
        falls = [standing and draws(st.booleans()) for standing in alive]
        alive = [standing and not falling for standing, falling in zip(alive, falls, strict=True)]
        cluster = draws(st.none() | st.integers(2, 9))
        said.append([_row(number, *row, cluster) for row in zip(alive, falls, strict=True)])
    return said


def _row(number: int, alive: bool, falls: bool, cluster: int | None) -> Row:
    row: Row = {"alive": alive, "chars": number if alive else None, "cluster_size": cluster if alive or falls else None}
    if falls:
        row |= {"fate": "dropped", "stage": f"s{number}", "rule": f"r{number}", "value": float(number)}
    return row


@given(passes())
def test_a_row_fell_where_it_fell_and_later_passes_do_not_change_that(said: list[list[Row]]) -> None:
    merged = ledger._said([delta(rows) for rows in said])
    for at, rows in enumerate(zip(*said, strict=True)):
        fall: Row = next((row for row in rows if "fate" in row), {})
        for name in ("fate", "stage", "rule", "value"):
            assert merged[name][at].as_py() == fall.get(name)
        assert merged["chars_out"][at].as_py() == (rows[-1]["chars"] if rows[-1]["alive"] else None)
        sizes = [row["cluster_size"] for row in rows if row["cluster_size"] is not None]
        assert merged["cluster_size"][at].as_py() == (sizes[-1] if sizes else None)


ROWS = st.tuples(st.none() | st.sampled_from(FATES[:5]), st.none() | st.integers(0, 3), st.booleans())


@given(st.lists(ROWS, max_size=9))
def test_who_stands_is_used_or_held_out_if_some_shard_holds_a_token_of_it(
    rows: list[tuple[str | None, int | None, bool]],
) -> None:
    fates = ledger._fates(
        pa.array([fate for fate, _, _ in rows], pa.string()),
        pa.array([used for _, used, _ in rows], pa.int64()),
        np.array([drawn for _, _, drawn in rows], np.bool_),
    )
    inside = [("held_out" if drawn else "used") if used else "unused" for _, used, drawn in rows]
    assert fates.to_pylist() == [fate or other for (fate, _, _), other in zip(rows, inside, strict=True)]


@given(st.sets(st.integers(0, 30)), st.lists(st.integers(0, 12), max_size=6))
def test_numbers_of_some_rows_are_read_in_step_with_all_rows(held: set[int], steps: list[int]) -> None:
    rows = np.array(sorted(held), np.int64)
    numbers = ledger._Sparse(rows, rows * 2)
    bounds = np.cumsum([0, *steps]).tolist()
    for first, end in pairwise(bounds):
        expected = [row * 2 if row in held else None for row in range(first, end)]
        assert numbers.of(first, end - first).to_pylist() == expected


def split(path: str, start: int = 0, end: int = -1) -> Split:
    return Split(0, "web", SourceFile("/data", path, FileIdentity(1, "tag")), start, end)


def test_a_ledger_file_is_named_by_its_split() -> None:
    assert ledger_name(split("a/x.json.gz")) == "web/a/x.json.gz.parquet"
    assert ledger_name(split("x.jsonl", 0, 10)) == "web/x.jsonl@0.parquet"
    assert ledger_name(split("x.jsonl", 10, 20)) == "web/x.jsonl@10.parquet"


def test_names_of_files_that_a_folder_cannot_hold_are_spelt_otherwise() -> None:
    names = [ledger_name(split(path)) for path in ("a?.jsonl", "a%3F.jsonl", "a:b", "a*b", "a b,+=().jsonl")]
    assert len(set(names)) == len(names)
    assert not any(set(name) & set('?:*"<>|\\') for name in names)
    assert ledger_name(split("文" * 80)) == f"web/{'文' * 80}.parquet"


def test_no_file_is_named_like_a_split_of_another() -> None:
    assert ledger_name(split("x.jsonl", 10, 20)) != ledger_name(split("x.jsonl@10"))


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Build a corpus in which every fate but `used` comes about."""
    records: list[Row] = [
        {"id": "one", "text": "a long enough text"},
        {"id": "two", "text": "a long enough text"},
        {"id": "short", "text": "short"},
        {"text": 7},
        {"id": "old", "text": "another long text", "year": 1999},
        {"text": "a text of no name"},
    ]
    write_lines(tmp_path / "a" / "x.jsonl", records)
    fields = {"year": {"path": "year", "type": "int64"}}
    source = lines_source(tmp_path / "a", fields=fields, where="year is null")
    stages = [{"where": "chars > 6"}, "dedup_exact"]
    build_here({"name": "n", "sources": {"a": source}, "stages": stages}, tmp_path / "out")
    return tmp_path / "out"


def test_every_record_has_its_fate_and_why(built: Path) -> None:
    rows = verdicts(built).to_pylist()
    fates = ["unused", "duplicate", "dropped", "unreadable", "unselected", "unused"]
    assert [row["fate"] for row in rows] == fates
    assert [row["stage"] for row in rows] == [None, "dedup_exact", "where", None, None, None]
    assert [row["rule"] for row in rows][1:3] == ["same_content", "chars > 6"]
    assert rows[3]["rule"].startswith("type:")
    assert [row["value"] for row in rows] == [None, None, 5.0, None, None, None]
    assert rows[1]["kept_uid"] == rows[0]["uid"]
    assert [row["chars_in"] for row in rows] == [18, 18, 5, None, 17, 17]
    assert [row["chars_out"] for row in rows] == [18, None, None, None, None, 17]
    assert verdicts(built).schema == VERDICTS


def test_an_id_and_a_uid_lead_to_the_row(built: Path) -> None:
    table = pq.read_table(built / "ledger" / "ids")
    keys = table.column("key").to_pylist()
    assert keys == sorted(keys)
    rows = verdicts(built).to_pylist()
    found = {(row["key"], row["row"]): row for row in table.to_pylist()}
    assert len(found) == 2 * len(rows)
    for at, row in enumerate(rows):
        for key in (xxhash.xxh3_64_intdigest(row["id"].encode()), row["uid"]):
            answer = found[key, at]
            assert (answer["id"], answer["uid"]) == (row["id"], row["uid"])
            assert answer["file"] == "ledger/verdicts/a/x.jsonl@0.parquet"
