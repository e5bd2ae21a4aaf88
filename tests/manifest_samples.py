"""A valid manifest that uses everything a manifest can say, its files, and ways to change it."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

SAMPLE: dict[str, Any] = {
    "name": "sample",
    "seed": 17,
    "split_bytes": "64MB",
    "sources": {
        "web": {"format": "refinedweb", "path": "data/web/*.parquet", "tags": ["prose"]},
        "pile": {
            "format": "pile",
            "path": ["data/pile/*.jsonl"],
            "fields": ["pile_set_name"],
            "select": {"pile_set_name": ["ArXiv", "Github"]},
            "where": "chars > 10",
        },
        "dolma": {"format": "dolma", "path": "data/dolma", "sample": {"fraction": 0.5}, "tags": ["prose", "late"]},
        "books": {
            "format": "jsonl",
            "path": "data/books.jsonl",
            "fields": {"score": {"path": "meta.score", "type": "float64"}, "genre": "kind"},
            "text_field": "body",
        },
    },
    "stages": [
        {"gopher_quality": {"on": ["prose"], "min_word_count": 20}},
        {"where": "word_count >= 5 and chars < 100_000"},
        "normalize",
        {"where": {"expression": "score > 0.5 or genre is null", "on": ["books"]}},
        {"dedup_exact": {"keep": ["books", "prose"], "exempt": ["pile"]}},
    ],
    "tokenizer": {"train": {"vocab_size": 32000, "sample_bytes": "1MB", "pattern": "gpt2"}, "eos": True},
    "mix": {
        "sequence_length": 128,
        "shard_tokens": "1M",
        "pack": "concat",
        "pools": {
            "long": {"sources": ["prose", "books"], "where": "word_count@normalize > 1000"},
            "all_late": {"sources": ["late"]},
        },
        "phases": [
            {"name": "main", "tokens": "8M", "weights": {"web": 0.7, "pile": 0.2, "long": 0.1}},
            {
                "name": "anneal",
                "tokens": "1.5M",
                "weights": {"books": 2, "long": 1},
                "normalize": True,
                "short": "scale",
            },
        ],
        "max_epochs": {"books": 4, "long": 1.5},
        "groups": {
            "by_size": {"of": ["web", "pile"], "alpha": 0.3},
            "by_weight": {"of": {"by_size": 3, "books": 1}},
        },
        "max_share": {"late": 0.6},
        "holdout": {"pile": 0.01, "late": 0.02},
    },
}

FILES = ("web/a.parquet", "pile/a.jsonl", "pile/b.jsonl", "dolma/a.json.gz", "books.jsonl", "tokenizer.json")

GONE = Ellipsis
"""Put where a value is to be taken out."""


def write_files(folder: Path) -> None:
    """Write the files that the sample names; a manifest only asks whether they are there."""
    for name in FILES:
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}\n")


def changed(tree: Any, way: Sequence[str | int], value: object) -> Any:  # noqa: ANN401 - any YAML
    """Return a copy of `tree` with `value` put in at the end of `way`, or taken out."""
    tree = copy.deepcopy(tree)
    inner = tree
    for part in way[:-1]:
        inner = inner[part]
    if value is GONE:
        del inner[way[-1]]
    elif isinstance(inner, list) and way[-1] == len(inner):
        inner.append(value)
    else:
        inner[way[-1]] = value
    return tree


def way_to(dotted: str) -> list[str | int]:
    """Return `mix.phases.0` as a way."""
    return [int(part) if part.isdigit() else part for part in dotted.split(".")]


def write_manifest(folder: Path, tree: Any) -> Path:  # noqa: ANN401 - any YAML
    """Write `tree` as a manifest and return its path."""
    path = folder / "manifest.yaml"
    path.write_text(
        tree if isinstance(tree, str) else yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), "utf-8"
    )
    return path
