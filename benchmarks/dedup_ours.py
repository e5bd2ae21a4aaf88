"""MinHash dedup by this project: a manifest of that stage alone, in this process.

In:  a folder of JSON lines.
Out: a build folder, and in `kept/` the lines that its ledger keeps.
Guaranteed: what stands in `kept` are bytes of the input, in its order.

Run it: python -m benchmarks.dedup_ours NORMALIZATION WARM DOCUMENTS OUT
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from benchmarks.dedup_runs import BANDS, NGRAM, ROWS, SEED, report
from benchmarks.kept import KEPT
from pipelines import api

OPTIONS: dict[str, Any] = {"ngram": NGRAM, "bands": BANDS, "rows": ROWS, "seed": SEED, "max_loss": 1.0}


def main() -> None:
    """Time the dedup with the normalization that was asked for."""
    normalization = sys.argv[1]
    report(lambda documents, out: dedup(documents, out, normalization))


def dedup(documents: Path, out: Path, normalization: str = "none") -> None:
    """Build, and copy the lines that stay."""
    out.mkdir(parents=True)
    manifest = out / "asked.yaml"
    manifest.write_text(yaml.safe_dump(manifest_of(documents, normalization)), encoding="utf-8")
    api.build(manifest, out, address="none")
    copy_kept(documents, out)


def manifest_of(documents: Path, normalization: str = "none") -> dict[str, Any]:
    """Return a manifest that dedups the .jsonl files of a folder and of those below it."""
    source = {"format": "jsonl", "path": str(documents / "**" / "*.jsonl")}
    stage = {"dedup_minhash": {**OPTIONS, "normalization": normalization}}
    return {"name": "dedup", "sources": {"documents": source}, "stages": [stage]}


def copy_kept(documents: Path, out: Path) -> None:
    """Copy the lines that the ledger of a build keeps to `kept/`, file by file."""
    verdicts = out / "ledger" / "verdicts" / "documents"
    for path in sorted(documents.rglob("*.jsonl")):
        name = path.relative_to(documents)
        pieces = sorted((verdicts / name.parent).glob(f"{name.name}*.parquet"))
        target = out / "kept" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        starts = (start for piece in pieces for start in kept_starts(piece))
        target.write_bytes(b"".join(lines_at(path.read_bytes(), starts)))


def kept_starts(verdicts: Path) -> list[int]:
    """Return the bytes at which the records begin that a verdicts file keeps."""
    table = pq.read_table(verdicts, columns=["ordinal", "fate"])
    fates = set(KEPT.to_pylist())
    pairs = zip(table["ordinal"].to_pylist(), table["fate"].to_pylist(), strict=True)
    return sorted(ordinal for ordinal, fate in pairs if fate in fates)


def lines_at(data: bytes, starts: Iterator[int]) -> Iterator[bytes]:
    """Yield the lines that begin at these bytes, each with its newline."""
    for start in starts:
        yield data[start : data.index(b"\n", start) + 1]


if __name__ == "__main__":
    main()
