"""Memory is bounded by a few batches, whatever a file holds; each reading runs in a process of its own."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc"),
]

MIB = 1 << 20
READ = """
import pathlib, re, sys
from pipelines.sources.formats import SOURCES
from pipelines.sources.reading import read
rows = size = 0
with open(sys.argv[2], "rb") as file:
    for batch in read(SOURCES[sys.argv[1]](path="x"), file, 0, -1, "x"):
        rows += len(batch)
        size += batch.column("text").nbytes
        assert batch.column("problem").null_count == len(batch)
status = pathlib.Path("/proc/self/status").read_text()
print(rows, size, int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) // 1024)
"""


def measure(kind: str, path: Path) -> tuple[int, int, int]:
    """Return the records, the bytes of text and the peak memory in MiB of one reading."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", READ, kind, str(path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    rows, size, peak = map(int, done.stdout.split())
    return rows, size, peak


def line(number: int, size: int) -> bytes:
    words = f"line {number} of a corpus that was made up for this test \N{GRINNING FACE} "
    return json.dumps({"text": (words * (size // len(words) + 1))[:size]}, ensure_ascii=False).encode() + b"\n"


def test_two_gigabytes_of_gzip_lines_are_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl.gz"
    part = b"".join(line(number, 200 + number % 5000) for number in range(8000))
    parts = 2_000_000_000 // len(part) + 1
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(parts):
            file.write(part)
    rows, size, peak = measure("jsonl", path)
    assert rows == 8000 * parts
    assert size > 1_900_000_000
    assert peak < 400


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_a_line_of_a_hundred_megabytes_costs_a_few_times_its_size(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"long.{ending}"
    data = line(0, 1000) + line(1, 96_000_000) + line(2, 1000)
    packed = {"jsonl": data, "jsonl.gz": gzip.compress(data), "jsonl.zst": zstandard.ZstdCompressor().compress(data)}
    path.write_bytes(packed[ending])
    rows, size, peak = measure("jsonl", path)
    assert rows == 3
    assert size > 100_000_000
    assert peak < 1500


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_that_swells_a_thousandfold_is_read_in_little_memory(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"swelling.jsonl.{ending}"
    data = line(0, 100_000) * 10_000
    packed = gzip.compress(data, 9) if ending == "gz" else zstandard.ZstdCompressor(level=3).compress(data)
    path.write_bytes(packed)
    assert len(data) / len(packed) > 300
    assert measure("jsonl", path)[2] < 800


def test_a_parquet_file_of_one_large_row_group_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.parquet"
    texts = pa.array([line(number, 4000).decode() for number in range(200_000)])
    pq.write_table(pa.table({"text": texts}), path, row_group_size=10**6, compression="zstd", use_dictionary=False)
    rows, size, peak = measure("parquet", path)
    assert (rows, size > 800_000_000) == (200_000, True)
    assert peak < 400
