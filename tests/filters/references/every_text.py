"""Every text of the real corpus, whatever its layout: JSON lines, Parquet and plain text, compressed or not."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import zstandard

from tests.helpers import CORPUS

FIELDS = ("text", "content", "raw_content", "contents")
OTHER = ("tokenizers", "warc")
"""Folders that hold no texts."""


def every_text() -> Iterator[str]:
    """Yield the texts of all files, in the order of their paths; of plain text the whole file, then its lines."""
    for path in sorted(CORPUS.rglob("*")):
        if path.is_file() and not set(OTHER) & set(path.relative_to(CORPUS).parts):
            yield from texts_of(path)


def texts_of(path: Path) -> Iterator[str]:
    """Yield the texts of a file."""
    if path.suffix == ".parquet":
        yield from _parquet(path)
    elif ".json" in path.name:
        yield from _json_lines(_content(path))
    elif ".txt" in path.name:
        whole = _content(path).decode()
        yield from (whole, *whole.splitlines())


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return zstandard.ZstdDecompressor().stream_reader(data).read()
    return data


def _parquet(path: Path) -> Iterator[str]:
    for name in set(FIELDS) & set(pq.read_schema(path).names):
        values = pq.read_table(path, columns=[name]).column(name).to_pylist()
        yield from (value for value in values if isinstance(value, str))


def _json_lines(data: bytes) -> Iterator[str]:
    for line in data.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            values = (record.get(name) for name in FIELDS)
            yield from (value for value in values if isinstance(value, str) and _is_utf8(value))


def _is_utf8(text: str) -> bool:
    return text.isascii() or text.encode(errors="replace").decode() == text
