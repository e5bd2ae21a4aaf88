"""The manifests of the benchmark: the same recipe with the tokenizer and without.

In:  the bench's folder, with `corpus/` and `tokenizer.json`.
Out: `build.yaml` and `filter.yaml` in it.
"""

from pathlib import Path
from typing import Any

import yaml

PATTERNS = {
    "refinedweb": ("refinedweb", "*.parquet"),
    "redpajama": ("redpajama_v1", "*.jsonl"),
    "pile": ("pile", "*.jsonl.zst"),
    "dolma": ("dolma", "*.json.gz"),
}
"""Folder of the benchmark's corpus -> its format in a manifest, and the pattern of its files."""


def write_manifests(folder: Path) -> None:
    """Write `build.yaml` and `filter.yaml`."""
    sources = {
        name: {"format": form, "path": str(folder / "corpus" / name / pattern)}
        for name, (form, pattern) in PATTERNS.items()
    }
    filters = {"name": "bench", "sources": sources, "stages": ["gopher_quality", "normalize", "dedup_exact"]}
    _write(folder / "filter.yaml", filters)
    _write(folder / "build.yaml", {**filters, **_tokens(folder / "tokenizer.json", list(sources))})


def _write(path: Path, manifest: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")


def _tokens(tokenizer: Path, sources: list[str]) -> dict[str, Any]:
    """Return what takes every token there is, once: more is asked for, and `scale` gives way."""
    phase = {"name": "all", "tokens": "1B", "weights": {"everything": 1.0}, "short": "scale"}
    mix = {"sequence_length": 2048, "pools": {"everything": {"sources": sources}}, "phases": [phase]}
    return {"tokenizer": {"json": str(tokenizer), "eos": True}, "mix": mix}
