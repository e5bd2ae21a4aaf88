"""Every text of the real corpus: documents of all sources and languages, and the files of benchmarks.

In:  the corpus beside the repository.
Out: its strings, each once: every value of JSON and of Parquet, and plain files whole.
Guaranteed: archives (WARC, ARC) are left out, for they hold pages and not texts; so are vocabularies.
"""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.filters.real_texts import CORPUS

PACKED = {".gz", ".zst"}
LINES, PLAIN = {".jsonl", ".json"}, {".csv", ".txt", ".wet"}
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@cache
def corpus_texts() -> tuple[str, ...]:
    """Return all of them, in the order of files and records."""
    paths = (path for path in sorted(CORPUS.rglob("*")) if path.is_file() and "tokenizers" not in path.parts)
    return tuple(dict.fromkeys(text for path in paths for text in _texts(path)))


def _texts(path: Path) -> Iterator[str]:
    kind = path.with_suffix("").suffix if path.suffix in PACKED else path.suffix
    if kind == ".parquet":
        yield from _strings(pq.read_table(path).to_pylist())
    elif kind in PLAIN:
        yield _read(path)
    elif kind in LINES:
        yield from _strings(_values(_read(path)))


def _values(content: str) -> Iterator[Any]:
    """Yield the values of JSON, or of JSON lines; lines that are broken are left out."""
    try:
        yield json.loads(content)
    except ValueError:
        for line in content.split("\n"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _strings(values: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    """Yield the strings in a value that UTF-8 can hold."""
    if isinstance(values, str):
        yield values.encode(errors="replace").decode()
    elif isinstance(values, dict):
        yield from _strings(list(values.values()))
    elif isinstance(values, list | Iterator):
        for value in values:
            yield from _strings(value)


def _read(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith(GZIP):
        data = gzip.decompress(data)
    elif data.startswith(ZSTD):
        data = pa.CompressedInputStream(pa.py_buffer(data), "zstd").read()
    return data.decode(errors="replace")
