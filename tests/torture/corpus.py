"""The corpus of the torture tests: about 5 MB of real text in five layouts, and manifests over it.

In:  `../shared/corpus`; where that is not there, what `gristmill sample` writes.
Out: files below a folder, and a manifest that uses every kind of step.
Guaranteed: the same files in every folder.
"""

import shutil
from pathlib import Path
from typing import Any

from pipelines.sample import write_sample
from tests.helpers import CORPUS

FILES = {
    "refinedweb": ["refinedweb/cc-main-2019-30.parquet", "refinedweb/train-00000-of-00002.parquet"],
    "c4": ["c4/c4-train.00000-of-00002.json.gz", "c4/c4-train.00001-of-00002.json.gz"],
    "pile": ["pile/val.jsonl.zst"],
    "wikipedia": ["redpajama_v1/wikipedia/wiki.jsonl"],
    "dolma": ["dolma/cc_en_head/documents/cc_en_head-0000.json.gz"],
}
FORMATS = {"wikipedia": "redpajama_v1"}
SAMPLE = {"refinedweb": "refinedweb", "pile": "pile", "wikipedia": "redpajama_v1/github", "dolma": "dolma/licences"}


def write_corpus(folder: Path) -> dict[str, Any]:
    """Write the corpus below `folder`; return the manifest's `sources`."""
    if CORPUS.is_dir():
        for source, files in FILES.items():
            for file in files:
                (folder / source).mkdir(parents=True, exist_ok=True)
                shutil.copy(CORPUS / file, folder / source)
        return {source: _entry(folder / source, FORMATS.get(source, source)) for source in FILES}
    write_sample(folder / "sample", 5)
    formats = {**FORMATS, "pile": "pile"}
    return {name: _entry(folder / "sample" / at, formats.get(name, name)) for name, at in SAMPLE.items()}


def _entry(folder: Path, form: str) -> dict[str, Any]:
    return {"format": form, "path": f"{folder}/**/*"}


def manifest(sources: dict[str, Any], tokenizer: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a manifest with filters, an editor, every exchange, a fit (unless a tokenizer is given) and two phases."""
    sources["pile"] |= {"fields": ["pile_set_name"], "sample": {"fraction": 0.8}}
    names = list(sources)
    return {
        "name": "torture",
        "seed": 5,
        "split_bytes": "300KB",
        "sources": sources,
        "stages": [
            {"gopher_quality": {"on": ["refinedweb"]}},
            "normalize",
            {"dedup_exact": {"keep": ["pile"], "max_loss": 1}},
            {"where": "chars >= 100"},
            {"dedup_exact": {"by": "url", "prefer": "longest", "max_loss": 1}},
            {"dedup_minhash": {"prefer": "longest", "max_loss": 1}},
            {"dedup_lines": {"max_loss": 1}},
            {"dedup_substrings": {"scope": {"documents": 200}, "max_loss": 1}},
        ],
        "tokenizer": tokenizer or {"train": {"vocab_size": 2000, "sample_bytes": "500KB"}, "eos": True},
        "mix": {
            "sequence_length": 256,
            "shard_tokens": "100K",
            "pools": {"long": {"sources": names, "where": "word_count >= 300"}},
            "phases": [
                {"name": "first", "tokens": "300K", "weights": {"pile": 0.5, "refinedweb": 0.3, "long": 0.2}},
                {"name": "second", "tokens": "100K", "weights": {"dolma": 0.5, "long": 0.5}},
            ],
            "max_epochs": 20,
        },
    }
