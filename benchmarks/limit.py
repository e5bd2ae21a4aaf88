"""The physical limit of a build: read, decompress, write the same bytes as zstd-1, and nothing else.

In:  a folder of .parquet, .jsonl, .jsonl.zst and .json.gz files.
Out: one zstd file per input, below the output folder; Parquet is decoded and written as Parquet.
Guaranteed: the corpus is copied as often as asked for, so that starting Python is hardly a part of the limit.

Run it: python -m benchmarks.limit CORPUS TIMES OUT
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow.parquet as pq
import zstandard
from isal import igzip

CHUNK = 1 << 20


def main() -> None:
    """Copy every file of the corpus, again and again."""
    corpus, times, out = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True)
    paths = sorted(path for path in corpus.rglob("*") if path.is_file())
    for number, path in enumerate(paths * times):
        _copy(path, out / str(number % len(paths)))


def _copy(path: Path, target: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pq.read_table(path), target, compression="zstd", compression_level=1)
        return
    with target.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as sink:
        for chunk in _chunks(path):
            sink.write(chunk)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        stream = _opened(path.suffix, file)
        while chunk := stream.read(CHUNK):
            yield chunk


def _opened(suffix: str, file: BinaryIO) -> BinaryIO:
    if suffix == ".gz":
        return cast("BinaryIO", igzip.open(file))  # type: ignore[no-untyped-call]  # isal is annotated in parts
    return zstandard.ZstdDecompressor().stream_reader(file) if suffix == ".zst" else file


if __name__ == "__main__":
    main()
