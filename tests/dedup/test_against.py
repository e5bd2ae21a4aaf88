"""Deduplication against earlier builds: the same documents stay as in one build of all, and no earlier text is read."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from filters.shingling import shingles_of
from filters.words import words
from pipelines.dedup.minhash import DedupMinhash
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from tests.dedup.test_minhash import families, jaccard, plain_survivors, prose
from tests.helpers import build_here, lines_source, verdicts, write_lines

Verdict = dict[str, Any]
Stage = dict[str, dict[str, Any]]


def crawl(folder: Path, texts: Sequence[str], name: str) -> None:
    """Write a crawl of some texts, ten a file; its ids tell it from others."""
    for first in range(0, len(texts), 10):
        some = range(first, min(first + 10, len(texts)))
        records = [
            {"id": f"{name}{at:05}", "text": texts[at], "url": f"http://e.org/{len(texts[at]) % 40}"} for at in some
        ]
        write_lines(folder / name / f"{first:05}.jsonl", records)


def manifest(folder: Path, names: Sequence[str], stage: Stage) -> dict[str, Any]:
    return {"name": "m", "sources": {name: lines_source(folder / name) for name in names}, "stages": [stage]}


def built(
    folder: Path, names: Sequence[str], stage: Stage, out: str, resources: Resources | None = None
) -> list[Verdict]:
    """Build crawls; return their verdicts, by id."""
    settings = Settings(address="none", resources=resources or Resources())
    build_here(manifest(folder, names, stage), folder / out, settings)
    return sorted(verdicts(folder / out).to_pylist(), key=lambda verdict: str(verdict["id"]))


def with_options(stage: Stage, **more: object) -> Stage:
    ((name, options),) = stage.items()
    return {name: {"max_loss": 1, **options, **more}}


def decided(found: Sequence[Verdict], name: str) -> list[tuple[Any, ...]]:
    """Return what became of the documents of a crawl."""
    columns = ("id", "fate", "kept_uid", "similarity")
    return [tuple(each[column] for column in columns) for each in found if each["source"] == name]


STAGES: dict[str, Stage] = {
    "content": {"dedup_exact": {}},
    "url": {"dedup_exact": {"by": "url"}},
    "lower": {"dedup_exact": {"normalize": "lower", "prefer": "longest"}},
    "verified": {"dedup_minhash": {"store_shingles": True}},
    "unverified": {"dedup_minhash": {"verify": False}},
    "buckets": {"dedup_exact": {"scope": {"documents": 40}}},
}


@pytest.mark.parametrize("name", STAGES)
def test_what_stays_is_what_stays_of_one_build_of_all(tmp_path: Path, name: str) -> None:
    texts = families(11, 240)
    for number, crawled in enumerate("ab"):
        crawl(tmp_path, texts[number::2], crawled)
    joint = built(tmp_path, "ab", with_options(STAGES[name], keep=["a", "b"]), "joint")
    built(tmp_path, "a", with_options(STAGES[name]), "first")
    shutil.rmtree(tmp_path / "a")
    found = built(tmp_path, "b", with_options(STAGES[name], against=str(tmp_path / "first")), "second")
    assert decided(found, "b") == decided(joint, "b")
    assert any(each["fate"] == "duplicate" for each in found)
