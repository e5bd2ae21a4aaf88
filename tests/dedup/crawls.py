"""Crawls that are compared with earlier ones: written, built, and what became of their documents."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from tests.helpers import build_here, lines_source, verdicts, write_lines

Verdict = dict[str, Any]
Stage = dict[str, dict[str, Any]]

FILE = 10
"""Documents of a file."""


def crawl(folder: Path, name: str, texts: Sequence[str]) -> None:
    """Write a crawl of some texts; its ids tell it from others, and about forty documents share each URL."""
    for first in range(0, len(texts), FILE):
        some = range(first, min(first + FILE, len(texts)))
        records = [
            {"id": f"{name}{at:05}", "text": texts[at], "url": f"http://e.org/{len(texts[at]) % 40}"} for at in some
        ]
        write_lines(folder / name / f"{first:05}.jsonl", records)


def with_options(stage: Stage, **more: object) -> Stage:
    """Return a stage with more options; a crawl may lose all of its documents."""
    ((name, options),) = stage.items()
    return {name: {"max_loss": 1, **options, **more}}


def manifest(folder: Path, names: Sequence[str], *stages: Stage | str) -> dict[str, Any]:
    """Return a manifest over crawls."""
    sources = {name: lines_source(folder / name, tags=["all"]) for name in names}
    return {"name": "m", "sources": sources, "stages": list(stages)}


def built(
    folder: Path, names: Sequence[str], stage: Stage, out: str, resources: Resources | None = None
) -> list[Verdict]:
    """Build crawls; return their verdicts, by id."""
    settings = Settings(address="none", resources=resources or Resources())
    build_here(manifest(folder, names, stage), folder / out, settings)
    return sorted(verdicts(folder / out).to_pylist(), key=lambda verdict: str(verdict["id"]))


def decided(found: Sequence[Verdict], name: str) -> list[tuple[Any, ...]]:
    """Return what became of the documents of a crawl, whichever build the documents are in that stay for others."""
    columns = ("id", "fate", "kept_uid", "similarity")
    return [tuple(each[column] for column in columns) for each in found if each["source"] == name]


def fallen(found: Sequence[Verdict]) -> list[str]:
    """Return the ids of the documents that fell."""
    return [str(each["id"]) for each in found if each["fate"] == "duplicate"]
