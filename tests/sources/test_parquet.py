"""Parquet files: types, splits, batches, and what is said of broken ones."""

import io
import json
import random
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.reading import extents
from tests.sources.helpers import FailingFile, Row, batches_of, problems_of, rows_of, source_of

PARQUET = source_of("parquet")
MIB = 1 << 20


def parquet(table: pa.Table | dict[str, Any], **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(table) if isinstance(table, dict) else table, sink, **options)
    return sink.getvalue()


def column(rows: list[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]


def unchecked(values: list[bytes]) -> pa.StringArray:
    offsets = np.cumsum([0, *map(len, values)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(values)))


WORDS = ["one", "", "drei \N{LATIN SMALL LETTER U WITH DIAERESIS}", "four\0"]
TEXT_COLUMNS = {
    "string": pa.array(WORDS, pa.string()),
    "large_string": pa.array(WORDS, pa.large_string()),
    "string_view": pa.array(WORDS, pa.string_view()),
    "binary": pa.array([word.encode() for word in WORDS], pa.binary()),
    "large_binary": pa.array([word.encode() for word in WORDS], pa.large_binary()),
    "dictionary": pa.array(WORDS, pa.string()).dictionary_encode(),
}


@pytest.mark.parametrize("array", TEXT_COLUMNS.values(), ids=TEXT_COLUMNS)
def test_text_url_and_id_may_be_stored_as_any_kind_of_string(array: pa.Array) -> None:
    rows = rows_of(PARQUET, parquet({"text": array, "url": array, "id": array}))
    assert column(rows, "text") == WORDS
    assert column(rows, "url") == column(rows, "id") == [word or None for word in WORDS]
    assert problems_of(rows) == []


def test_a_value_that_is_no_text_is_unreadable_alone() -> None:
    valid = parquet({"text": ["a", None, "b"], "id": ["x", "y", "z"]})
    invalid = parquet({"text": unchecked([b"a", b"b\xff", b"\xed\xa0\x80", b"c"])})
    assert column(rows_of(PARQUET, valid), "problem") == [None, "missing: 'text' is null", None]
    assert column(rows_of(PARQUET, valid), "id") == ["x", "", "z"]
    problems = [None, "utf-8: invalid byte 0xff at 1", "utf-8: invalid byte 0xed at 0", None]
    assert column(rows_of(PARQUET, invalid), "problem") == problems
    assert column(rows_of(PARQUET, invalid), "text") == ["a", "", "", "c"]


def test_a_url_that_is_no_text_is_null() -> None:
    rows = rows_of(PARQUET, parquet({"text": ["a", "b"], "url": unchecked([b"\xff", b"u"])}))
    assert column(rows, "url") == [None, "u"]
    assert problems_of(rows) == []


def test_a_language_that_is_a_list_is_null() -> None:
    rows = rows_of(PARQUET, parquet({"text": ["a"], "language": [["C"]]}))
    assert column(rows, "language") == [None]


def test_a_file_without_the_text_column_is_one_unreadable_record_however_it_is_split() -> None:
    data = parquet({"body": ["a"] * 100}, row_group_size=10)
    assert extents(PARQUET, io.BytesIO(data), len(data), "file", 1) == [(0, -1)]
    (row,) = rows_of(source_of("refinedweb"), data, split_bytes=1)
    assert row == {**dict.fromkeys(row), "ordinal": 0, "problem": "parquet: no column 'content'", "text": "", "id": ""}


def test_a_text_column_of_numbers_is_one_unreadable_record() -> None:
    rows = rows_of(PARQUET, parquet({"text": list(range(100))}, row_group_size=10), split_bytes=1)
    assert problems_of(rows) == ["type: 'text' is int64, not a string"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_dates_of_any_unit_and_zone_become_microseconds_in_utc(unit: str, zone: str | None) -> None:
    moment = datetime(2019, 7, 17, 13, 39, 42, tzinfo=UTC)
    given = pa.array([int(moment.timestamp()), None], pa.timestamp("s", tz=zone)).cast(pa.timestamp(unit, tz=zone))
    rows = rows_of(PARQUET, parquet({"text": ["a", "b"], "date": given}))
    assert column(rows, "date") == [moment, None]


def test_dates_before_the_epoch_are_rounded_down_and_impossible_ones_are_null() -> None:
    counts = [-1, 2**62, -(2**62)]
    nanoseconds = rows_of(PARQUET, parquet({"text": ["a"], "date": pa.array([-1], pa.timestamp("ns"))}))
    milliseconds = rows_of(PARQUET, parquet({"text": ["a"] * 3, "date": pa.array(counts, pa.timestamp("ms"))}))
    assert column(nanoseconds, "date") == [datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)]
    assert column(milliseconds, "date") == [datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), None, None]


