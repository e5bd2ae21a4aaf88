"""The first-run corpus: real text without a network, in the published layouts of four corpora.

In:  a folder to write to and a size; the text is what this Python's installed packages carry (`installed_text`).
Out: refinedweb/*.parquet, redpajama_v1/{github,common_crawl}/*.jsonl[.zst], pile/{train/,}*.jsonl.zst,
     dolma/<source>/documents/*.json.gz, and last of all a README.md that says what is there.
Guaranteed: the same environment gives the same bytes; columns that cannot be known are null or plainly marked
(`not-common-crawl`); the README stands if and only if the sample is whole.
"""

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
import zstandard

from pipelines.errors import RequestError
from pipelines.installed_text import Document, Kind, gather, library_folders

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is done, from 0 to 1."""

Row = dict[str, Any]

HOMES: dict[Kind, tuple[tuple[str, int], ...]] = {
    "documentation": (("refinedweb", 5), ("redpajama_v1/common_crawl", 2), ("pile", 1), ("dolma/python_docs", 2)),
    "code": (("redpajama_v1/github", 5), ("pile", 3), ("dolma/stack", 2)),
    "licence": (("pile", 1), ("dolma/licences", 1)),
    "description": (("refinedweb", 1),),
    "reference": (("dolma/python_reference", 1),),
}
"""Where documents of a kind go, with weights: a document's home is drawn by the hash of its path."""

PILE_SETS: dict[Kind, str] = {
    "code": "Github",
    "documentation": "Python documentation (not in the Pile)",
    "licence": "Licences (not in the Pile)",
}

REFINEDWEB_SCHEMA = pa.schema(
    [
        ("content", pa.string()),
        ("url", pa.string()),
        ("timestamp", pa.timestamp("ms")),
        ("dump", pa.string()),
        ("segment", pa.string()),
        ("image_urls", pa.list_(pa.list_(pa.string()))),
    ]
)

README = """# A first-run corpus

Written by `gristmill sample`. Every text was found in the Python packages installed on this machine: documentation of
modules, code, licences, package descriptions, and Python's language reference. Each keeps its own licence; the corpus
is for trying things out, not for passing on. The layouts are those of RefinedWeb, RedPajama v1, the Pile and Dolma;
what these corpora know and an installed package does not is null or marked (`not-common-crawl`).

| file | documents | bytes of text |
|---|---:|---:|
"""


@dataclass(frozen=True)
class SampleFile:
    """One file of the sample: its path below the folder, its documents, their text in UTF-8 bytes."""

    path: str
    documents: int
    text_bytes: int


@dataclass(frozen=True)
class Summary:
    """What was written where."""

    folder: Path
    files: tuple[SampleFile, ...]

    @property
    def documents(self) -> int:
        """Documents in all files."""
        return sum(file.documents for file in self.files)

    @property
    def text_bytes(self) -> int:
        """UTF-8 bytes of text in all files, before JSON and compression."""
        return sum(file.text_bytes for file in self.files)


@dataclass(frozen=True)
class Home:
    """A folder of the sample.

    Args:
        names: its files, between which the documents are dealt out.
        row: makes a document a row of the corpus's schema.
        write: writes rows to a file.
    """

    names: tuple[str, ...]
    row: Callable[[Document], Row]
    write: Callable[[Path, Sequence[Row]], None]


def write_sample(folder: Path, megabytes: int = 30, progress: Progress | None = None) -> Summary:
    """Write the first-run corpus below `folder`, over an earlier one.

    Args:
        folder: made where it is absent.
        megabytes: MB (10^6 bytes) of text in all; less where the installed packages carry less.
        progress: told of every step.

    Raises:
        RequestError: `folder` is a file, or `megabytes` is below 1.
    """
    _check(folder, megabytes)
    report = progress or (lambda _what, _share: None)
    report("reading the installed packages", 0.0)
    (folder / "README.md").unlink(missing_ok=True)
    homes = _deal(gather(library_folders(), megabytes * 1_000_000))
    files: list[SampleFile] = []
    for number, (home, documents) in enumerate(sorted(homes.items())):
        report(f"writing {home}", 0.5 + number / len(homes) / 2)
        files += _write_home(folder, home, documents)
    _write_readme(folder, files)
    report("done", 1.0)
    return Summary(folder, tuple(files))


def _check(folder: Path, megabytes: int) -> None:
    if megabytes < 1:
        raise RequestError(f"megabytes: {megabytes!r}: write at least 1")
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder}: is a file; name a folder to write the sample to")


def _deal(documents: Iterable[Document]) -> dict[str, list[Document]]:
    """Return each home's documents, in a fixed shuffle."""
    homes: dict[str, list[Document]] = defaultdict(list)
    for document in sorted(documents, key=lambda each: (_hash(each, "order"), each.path)):
        homes[_home(document)].append(document)
    return homes


