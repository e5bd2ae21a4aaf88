"""Signals: measured once, found again, and put beside the verdicts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import Batch, Columns, Stage, batch_of
from filters.gopher import GopherQuality
from pipelines.engine.keys import free_name
from pipelines.engine.measured import (
    StoredSignals,
    column_names,
    known_everywhere,
    measure_missing,
    scatter,
    stored_columns,
)
from pipelines.engine.parts import PartWriter
from pipelines.engine.receipts import Receipt, save_receipt
from pipelines.engine.route import Step
from tests.helpers import bare_job, build_here, digest, lines_source, write_lines

STEP = Step("measure", "gopher_quality", GopherQuality(), "source", "")
OTHER = Step("measure", "gopher_quality", GopherQuality(stop_words=("a",)), "source", "")


@given(st.lists(st.none() | st.integers(0, 2**63 - 1), max_size=12))
def test_scattered_values_stand_at_their_rows_and_null_elsewhere(values: list[int | None]) -> None:
    rows = np.flatnonzero([value is not None for value in values])
    held = pa.array([value for value in values if value is not None], pa.uint64())
    assert scatter(held, rows, len(values)).to_pylist() == values


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert free_name("x", []) == "x"
    assert free_name("x", ["x", "x#2"]) == "x#3"
    columns = {"x": pa.array([1])}
    assert column_names(columns, "@normalize", {"x"}) == {"x": "x@normalize"}
    assert column_names(columns, "", {"x"}) == {"x": "x#2"}


class Lengths(Stage):
    """Measures lengths, and refuses documents that it was told were known."""

    version: ClassVar[int] = 1

    def measure(self, batch: Batch) -> Columns:
        texts = batch.text.to_pylist()
        assert not any(text.startswith("known") for text in texts)
        return {
            "length": pa.array([len(text) for text in texts], pa.int64()),
            "half": pa.array([len(text) / 2 for text in texts], pa.float32()),
        }


@given(st.lists(st.tuples(st.text("ab", max_size=5), st.booleans(), st.booleans()), max_size=10))
def test_only_documents_without_a_number_are_measured(rows: Sequence[tuple[str, bool, bool]]) -> None:
    """Each row: its text, whether it is at hand, whether it is known."""
    texts = [("known" if known else "") + text for text, _, known in rows]
    held = np.flatnonzero([here for _, here, _ in rows])
    lengths = [len(text) if row[2] else None for text, row in zip(texts, rows, strict=True)]
    halves = [None if length is None else length / 2 for length in lengths]
    known = {"length": pa.array(lengths, pa.int64()), "half": pa.array(halves, pa.float32())}
    step = Step("measure", "lengths", Lengths(), "source", "")
    found = measure_missing(step, batch_of([texts[at] for at in held]), held, known)
    assert found["length"].to_pylist() == [len(texts[at]) for at in held]
    assert found["half"].to_pylist() == [len(texts[at]) / 2 for at in held]
    assert found["half"].type == pa.float32()


def test_what_measures_nothing_cannot_be_asked() -> None:
    with pytest.raises(TypeError, match="measures nothing"):
        measure_missing(Step("measure", "stage", Stage(), "source", ""), batch_of(["a"]), np.array([0]), {})


def store(folder: Path, name: str, columns: Mapping[str, Sequence[Any]], steps: Mapping[str, Mapping[str, str]]) -> str:
    """Write a signals part of the records `r`, as a map task does; return its path."""
    table = pa.table({column: pa.array(values, pa.int64()) for column, values in columns.items()})
    with PartWriter(bare_job(folder).storage, f"work/signals/r/{name}.parquet", table.schema) as writer:
        writer.add(table)
    receipt = Receipt(writer.part, writer.files, writer.content, {"rows": writer.rows}, {"steps": dict(steps)})
    return save_receipt(bare_job(folder).storage, receipt).part


def test_numbers_of_several_builds_are_put_together(tmp_path: Path) -> None:
    store(tmp_path, "one", {"n": [1, None, None, None]}, {STEP.signals_key: {"n": "n"}})
    store(tmp_path, "two", {"n#2": [None, 2, None, 4], "n": [7, 7, 7, 7]}, {STEP.signals_key: {"n": "n#2"}, "x": {}})
    stored = StoredSignals(bare_job(tmp_path), "r")
    for step in (STEP, OTHER):
        stored.open(step)
    assert [stored.take(STEP, count)["n"].to_pylist() for count in (3, 1)] == [[1, 2, None], [4]]
    assert stored.take(OTHER, 4) == {}


def test_numbers_of_other_records_are_not_found(tmp_path: Path) -> None:
    store(tmp_path, "one", {"n": [1]}, {STEP.signals_key: {"n": "n"}})
    stored = StoredSignals(bare_job(tmp_path), "other records")
    stored.open(STEP)
    assert stored.take(STEP, 1) == {}


def test_known_everywhere_means_some_number_of_every_row_asked_for() -> None:
    columns = {"a": pa.array([1, None, 3, None]), "b": pa.array([1, 2, None, None])}
    assert known_everywhere(columns, np.array([0, 1, 2]))
    assert not known_everywhere(columns, np.array([0, 3]))
    assert not known_everywhere({}, np.array([], np.int64))
    assert known_everywhere(columns, np.array([], np.int64))


def test_of_two_columns_of_one_name_the_later_pass_counts(tmp_path: Path) -> None:
    parts = [store(tmp_path, "b", {"n": [1], "m": [2]}, {}), store(tmp_path, "a", {"n": [3]}, {})]
    found = stored_columns(bare_job(tmp_path), parts, {"n", "m", "absent"})
    assert {name: values.to_pylist() for name, values in found.items()} == {"n": [3], "m": [2]}


def signals(out: Path, file: str = "x.jsonl@0") -> pa.Table:
    return pq.read_table(out / "ledger" / "signals" / "a" / f"{file}.parquet")


def test_the_twin_of_the_verdicts_has_each_number_once_and_no_keys(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "one two"}, {"text": 7}, {"text": "one two"}, {"text": "no\r\n"}])
    stages = [
        {"where": "word_count > 0"},
        "dedup_exact",
        {"where": "word_count > 1"},
        "normalize",
        {"where": "word_count > 0"},
    ]
    build_here({"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": stages}, tmp_path / "out")
    table = signals(tmp_path / "out")
    edited = [f"{name}@normalize" for name in GopherQuality.measured]
    assert table.schema.names[0] == "ordinal"
    assert sorted(table.schema.names[1:]) == sorted([*GopherQuality.measured, *edited])
    assert table.column("word_count").to_pylist() == [2, None, 2, 1]
    assert table.column("word_count@normalize").to_pylist() == [2, None, None, None]


def test_two_measurements_of_one_name_stand_beside_each_other(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "the a"}])
    off = {"min_word_count": 0, "min_mean_word_length": None, "min_stop_word_count": 0}
    stages = [{"gopher_quality": off}, {"gopher_quality": {**off, "stop_words": ["x"]}}]
    build_here({"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": stages}, tmp_path / "out")
    table = signals(tmp_path / "out")
    assert sorted(table.select(["stop_word_count", "stop_word_count#2"]).to_pylist()[0].values()) == [0, 1]


def test_files_of_one_source_have_the_same_signals_whatever_they_hold(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "one"}])
    write_lines(tmp_path / "a" / "broken.jsonl", [{"text": 7}])
    write_lines(tmp_path / "a" / "empty.jsonl", [])
    stages = ["gopher_quality", "normalize", "dedup_exact", {"where": "word_count > 0"}]
    build_here({"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": stages}, tmp_path / "out")
    schemas = [signals(tmp_path / "out", file).schema for file in ("x.jsonl@0", "broken.jsonl@0", "empty.jsonl")]
    assert schemas[0] == schemas[1] == schemas[2]


def test_another_text_field_is_another_text(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "one two", "body": "one two three four"}])
    for field, fate in (("text", "dropped"), ("body", "unused")):
        source = lines_source(tmp_path / "a", text_field=field)
        manifest = {"name": "n", "sources": {"a": source}, "stages": [{"where": "word_count > 2"}]}
        build_here(manifest, tmp_path / "out")
        assert pq.read_table(tmp_path / "out" / "ledger" / "verdicts").column("fate").to_pylist() == [fate]
    build_here(manifest, tmp_path / "fresh")
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")
