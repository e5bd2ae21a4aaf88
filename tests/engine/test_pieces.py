"""Pieces: a split in order, from its source, from a texts part, or from its records alone."""

import gzip
import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.inputs import plan_splits
from pipelines.engine.job import Job
from pipelines.engine.keys import document_uids
from pipelines.engine.outputs import TEXTS
from pipelines.engine.parts import PartWriter
from pipelines.engine.pieces import part_pieces, record_pieces, records_schema, source_pieces, text_pieces
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
    pieces = list(source_pieces(job, split))
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
    (piece,) = source_pieces(job, split)
    at = piece.records.column("ordinal").to_pylist()
    assert piece.records.column("id").to_pylist() == ["own", *(f"x.jsonl:{ordinal}" for ordinal in at[1:])]
    assert piece.records.column("problem").is_valid().to_pylist() == [False, False, True, False]
    assert piece.records.column("chars").to_pylist() == [1, 1, None, 1]


@pytest.mark.parametrize("most", [1, 2, 4, 5, 9, -1])
def test_of_a_split_only_the_first_records_may_be_read(tmp_path: Path, most: int) -> None:
    texts = ["x" * 3_000_000, "y" * 3_000_000, "z", "zz", "zzz"]
    job, split = reading_of(tmp_path, [{"text": text} for text in texts])
    some = replace(split, most=most)
    first, whole = list(source_pieces(job, some)), list(source_pieces(job, split))
    wanted = len(texts) if most < 0 else most
    records, every = (pa.concat_tables([piece.records for piece in pieces]) for pieces in (first, whole))
    assert records.equals(every.slice(0, wanted))
    assert [text for piece in first if piece.text is not None for text in piece.text.to_pylist()] == texts[:wanted]
    assert (some.key == split.key) == (most < 0)


def test_declared_fields_stand_beside_the_records(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [{"text": "a", "n": 3}], fields={"n": {"path": "n", "type": "int64"}})
    (piece,) = source_pieces(job, split)
    assert piece.records.column("n").to_pylist() == [3]
    assert "text" not in piece.records.schema.names


def test_a_split_without_records_is_one_empty_piece(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [])
    (piece,) = source_pieces(job, split)
    assert (piece.records.num_rows, piece.records.schema) == (0, records_schema(job, "a"))
    assert piece.text is not None
    assert piece.text.type == pa.large_string()


def recorded(job: Job, split: Split) -> int:
    """Write the records part of a split, and return how many records it has."""
    with PartWriter(job.storage, "records.parquet", records_schema(job, split.source)) as writer:
        for piece in source_pieces(job, split):
            writer.add(piece.records)
    return writer.rows


def texts_again(job: Job, split: Split, wanted: list[bool]) -> list[str]:
    """Read the texts of a split once more."""
    pieces = list(text_pieces(job, split, "records.parquet", np.array(wanted, np.bool_)))
    assert [piece.first for piece in pieces] == np.cumsum([0, *(p.records.num_rows for p in pieces)])[:-1].tolist()
    return [text for piece in pieces if piece.text is not None for text in piece.text.to_pylist()]


LINES = st.lists(
    st.one_of(st.text(max_size=9).map(lambda text: json.dumps({"text": text})), st.sampled_from(["{", '{"n": 1}', ""])),
    max_size=9,
)


@given(LINES, st.sampled_from(["plain", "gzip"]), st.data())
def test_texts_that_are_wanted_are_read_again_as_they_were(lines: list[str], kind: str, data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        job, split = reading_of(Path(folder), [])
        raw = "".join(line + "\n" for line in lines).encode()
        Path(folder, "a", "x.jsonl").write_bytes(gzip.compress(raw) if kind == "gzip" else raw)
        (split,) = plan_splits(job.manifest.sources, 10**9)
        first = pa.concat_tables(
            [piece.records.append_column("text", piece.text) for piece in source_pieces(job, split)]
        )
        readable = first.column("problem").is_null().to_pylist()
        wanted = [data.draw(st.booleans()) and there for there in readable]
        assert recorded(job, split) == len(wanted)
        expected = [text if chosen else "" for text, chosen in zip(first["text"].to_pylist(), wanted, strict=True)]
        assert texts_again(job, split, wanted) == expected


def test_parquet_gives_its_texts_again(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    pq.write_table(pa.table({"text": ["one", None, "two"]}), tmp_path / "a" / "x.parquet")
    sources = {"a": {"format": "parquet", "path": str(tmp_path / "a" / "*.parquet")}}
    job = job_here({"name": "n", "sources": sources}, tmp_path / "out")
    (split,) = plan_splits(job.manifest.sources, 10**9)
    assert recorded(job, split) == 3
    assert texts_again(job, split, [True, False, True]) == ["one", "", "two"]


def changed_in_place(folder: Path, old: str, new: str) -> None:
    """Change a letter of a large file, so that neither size nor time nor sampled bytes tell."""
    path = folder / "a" / "x.jsonl"
    stat = path.stat()
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_text_that_is_wanted_and_says_something_else_now_stops_the_build(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [{"text": "x" * 100 + str(number)} for number in range(4000)])
    count = recorded(job, split)
    changed_in_place(tmp_path, 'x1000"', 'y1000"')
    assert texts_again(job, split, [row != 1000 for row in range(count)])[1000] == ""
    with pytest.raises(SourceChanged, match=r"a/x\.jsonl changed .*source 'a'"):
        texts_again(job, split, [True] * count)


@pytest.mark.parametrize(("old", "new"), [('1000"}\n', '1000"} '), ('x1000"', '\n1000"')])
def test_a_file_with_fewer_or_more_records_now_stops_the_build(tmp_path: Path, old: str, new: str) -> None:
    job, split = reading_of(tmp_path, [{"text": "x" * 100 + str(number)} for number in range(4000)])
    count = recorded(job, split)
    changed_in_place(tmp_path, old, new)
    with pytest.raises(SourceChanged, match=r"a/x\.jsonl changed"):
        texts_again(job, split, [False] * count)


def test_a_file_that_is_not_the_planned_one_is_not_read(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [{"text": "a"}])
    write_lines(tmp_path / "a" / "x.jsonl", [{"text": "other"}])
    with pytest.raises(SourceChanged, match=r"x\.jsonl changed"):
        next(iter(source_pieces(job, split)))


def test_a_file_that_changes_while_it_is_read_is_found_out(tmp_path: Path) -> None:
    job, split = reading_of(tmp_path, [{"text": "a"}])
    pieces = iter(source_pieces(job, split))
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
