"""Parts: what is written is what is read, whatever the sizes in which rows come and go."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine import parts
from pipelines.engine.parts import AlignedReader, PartWriter, read_part, scan_part
from pipelines.engine.storage import open_storage

SCHEMA = pa.schema([("row", pa.int64()), ("text", pa.large_string())])
SIZES = st.lists(st.integers(0, 12), max_size=12)


def rows(first: int, count: int) -> pa.Table:
    numbers = range(first, first + count)
    return pa.table([pa.array(numbers, pa.int64()), pa.array([f"t{n}" for n in numbers], pa.large_string())], SCHEMA)


def write(folder: str | Path, sizes: Sequence[int], *, grouped: bool = True) -> PartWriter:
    """Write sum(sizes) numbered rows in tables of these sizes."""
    with PartWriter(open_storage(folder), "x.parquet", SCHEMA, grouped=grouped) as writer:
        first = 0
        for size in sizes:
            writer.add(rows(first, size))
            first += size
    return writer


@given(SIZES, st.integers(2, 9))
def test_the_sizes_of_tables_change_neither_bytes_nor_content(sizes: list[int], group_rows: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "GROUP_ROWS", group_rows)
        one, other = write(f"{folder}/a", sizes), write(f"{folder}/b", [1] * sum(sizes))
        assert one.files == other.files
        assert one.content == other.content
        assert one.rows == sum(sizes)
        table = read_part(open_storage(f"{folder}/a"), "x.parquet")
        assert table.equals(rows(0, sum(sizes)))
        groups = [group.num_rows for group in scan_part(open_storage(f"{folder}/a"), "x.parquet")]
        assert all(group == group_rows for group in groups[:-1])
        assert groups[-1] <= group_rows


@given(SIZES)
def test_long_texts_keep_one_group_per_table_that_has_rows(sizes: list[int]) -> None:
    with TemporaryDirectory() as folder:
        write(folder, sizes, grouped=False)
        groups = [group.num_rows for group in scan_part(open_storage(folder), "x.parquet")]
        assert groups == ([size for size in sizes if size] or [0])


@given(SIZES, st.integers(2, 9), st.lists(st.integers(0, 15), max_size=12))
def test_a_reader_gives_the_next_rows_in_any_steps(sizes: list[int], group_rows: int, steps: list[int]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "GROUP_ROWS", group_rows)
        write(folder, sizes)
        reader, first, total = AlignedReader(open_storage(folder), "x.parquet", ["row"]), 0, sum(sizes)
        for step in steps:
            expected = list(range(first, min(first + step, total)))
            taken = reader.take(step)
            assert taken.schema == pa.schema([SCHEMA.field("row")])
            assert taken.column("row").to_pylist() == expected
            first += len(expected)


def test_the_receipt_will_say_size_and_hash_of_the_file(tmp_path: Path) -> None:
    note = write(tmp_path, [3, 4]).files["x.parquet"]
    data = (tmp_path / "x.parquet").read_bytes()
    assert (note.bytes, note.hash) == (len(data), xxhash.xxh3_128_hexdigest(data))


def test_other_rows_are_other_content(tmp_path: Path) -> None:
    assert write(tmp_path / "a", [3]).content != write(tmp_path / "b", [4]).content


def test_a_part_without_rows_has_its_columns(tmp_path: Path) -> None:
    write(tmp_path, [])
    (table,) = scan_part(open_storage(tmp_path), "x.parquet", ["text"])
    assert (table.num_rows, table.schema.names) == (0, ["text"])


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> None:
        with PartWriter(open_storage(tmp_path), "x.parquet", SCHEMA, grouped=False) as writer:
            writer.add(rows(0, 5))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_rows_of_another_schema_leave_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="schema"),
        PartWriter(open_storage(tmp_path), "x.parquet", SCHEMA) as writer,
    ):
        writer.add(pa.table({"other": [1]}))
    assert list(tmp_path.iterdir()) == []


def test_what_is_abandoned_never_appears(tmp_path: Path) -> None:
    with PartWriter(open_storage(tmp_path), "x.parquet", SCHEMA, grouped=False) as writer:
        writer.add(rows(0, 5))
        writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_columns_come_in_the_order_asked_for(tmp_path: Path) -> None:
    write(tmp_path, [2])
    assert read_part(open_storage(tmp_path), "x.parquet", ["text", "row"]).schema.names == ["text", "row"]
    assert pq.read_table(tmp_path / "x.parquet").equals(rows(0, 2))


def test_long_values_have_neither_dictionary_nor_bounds_and_others_have_both(tmp_path: Path) -> None:
    schema = pa.schema([("row", pa.uint32()), ("text", pa.large_string()), ("ids", pa.large_binary())])
    with PartWriter(open_storage(tmp_path), "x.parquet", schema) as writer:
        writer.add(pa.table([[1, 1], ["long", "long"], [b"run", b"run"]], schema))
    group = pq.ParquetFile(tmp_path / "x.parquet").metadata.row_group(0)
    columns = [group.column(place) for place in range(3)]
    assert [column.has_dictionary_page for column in columns] == [True, False, False]
    assert [column.is_stats_set for column in columns] == [True, False, False]
