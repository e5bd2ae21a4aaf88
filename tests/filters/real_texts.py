"""Real documents of many kinds and languages, for tests that compare with other people's code."""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no real corpus at {CORPUS}")


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


@cache
def real_texts(every: int = 5) -> tuple[str, ...]:
    """Return each `every`th page and document: Common Crawl in many languages, C4, manuals, laws, verse, code."""
    return tuple(text for number, text in enumerate(_all_texts()) if number % every == 0)


def _all_texts() -> Iterator[str]:
    for path in sorted(CORPUS.glob("refinedweb/*.parquet")):
        yield from pq.read_table(path, columns=["content"]).column("content").to_pylist()
    for pattern in ("c4*/*.json.gz", "prose/*.jsonl.gz", "dolma/*/documents/*.json.gz"):
        for path in sorted(CORPUS.glob(pattern)):
            yield from (record["text"] for record in json_lines(path))
