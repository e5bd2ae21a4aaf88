"""The manifests of the benchmark: a published recipe, and a short one with the tokenizer and without.

In:  the bench's folder, with `corpus/` and `tokenizer.json`.
Out: `whole.yaml`, `build.yaml` and `filter.yaml` in it.
"""

from pathlib import Path
from typing import Any

import yaml

from benchmarks.dedup_runs import BANDS, NGRAM, ROWS

PATTERNS = {
    "refinedweb": ("refinedweb", "*.parquet"),
    "redpajama": ("redpajama_v1", "*.jsonl"),
    "pile": ("pile", "*.jsonl.zst"),
    "dolma": ("dolma", "*.json.gz"),
}
"""Folder of the benchmark's corpus -> its format in a manifest, and the pattern of its files."""

WHOLE: list[Any] = [
    {"language": {"keep": ["en"], "min_score": 0.65}},
    "gopher_repetition",
    "gopher_quality",
    {"dedup_minhash": {"ngram": NGRAM, "bands": BANDS, "rows": ROWS, "normalization": "datatrove", "max_loss": 1.0}},
]
"""Stages of the published recipe: FineWeb's order, without C4's rules (datatrove, examples/fineweb.py)."""


def write_manifests(folder: Path) -> None:
    """Write all of them."""
    sources = {
        name: {"format": form, "path": str(folder / "corpus" / name / pattern)}
        for name, (form, pattern) in PATTERNS.items()
    }
    short = {"name": "bench", "sources": sources, "stages": ["gopher_quality", "normalize", "dedup_exact"]}
    tokens = _tokens(folder / "tokenizer.json", list(sources))
    _write(folder / "filter.yaml", short)
    _write(folder / "build.yaml", {**short, **tokens})
    _write(folder / "whole.yaml", {**short, "stages": WHOLE, **tokens})


def _write(path: Path, manifest: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")


def _tokens(tokenizer: Path, sources: list[str]) -> dict[str, Any]:
    """Return what takes every token there is, once: more is asked for, and `scale` gives way."""
    phase = {"name": "all", "tokens": "1B", "weights": {"everything": 1.0}, "short": "scale"}
    mix = {"sequence_length": 2048, "pools": {"everything": {"sources": sources}}, "phases": [phase]}
    return {"tokenizer": {"json": str(tokenizer), "eos": True}, "mix": mix}