def test_days_and_strings_and_numbers_are_dates_too() -> None:
    tables = [pa.array([18000], pa.date32()), pa.array(["2019-04-14"]), pa.array([18000 * 86400])]
    rows = [row for dates in tables for row in rows_of(PARQUET, parquet({"text": ["a"], "date": dates}))]
    assert column(rows, "date") == [datetime(2019, 4, 14, tzinfo=UTC)] * 3


def test_declared_fields_are_found_in_structs_and_in_json_strings() -> None:
    fields = {"set": "meta.set", "deep": {"path": "meta.in.n", "type": "int64"}, "gone": "meta.no.such"}
    values = [{"set": "A", "in": {"n": 1}}, None, {"set": "B", "in": None}]
    struct = pa.array(values, pa.struct([("set", pa.string()), ("in", pa.struct([("n", pa.int32())]))]))
    strings = pa.array([json.dumps(value) if value is not None else None for value in values])
    for meta in (struct, strings):
        rows = rows_of(source_of("parquet", fields=fields), parquet({"text": ["a", "b", "c"], "meta": meta}))
        assert [(row["set"], row["deep"], row["gone"]) for row in rows] == [
            ("A", 1, None),
            (None, None, None),
            ("B", None, None),
        ]
        assert problems_of(rows) == []


def test_a_json_string_that_holds_no_object_is_unreadable() -> None:
    rows = rows_of(source_of("pile", fields=["pile_set_name"]), parquet({"text": ["a", "b"], "meta": ["[1]", "{"]}))
    assert problems_of(rows) == ["type: 'meta' is a string, not an object"] * 2


def test_the_deduplicated_pile_has_no_metadata_and_no_problem() -> None:
    rows = rows_of(source_of("pile", fields=["pile_set_name"]), parquet({"text": ["a", "b"]}))
    assert [(row["text"], row["pile_set_name"], row["problem"]) for row in rows] == [
        ("a", None, None),
        ("b", None, None),
    ]


def test_declared_fields_have_their_types() -> None:
    fields = {name: {"path": name, "type": kind} for name, kind in (("n", "int64"), ("x", "float64"), ("flag", "bool"))}
    source = source_of("parquet", fields={**fields, "tags": "tags", "n2": "n"})
    table = {
        "text": ["a", "b"],
        "n": pa.array([1, None], pa.int16()),
        "x": [1, 2],
        "flag": [True, None],
        "tags": [["t"], []],
    }
    rows = rows_of(source, parquet(table))
    assert [(row["n"], row["x"], row["flag"]) for row in rows] == [(1, 1.0, True), (None, 2.0, None)]
    assert [(row["tags"], row["n2"]) for row in rows] == [('["t"]', "1"), ("[]", None)]
    wrong = rows_of(source, parquet({"text": ["a"], "n": ["1"]}))
    assert problems_of(wrong) == ["type: 'n' is a string, not int64"]


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=60),
    group=st.integers(1, 20),
    split_bytes=st.integers(1, 20_000),
)
def test_splits_together_give_each_row_once_in_order(sizes: list[int], group: int, split_bytes: int) -> None:
    data = parquet({"text": ["x" * size for size in sizes]}, row_group_size=group)
    rows = rows_of(PARQUET, data, split_bytes)
    assert [(row["ordinal"], len(row["text"])) for row in rows] == list(enumerate(sizes))


def test_a_split_holds_as_many_row_groups_as_fit_or_one() -> None:
    data = parquet({"text": ["x" * 1000] * 100}, row_group_size=10, use_dictionary=False)
    sizes = [pq.ParquetFile(io.BytesIO(data)).metadata.row_group(group).total_byte_size for group in range(10)]
    cut = extents(PARQUET, io.BytesIO(data), len(data), "file", sum(sizes[:3]))
    assert cut == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert extents(PARQUET, io.BytesIO(data), len(data), "file", 1) == [(group, group + 1) for group in range(10)]


def test_batches_hold_about_four_megabytes_and_a_huge_document_is_one_alone() -> None:
    rng = random.Random(11)
    sizes = [rng.randrange(2000) for _ in range(6000)] + [9 * MIB, 1, 2, 5 * MIB]
    texts = ["x" * size for size in sizes]
    batches = batches_of(PARQUET, parquet({"text": texts}, row_group_size=700), 1 << 40, "file")
    assert [text for batch in batches for text in batch.column("text").to_pylist()] == texts
    lengths = [sum(map(len, batch.column("text").to_pylist())) for batch in batches]
    assert [size for size in lengths if size > 4 * MIB] == [9 * MIB, 5 * MIB]
    assert [len(batch) for batch, size in zip(batches, lengths, strict=True) if size > 4 * MIB] == [1, 1]
    assert min(lengths[: lengths.index(9 * MIB) - 1]) > 3.5 * MIB


