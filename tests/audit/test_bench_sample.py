"""A sample of records: as many as are wanted where there are so many, from all over a source."""

import gzip
import json
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.audit.bench_sample import PLACES, Sample, sample_of
from pipelines.engine.inputs import plan_splits
from pipelines.engine.job import Job
from pipelines.engine.pieces import source_pieces
from pipelines.engine.storage import open_storage
from pipelines.manifest import load_manifest
from tests.helpers import lines_source, write_lines, written


def sampled(folder: Path, files: list[int], wanted: int | None) -> tuple[Sample, list[str]]:
    """Write files of so many records; return a sample of them, and the ids that are read of it."""
    numbers = count()
    for name, records in enumerate(files):
        write_lines(
            folder / "a" / f"{name:03}.jsonl", [{"id": str(next(numbers)), "text": "x"} for _ in range(records)]
        )
    manifest = load_manifest(written({"name": "n", "sources": {"a": lines_source(folder / "a")}}, folder / "out"))
    sample = sample_of(manifest, plan_splits(manifest.sources, 10**9), wanted)
    job = Job(open_storage(folder / "out"), manifest, "")
    pieces = [piece for split in sample.splits for piece in source_pieces(job, split)]
    return sample, [name for piece in pieces for name in piece.records.column("id").to_pylist()]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=25), st.integers(1, 100))
@settings(max_examples=40)
def test_as_many_are_read_as_are_wanted_or_all_there_are(files: list[int], wanted: int) -> None:
    with TemporaryDirectory() as folder:
        sample, ids = sampled(Path(folder), files, wanted)
    assert len(ids) <= wanted
    assert sample.whole <= {"a"}
    if sum(files) <= wanted:
        assert len(ids) == sum(files)
    if sample.whole:
        assert len(ids) == sum(files)
    if min(files) * len(files) >= wanted or len(set(files)) == 1:
        assert len(ids) == min(wanted, sum(files))


def test_places_lie_evenly_and_records_beside_each_other(tmp_path: Path) -> None:
    _, ids = sampled(tmp_path, [100] * 64, 160)
    assert [int(name) for name in ids] == [
        first + at for first in range(0, 6_400, 100 * 64 // PLACES) for at in range(10)
    ]


def test_what_one_place_lacks_another_gives(tmp_path: Path) -> None:
    _, ids = sampled(tmp_path, [100, 2, 3], 60)
    assert len(ids) == 60
    _, ids = sampled(tmp_path / "many", [1] * 40, 30)
    assert len(ids) == 30


def test_all_is_all(tmp_path: Path) -> None:
    sample, ids = sampled(tmp_path, [5, 0, 7], None)
    assert (set(sample.whole), len(ids)) == ({"a"}, 12)
    assert all(split.most == -1 for split in sample.splits)


def test_compressed_files_and_parquet_are_cut_short_too(tmp_path: Path) -> None:
    rows = [{"id": str(number), "text": "x" * 5_000} for number in range(3_000)]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    (tmp_path / "b").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "b" / "x.parquet", row_group_size=700)
    sources = {
        "a": {"format": "jsonl", "path": f"{tmp_path}/a/*"},
        "b": {"format": "parquet", "path": f"{tmp_path}/b/*"},
    }
    manifest = load_manifest(written({"name": "n", "sources": sources}, tmp_path / "out"))
    sample = sample_of(manifest, plan_splits(manifest.sources, 10**9), 1_234)
    assert [(split.source, split.most) for split in sample.splits] == [("a", 1_234), ("b", 1_234)]
    job = Job(open_storage(tmp_path / "out"), manifest, "")
    for split in sample.splits:
        pieces = list(source_pieces(job, split))
        assert sum(piece.records.num_rows for piece in pieces) == 1_234
        assert pieces[-1].records.column("id").to_pylist()[-1] == "1233"