def _home(document: Document) -> str:
    """Return the folder a document belongs to."""
    tickets = [name for name, weight in HOMES[document.kind] for _ in range(weight)]
    return tickets[_hash(document, "home") % len(tickets)]


def _hash(document: Document, label: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{label}\0{document.path}".encode())


def _write_home(folder: Path, home: str, documents: Sequence[Document]) -> list[SampleFile]:
    layout = LAYOUTS[home]
    share = -(-len(documents) // len(layout.names))
    files = []
    for number, name in enumerate(layout.names):
        part = documents[number * share : (number + 1) * share]
        path = folder / home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        layout.write(path, [layout.row(document) for document in part])
        files.append(SampleFile(f"{home}/{name}", len(part), sum(document.size for document in part)))
    return files


def _write_readme(folder: Path, files: Sequence[SampleFile]) -> None:
    lines = [f"| {file.path} | {file.documents:,} | {file.text_bytes:,} |\n" for file in files]
    (folder / "README.md").write_text(README + "".join(lines), encoding="utf-8")


def _url(document: Document) -> str:
    """Return where a description stands on the web; for other texts an address that is plainly not a web page."""
    if document.kind == "description":
        return f"https://pypi.org/project/{document.path.split('/')[-2].partition('-')[0]}/"
    return f"package://{document.package}/{document.path}"


def _refinedweb_row(document: Document) -> Row:
    unknown: Row = {"timestamp": None, "dump": "not-common-crawl", "segment": None, "image_urls": []}
    return {"content": document.text, "url": _url(document), **unknown}


def _common_crawl_row(document: Document) -> Row:
    scores = {"pred_label": None, "pred_label_prob": None, "wiki_prob": None}
    return {"text": document.text, **scores, "source": f"not-common-crawl/{document.path}"}


def _github_row(document: Document) -> Row:
    text = document.text
    lengths = [len(line) for line in text.splitlines()] or [0]
    counted = {
        "content_hash": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
        "line_count": len(lengths),
        "max_line_length": max(lengths),
        "avg_line_length": sum(lengths) / len(lengths),
        "alnum_prop": sum(map(str.isalnum, text)) / max(1, len(text)),
        "size": str(document.size),
        "language": [{"name": "Python", "bytes": str(document.size)}],
    }
    unknown = {"timestamp": "", "repo_name": None, "id": None, "ref": None, "license": None}
    return {"text": text, "meta": {"source": "github", "path": document.path, **counted, **unknown}}


def _pile_row(document: Document) -> Row:
    return {"text": document.text, "meta": {"pile_set_name": PILE_SETS[document.kind]}}


def _dolma_row(document: Document) -> Row:
    return {
        "id": f"{document.package}/{document.path}",
        "text": document.text,
        "source": document.kind,
        "added": None,
        "created": None,
        "metadata": {"url": _url(document), "package": document.package},
    }


def _lines(rows: Iterable[Row]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def _write_plain(path: Path, rows: Sequence[Row]) -> None:
    path.write_bytes(_lines(rows))


def _write_gzip(path: Path, rows: Sequence[Row]) -> None:
    path.write_bytes(gzip.compress(_lines(rows), compresslevel=6, mtime=0))


def _write_zstd(path: Path, rows: Sequence[Row]) -> None:
    path.write_bytes(zstandard.ZstdCompressor(level=3).compress(_lines(rows)))


def _write_parquet(path: Path, rows: Sequence[Row]) -> None:
    table = pa.Table.from_pylist(rows, schema=REFINEDWEB_SCHEMA)
    pq.write_table(table, path, row_group_size=200, compression="snappy")


def _dolma(name: str, count: int) -> Home:
    names = tuple(f"documents/{name}-{number:04d}.json.gz" for number in range(count))
    return Home(names, _dolma_row, _write_gzip)


LAYOUTS: dict[str, Home] = {
    "refinedweb": Home(
        tuple(f"train-{number:05d}-of-00003.parquet" for number in range(3)), _refinedweb_row, _write_parquet
    ),
    "redpajama_v1/github": Home(
        tuple(f"filtered_{number:04d}.sampled.jsonl" for number in range(3)), _github_row, _write_plain
    ),
    "redpajama_v1/common_crawl": Home(
        tuple(f"en_middle_{number:04d}.jsonl.zst" for number in range(2)), _common_crawl_row, _write_zstd
    ),
    "pile": Home(("train/00.jsonl.zst", "train/01.jsonl.zst", "val.jsonl.zst"), _pile_row, _write_zstd),
    "dolma/python_docs": _dolma("python_docs", 2),
    "dolma/python_reference": _dolma("python_reference", 1),
    "dolma/stack": _dolma("stack", 2),
    "dolma/licences": _dolma("licences", 2),
}
