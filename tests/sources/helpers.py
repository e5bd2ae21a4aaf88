"""What the tests of the sources share: the real corpus, ways to read, and an independent reading."""

import gzip
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pytest
import zstandard

from pipelines.sources.formats import SOURCES
from pipelines.sources.options import SourceOptions
from pipelines.sources.reading import extents, read

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="the real corpus is not beside the repository")

Row = dict[str, Any]


def source_of(kind: str, **options: object) -> SourceOptions:
    """Return a source of format `kind`."""
    return SOURCES[kind].model_validate({"path": "somewhere", **options})


def batches_of(source: SourceOptions, data: bytes | BinaryIO, split_bytes: int, name: str) -> list[pa.RecordBatch]:
    """Return all batches of all splits of a file."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    size = file.seek(0, io.SEEK_END)
    ranges = extents(source, file, size, name, split_bytes)
    return [batch for start, end in ranges for batch in read(source, file, start, end, name)]


def rows_of(source: SourceOptions, data: bytes | BinaryIO, split_bytes: int = 1 << 40, name: str = "file") -> list[Row]:
    """Return the records of a file, in order; each batch is checked for form."""
    rows: list[Row] = []
    for batch in batches_of(source, data, split_bytes, name):
        batch.validate(full=True)
        rows += cast("list[Row]", batch.to_pylist())
    return rows


def lines(*values: object) -> bytes:
    """Return JSON lines of the values; bytes stand as they are."""
    return b"".join((value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n" for value in values)


def problems_of(rows: list[Row]) -> list[str]:
    """Return the problems of the rows that have one."""
    return [row["problem"] for row in rows if row["problem"] is not None]


def plain_bytes(path: Path) -> bytes:
    """Decompress a file by other means than the project's."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    return data


def plain_rows(path: Path) -> list[Row]:
    """Read JSON lines by other means than the project's."""
    return [json.loads(line) for line in plain_bytes(path).decode().split("\n") if line.strip()]


def moment(text: str | None) -> datetime | None:
    """Read a date as the corpora here write it: ISO 8601, mostly with a Z."""
    return None if not text else datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if "+" not in text else ""))


class ShortReads(io.BytesIO):
    """A file that gives at most `size` bytes a call, as a network may."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1) -> bytes:
        """Read fewer bytes than asked for."""
        return super().read(self._size if size is None or size < 0 else min(size, self._size))


class FailingFile(io.BytesIO):
    """A file whose storage fails once reading comes to byte `at`."""

    def __init__(self, data: bytes, at: int) -> None:
        super().__init__(data)
        self._at = at

    def read(self, size: int | None = -1) -> bytes:
        """Read, or fail as a storage does."""
        data = super().read(size)
        if self.tell() > self._at:
            raise OSError(5, "the storage failed")
        return data