def test_empty_texts_still_make_batches() -> None:
    batches = batches_of(PARQUET, parquet({"text": [""] * 200_000}), 1 << 40, "file")
    assert [len(batch) for batch in batches] == [65536, 65536, 65536, 3392]


@pytest.mark.parametrize("table", [{"text": pa.array([], pa.string())}, {"text": ["a"], "other": [1]}])
def test_files_with_few_columns_or_rows_are_read(table: dict[str, Any]) -> None:
    assert len(rows_of(PARQUET, parquet(table))) == len(table["text"])


def some_file(**options: object) -> bytes:
    rng = random.Random(2)
    texts = [" ".join(rng.choices(["mill", "stone", "grain"], k=rng.randrange(40))) for _ in range(60)]
    return parquet(
        {"text": texts, "url": texts, "date": pa.array(range(60), pa.timestamp("ms"))}, row_group_size=20, **options
    )


def test_a_corrupt_row_group_is_one_unreadable_record_and_the_others_stand() -> None:
    data = bytearray(some_file(compression="zstd", use_dictionary=False))
    chunk = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(1).column(0)
    start = chunk.data_page_offset
    data[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    rows = rows_of(PARQUET, bytes(data))
    assert column(rows, "ordinal") == [*range(20), 20, *range(40, 60)]
    assert [row["ordinal"] for row in rows if row["problem"] is not None] == [20]
    assert rows == rows_of(PARQUET, bytes(data), split_bytes=1)


def test_a_wrong_page_checksum_is_found() -> None:
    good = some_file(compression="none", use_dictionary=False, write_page_checksum=True, write_statistics=False)
    where = good.index(b"mill")
    data = good[:where] + b"MILL" + good[where + 4 :]
    assert problems_of(rows_of(PARQUET, good)) == []
    assert [problem.partition(":")[0] for problem in problems_of(rows_of(PARQUET, data))] == ["parquet"]


def test_a_file_cut_anywhere_is_one_unreadable_record() -> None:
    data = some_file()
    for cut in range(4, len(data), 7):
        rows = rows_of(PARQUET, data[:cut], split_bytes=1)
        assert [row["ordinal"] for row in rows] == [0]
        assert rows[0]["problem"].startswith("parquet: ")


@pytest.mark.parametrize("options", [{"compression": "snappy"}, {"compression": "none"}, {"data_page_version": "2.0"}])
def test_flipped_bits_never_raise_and_never_repeat_an_ordinal(options: Row) -> None:
    good = some_file(**options)
    rng = random.Random(23)
    for _ in range(150):
        data = bytearray(good)
        footer = int.from_bytes(good[-8:-4], "little")
        where = rng.choice([rng.randrange(4, len(data)), len(data) - 8 - rng.randrange(1, footer)])
        data[where] = rng.randrange(256)
        rows = rows_of(PARQUET, bytes(data), split_bytes=rng.choice([1, 1 << 40]))
        ordinals = column(rows, "ordinal")
        assert ordinals == sorted(set(ordinals))
        assert all("\n" not in problem for problem in problems_of(rows))


@pytest.mark.parametrize("kind", ["parquet", "refinedweb"])
@pytest.mark.parametrize("data", [b"", b"PAR", b'{"text": "a"}\n' * 9, b"\0" * 100])
def test_what_is_no_parquet_is_one_unreadable_record(kind: str, data: bytes) -> None:
    assert problems_of(rows_of(source_of(kind), data, split_bytes=1)) == ["parquet: the file is plain, not Parquet"]


@pytest.mark.parametrize("kind", ["pile", "dolma", "c4", "redpajama_v1"])
def test_a_corpus_of_lines_is_also_read_from_parquet(kind: str) -> None:
    assert column(rows_of(source_of(kind), parquet({"text": ["a", "b"]}), name="part.jsonl"), "text") == ["a", "b"]


@pytest.mark.parametrize("at", [0, 3000])
def test_a_failure_of_the_storage_itself_is_raised(at: int) -> None:
    data = some_file(use_dictionary=False)
    with pytest.raises(OSError, match="the storage failed"):
        rows_of(PARQUET, FailingFile(data, at))
