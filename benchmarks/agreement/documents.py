"""The real documents that answers are compared on.

In:  `../shared/corpus` beside the repository.
Out: documents with ids, source by source, in the order of a hash of their text.
Guaranteed: the first n of a source are the same n every time; nothing is written. Whole books are left out: the peer's
     word splitter takes many minutes for one.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpus import LONGEST, SHARED, read_rows

SOURCES = {
    "refinedweb": "refinedweb/*.parquet",
    "redpajama_v1": "redpajama_v1/*/*.jsonl*",
    "redpajama_v2": "redpajama_v2*/documents/*/*/*.json.gz",
    "pile": "pile/**/*.jsonl.zst",
    "dolma": "dolma/*/documents/*.json.gz",
    "c4": "c4*/*.json.gz",
    "prose": "prose/*.jsonl.gz",
    "synthetic": "synthetic/*.jsonl.gz",
    "quality_gold": "quality_gold/*.jsonl",
}
"""Source -> its files: web pages in many languages, code, papers, books, manuals, laws, verse."""

TEXT_KEYS = ("text", "content", "raw_content")


@dataclass(frozen=True)
class Document:
    """A document: `id` is its source, file and number."""

    id: str
    text: str


def documents(limit: int | None = None, root: Path = SHARED) -> list[Document]:
    """Return the documents of every source, at most `limit` of each."""
    found = []
    for name in SOURCES:
        found += sorted(_of(name, root), key=_place)[:limit]
    return found


def _of(name: str, root: Path) -> Iterator[Document]:
    for path in sorted(root.glob(SOURCES[name])):
        for number, row in enumerate(read_rows(path)):
            if len(text := text_of(row)) < LONGEST:
                yield Document(f"{path.relative_to(root)}:{number}", text)


def text_of(row: dict[str, Any]) -> str:
    """Return a row's text, whatever its schema calls it."""
    return str(next(row[key] for key in TEXT_KEYS if key in row))


def _place(document: Document) -> bytes:
    return hashlib.blake2b(document.text.encode(), digest_size=8).digest()
