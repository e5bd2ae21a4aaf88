"""What Dolma and RedPajama-Data themselves said of documents: the attribute and signal files beside them.

In:  `../shared/corpus`: documents, and the files that the peers' own code wrote about them.
Out: per document its text and the peer's numbers by name; one number, or one per line.
Guaranteed: a row stands beside its own document: ids (or, with RedPajama, places in the file) are checked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.agreement.comparison import Value
from benchmarks.agreement.documents import text_of
from benchmarks.corpus import SHARED, read_rows


@dataclass(frozen=True)
class Told:
    """A document that a peer has told us about.

    Args:
        id: file and number of the document.
        text: its text.
        url: its address, where the source has one.
        language: as the source gives it.
        numbers: signal -> the peer's number, or its number for each line; a signal may be absent.
        spans: signal -> (start, end) of each number, in characters.
    """

    id: str
    text: str
    url: str | None
    language: str | None
    numbers: dict[str, Value]
    spans: dict[str, list[tuple[int, int]]]


def dolma(tagger: str, limit: int | None = None, root: Path = SHARED) -> Iterator[Told]:
    """Yield the documents of every source that Dolma's `tagger` was run on, at most `limit` of each."""
    for path in sorted(root.glob(f"dolma/*/attributes/{tagger}/*.json.gz")):
        texts = path.parents[2] / "documents" / path.name
        pairs = zip(read_rows(texts), read_rows(path), strict=True)
        for number, (document, row) in list(enumerate(pairs))[:limit]:
            _check(document["id"] == row["id"], path, number)
            yield _told(f"{texts.relative_to(root)}:{number}", document, _short_names(row["attributes"]))


def redpajama(limit: int | None = None, root: Path = SHARED) -> Iterator[Told]:
    """Yield the documents that RedPajama-Data's own code was run on, at most `limit` of each file."""
    for path in sorted(root.glob("redpajama_v2*/quality_signals/*/*/*.signals.json.gz")):
        shard = str(path.relative_to(path.parents[2])).replace(".signals", "")
        texts = path.parents[3] / "documents" / shard
        pairs = zip(read_rows(texts), read_rows(path), strict=True)
        for number, (document, row) in list(enumerate(pairs))[:limit]:
            _check(row["id"].endswith(f"/{number}"), path, number)
            yield _told(f"{texts.relative_to(root)}:{number}", document, row["quality_signals"])


def _check(fits: bool, path: Path, number: int) -> None:
    if not fits:
        raise ValueError(f"{path}: row {number} is about another document than stands beside it")


def _short_names(attributes: dict[str, Any]) -> dict[str, Any]:
    """Drop the experiment and the tagger from names such as `gopher_v1__gopher_v1__word_count`."""
    return {name.rsplit("__", 1)[-1]: spans for name, spans in attributes.items()}


def _told(id_: str, document: dict[str, Any], signals: dict[str, Any]) -> Told:
    numbers = {name: _numbers(name, spans) for name, spans in signals.items()}
    spans = {name: [(start, end) for start, end, _ in each] for name, each in signals.items()}
    return Told(id_, text_of(document), document.get("url"), document.get("language"), numbers, spans)


def _numbers(name: str, spans: list[tuple[int, int, float | None]]) -> Value:
    if name.startswith("rps_lines_"):
        return [number for _, _, number in spans]
    return spans[0][2] if spans else None
