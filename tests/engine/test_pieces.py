"""Pieces: a split in order, from its source, from a texts part, or from its records alone."""

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.inputs import plan_splits
from pipelines.engine.job import Job
from pipelines.engine.keys import document_uids
from pipelines.engine.outputs import TEXTS
from pipelines.engine.parts import PartWriter
from pipelines.engine.pieces import SourceReading, part_pieces, record_pieces, records_schema
from pipelines.engine.splits import Split
from pipelines.errors import SourceChanged
from tests.helpers import bare_job, job_here, lines_source, write_lines


def reading_of(folder: Path, records: list[dict[str, Any]], **options: object) -> tuple[Job, Split]:
    """Write one file of a source `a`; return the job and its split."""
    write_lines(folder / "a" / "x.jsonl", records)
    job = job_here({"name": "n", "sources": {"a": lines_source(folder / "a", **options)}}, folder / "out")
    (split,) = plan_splits(job.manifest.sources, 10**9)
    return job, split


def test_pieces_cover_the_records_in_order(tmp_path: Path) -> None:
    texts = ["x" * 3_000_000, "é", "", "y" * 3_000_000, "z"]
    job, split = reading_of(tmp_path, [{"text": text} for text in texts])
    pieces = list(SourceReading(job, split))
    assert len(pieces) > 1
    assert [piece.first for piece in pieces] == np.cumsum([0, *(p.records.num_rows for p in pieces)])[:-1].tolist()
    assert [text for piece in pieces if piece.text is not None for text in piece.text.to_pylist()] == texts
    assert all(piece.rows.tolist() == list(range(piece.records.num_rows)) for piece in pieces)
    records = pa.concat_tables([piece.records for piece in pieces])
    assert records.schema == records_schema(job, "a")
    ordinals = records.column("ordinal").to_numpy()
    assert records.column("uid").to_pylist() == document_uids("a", "x.jsonl", ordinals).tolist()
    assert records.column("chars").to_pylist() == [len(text) for text in texts]


def test_a_record_without_an_id_is_called_by_its_place(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [{"text": "a", "id": "own"}, {"text": "b"}, {"text": 7}, {"text": "c", "id": ""}])
    (piece,) = SourceReading(job, split)
    at = piece.records.column("ordinal").to_pylist()
    assert piece.records.column("id").to_pylist() == ["own", *(f"x.jsonl:{ordinal}" for ordinal in at[1:])]
    assert piece.records.column("problem").is_valid().to_pylist() == [False, False, True, False]
    assert piece.records.column("chars").to_pylist() == [1, 1, None, 1]


@pytest.mark.parametrize("most", [1, 2, 4, 5, 9, -1])
def test_of_a_split_only_the_first_records_may_be_read(tmp_path: Path, most: int) -> None:
    texts = ["x" * 3_000_000, "y" * 3_000_000, "z", "zz", "zzz"]
    job, split = reading_of(tmp_path, [{"text": text} for text in texts])
    some = replace(split, most=most)
    first, whole = list(SourceReading(job, some)), list(SourceReading(job, split))
    wanted = len(texts) if most < 0 else most
    records, every = (pa.concat_tables([piece.records for piece in pieces]) for pieces in (first, whole))
    assert records.equals(every.slice(0, wanted))
    assert [text for piece in first if piece.text is not None for text in piece.text.to_pylist()] == texts[:wanted]
    assert (some.key == split.key) == (most < 0)


def test_declared_fields_stand_beside_the_records(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [{"text": "a", "n": 3}], fields={"n": {"path": "n", "type": "int64"}})
    (piece,) = SourceReading(job, split)
    assert piece.records.column("n").to_pylist() == [3]
    assert "text" not in piece.records.schema.names


def test_a_split_without_records_is_one_empty_piece(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [])
    (piece,) = SourceReading(job, split)
    assert (piece.records.num_rows, piece.records.schema) == (0, records_schema(job, "a"))
    assert piece.text is not None
    assert piece.text.type == pa.large_string()


def test_two_readings_have_one_digest_and_another_text_has_another(tmp_path: Path) -> None:
    digests = []
    for text in ("a", "a", "b"):
        job, split = reading_of(tmp_path, [{"text": text}])
        reading = SourceReading(job, split)
        assert len(list(reading)) == 1
        digests.append(reading.digest())
    assert digests[0] == digests[1] != digests[2]
    reading.check(digests[2])
    with pytest.raises(SourceChanged, match=r"a/x\.jsonl changed .*source 'a'"):
        reading.check(digests[0])


def test_a_file_that_is_not_the_planned_one_is_not_read(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [{"text": "a"}])
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "other"}])
    with pytest.raises(SourceChanged, match=r"x\.jsonl changed"):
        next(iter(SourceReading(job, split)))


def test_a_file_that_changes_while_it_is_read_is_found_out(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [{"text": "a"}])
    pieces = iter(SourceReading(job, split))
    next(pieces)
    os.utime(tmp_path / "a" / "x.jsonl", ns=(1, 1))
    with pytest.raises(SourceChanged, match=r"x\.jsonl changed"):
        next(pieces)


RECORDS = pa.schema([("row", pa.int64())])


@given(st.integers(0, 20), st.data())
def test_a_texts_part_is_read_beside_all_records_of_the_split(rows: int, data: st.DataObject) -> None:
    survivors = sorted(data.draw(st.sets(st.integers(0, rows - 1)) if rows else st.just(set())))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(survivors)))) | {0, len(survivors)})
    with TemporaryDirectory() as folder:
        job = bare_job(folder)
        with PartWriter(job.storage, "records.parquet", RECORDS) as writer:
            writer.add(pa.table([pa.array(range(rows), pa.int64())], RECORDS))
        with PartWriter(job.storage, "texts.parquet", TEXTS, grouped=False) as writer:
            for start, end in pairwise(cuts):
                held = survivors[start:end]
                writer.add(pa.table([pa.array(held, pa.uint32()), pa.array([f"t{row}" for row in held])], TEXTS))
        pieces = list(part_pieces(job, "records.parquet", "texts.parquet", rows))
    assert [row for piece in pieces for row in piece.records.column("row").to_pylist()] == list(range(rows))
    assert [int(piece.first + row) for piece in pieces for row in piece.rows] == survivors
    texts = pa.chunked_array([piece.text for piece in pieces], pa.large_string())
    assert texts.to_pylist() == [f"t{row}" for row in survivors]
    assert len(pieces) >= 1


def test_records_alone_have_no_text(tmp_path: Path) -> None:
    job = bare_job(tmp_path)
    with PartWriter(job.storage, "records.parquet", RECORDS) as writer:
        writer.add(pa.table([pa.array(range(70_000), pa.int64())], RECORDS))
    pieces = list(record_pieces(job, "records.parquet"))
    assert [(piece.first, len(piece.rows), piece.text) for piece in pieces] == [(0, 65_536, None), (65_536, 4464, None)]
