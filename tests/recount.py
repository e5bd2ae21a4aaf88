"""An independent recount of a build: straight from the corpus files, with no code of the project.

In:  the files of `../shared/corpus`, read with json, gzip, zstandard and pyarrow.
Out: for each record, in order, what the ledger must say of it.

The recipe recounted: Gopher's quality rules on RefinedWeb and C4, Unicode NFC with plain newlines, one copy of each
text, a sample of Dolma, one component of the Pile left out.
"""

import gzip
import io
import json
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import xxhash
import zstandard

SEED = 17
LEFT_OUT = "Wikipedia (en)"
DOLMA_SHARE = 0.5
JUDGED = ("c4", "refinedweb")
STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}


@dataclass
class Record:
    """What the ledger must say of one record."""

    source: str
    file: str
    ordinal: int
    raw: str
    component: str | None
    fate: str = ""
    rule: str | None = None
    text: str = ""

    @property
    def uid(self) -> int:
        name = self.source.encode() + b"\0" + self.file.encode() + b"\0" + struct.pack("<Q", self.ordinal)
        return xxhash.xxh3_64_intdigest(name)


FOLDERS = {
    "c4": ("c4", "*.json.gz"),
    "dolma": ("dolma", "*/documents/*.json.gz"),
    "pile": ("pile", "**/*.jsonl.zst"),
    "redpajama": ("redpajama_v1", "**/*.jsonl*"),
    "refinedweb": ("refinedweb", "*.parquet"),
}


def manifest(corpus: Path, tokenizer: Path) -> dict[str, Any]:
    """Return the recipe as a manifest."""
    formats = {"redpajama": "redpajama_v1"}
    sources: dict[str, dict[str, Any]] = {
        name: {"format": formats.get(name, name), "path": f"{corpus}/{folder}/{pattern}"}
        for name, (folder, pattern) in FOLDERS.items()
    }
    sources["dolma"]["sample"] = {"fraction": DOLMA_SHARE}
    sources["pile"] |= {"fields": ["pile_set_name"], "where": f"pile_set_name != '{LEFT_OUT}'"}
    weights = {"c4": 0.1, "dolma": 0.2, "pile": 0.3, "redpajama": 0.3, "refinedweb": 0.1}
    return {
        "name": "corpus",
        "seed": SEED,
        "split_bytes": "2MB",
        "sources": sources,
        "stages": [{"gopher_quality": {"on": list(JUDGED)}}, "normalize", "dedup_exact"],
        "tokenizer": {"json": str(tokenizer), "bos": False, "eos": True},
        "mix": {
            "sequence_length": 512,
            "shard_tokens": "500K",
            "phases": [
                {"name": "web", "tokens": "1M", "weights": weights},
                {"name": "anneal", "tokens": "300K", "weights": {"c4": 0.5, "refinedweb": 0.5}},
            ],
            "max_epochs": 3,
        },
    }


def recount(corpus: Path) -> list[Record]:
    """Return every record of the corpus, in the order (source, path, place), with its fate behind the stages."""
    records = [record for source in sorted(FOLDERS) for record in _records(corpus, source)]
    seen: set[str] = set()
    for record in records:
        record.fate, record.rule = _fate(record)
        if not record.fate:
            record.text = unicodedata.normalize("NFC", record.raw.replace("\r\n", "\n").replace("\r", "\n"))
            record.fate = "duplicate" if record.text in seen else ""
            seen.add(record.text)
    return records


def _records(corpus: Path, source: str) -> Iterator[Record]:
    folder, pattern = FOLDERS[source]
    root = corpus / folder
    for path in sorted(root.glob(pattern), key=lambda path: str(path.relative_to(root))):
        for ordinal, row in _rows(path):
            text = row["content"] if source == "refinedweb" else row["text"]
            component = row["meta"]["pile_set_name"] if source == "pile" else None
            yield Record(source, str(path.relative_to(root)), ordinal, text, component)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return (ordinal, row): numbers in Parquet and compressed files, byte offsets in plain ones."""
    if path.suffix == ".parquet":
        yield from enumerate(pq.read_table(path, columns=["content"]).to_pylist())
    elif path.suffix == ".jsonl":
        at = 0
        for line in io.BytesIO(path.read_bytes()):
            yield at, json.loads(line)
            at += len(line)
    else:
        yield from enumerate(json.loads(line) for line in _plain(path))


def _plain(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        yield from io.BytesIO(gzip.decompress(data))
    else:
        yield from io.BytesIO(
            zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
        )


def _fate(record: Record) -> tuple[str, str | None]:
    if record.source == "pile" and record.component == LEFT_OUT:
        return "unselected", None
    draw = xxhash.xxh3_64_intdigest(b"sample" + struct.pack("<QQ", SEED, record.uid))
    if record.source == "dolma" and draw >= DOLMA_SHARE * 2**64:
        return "unsampled", None
    rule = _gopher(record.raw) if record.source in JUDGED else None
    return ("dropped", rule) if rule else ("", None)


def _gopher(text: str) -> str | None:
    """Return the first of Gopher's rules that a text breaks, numbers in float32 as they are stored."""
    words = _words(text)
    lines = text.splitlines()
    count, per_line = max(len(words), 1), max(len(lines), 1)
    dots = text.count("...") + text.count("\u2026")
    bullets = sum(line.lstrip().startswith(("\u2022", "-")) for line in lines)
    ellipses = sum(line.rstrip().endswith(("...", "\u2026")) for line in lines)
    letters = sum(any(char.isalpha() for char in word) for word in words)
    checks = [
        ("min_word_count", len(words) < 50),
        ("max_word_count", len(words) > 100_000),
        ("min_mean_word_length", np.float32(sum(map(len, words)) / count) < np.float32(3)),
        ("max_mean_word_length", np.float32(sum(map(len, words)) / count) > np.float32(10)),
        ("max_symbol_to_word_ratio", np.float32(max(text.count("#"), dots) / count) > np.float32(0.1)),
        ("max_frac_bullet_lines", np.float32(bullets / per_line) > np.float32(0.9)),
        ("max_frac_ellipsis_lines", np.float32(ellipses / per_line) > np.float32(0.3)),
        ("min_frac_words_with_alpha", np.float32(letters / count) < np.float32(0.8)),
        ("min_stop_word_count", len(STOP_WORDS & set(words)) < 2),
    ]
    return next((name for name, broken in checks if broken), None)


def _words(text: str) -> list[str]:
    """Split at Unicode White_Space: `str.split` also splits at U+001C to U+001F, which are kept here as they are."""
    for code in range(0x1C, 0x20):
        text = text.replace(chr(code), chr(0xE000 + code))
    return text.split()
