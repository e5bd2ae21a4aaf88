"""A small build in which every fate comes about, and what its folder says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.audit.opened import Opened, open_folder
from tests.helpers import build_here, lines_source, write_lines

PROSE = "It is said that the mill of the gods grinds slowly, and that those who have to wait with it grow wise. "


def records() -> list[dict[str, Any]]:
    """Return records of every fate: their ids say which."""
    kept = [{"id": f"kept-{number}", "text": f"Number {number}. " + PROSE * (2 + number % 7)} for number in range(40)]
    return [
        *kept,
        {"id": "copy", "text": kept[3]["text"]},
        {"id": "edited", "text": "Cafe\u0301 number one.\r\n" + PROSE * 3},
        {"id": "short", "text": "too short"},
        {"id": "numbers", "text": "the 11111 22222 33333 44444 of 55555 66666 77777 88888 " * 8},
        {"id": "middling", "text": PROSE * 11},
        {"id": "bad", "text": 7},
        {"id": "old", "text": PROSE * 5, "year": 1999},
        {"text": "It has no name. " + PROSE * 4},
        {"id": "[red]odd/id:9[/]", "text": "An odd name. " + PROSE * 4},
    ]


def manifest(folder: Path, **changes: object) -> dict[str, Any]:
    """Return a manifest over two sources below a folder."""
    fields = {"year": {"path": "year", "type": "int64"}}
    return {
        "name": "small",
        "seed": 3,
        "split_bytes": 9_000,
        "sources": {
            "main": lines_source(folder / "main", fields=fields, where="year is null"),
            "half": lines_source(folder / "half", sample={"fraction": 0.5}, tags=["other"]),
        },
        "stages": [
            {"gopher_quality": {"min_word_count": 10, "on": ["main"]}},
            {"gopher_quality": {"min_word_count": 12, "min_frac_words_with_alpha": 0.5, "on": ["half"]}},
            "normalize",
            "dedup_exact",
            {"where": "chars < 1000"},
        ],
        "tokenizer": {"train": {"vocab_size": 400}, "eos": True},
        "mix": {
            "sequence_length": 32,
            "shard_tokens": 1500,
            "pools": {"long": {"sources": ["main"], "where": "word_count > 80"}},
            "phases": [
                {"name": "first", "tokens": 4000, "weights": {"main": 0.75, "half": 0.25}},
                {"name": "second", "tokens": 900, "weights": {"long": 1.0}},
            ],
            "max_epochs": {"half": 9},
        },
        **changes,
    }


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two sources, one of them in two files."""
    folder = tmp_path_factory.mktemp("corpus")
    every = records()
    write_lines(folder / "main" / "one.jsonl", every[:30])
    write_lines(folder / "main" / "two.jsonl", every[30:])
    halves = [{"id": f"half-{number}", "text": f"Half {number}. " + PROSE * 3} for number in range(30)]
    write_lines(folder / "half" / "x.jsonl", halves)
    return folder


@pytest.fixture(scope="session")
def built(corpus: Path) -> Opened:
    """Return the finished build."""
    build_here(manifest(corpus), corpus / "out")
    return open_folder(corpus / "out")


@pytest.fixture
def building(tmp_path: Path) -> Callable[[dict[str, Any]], Opened]:
    """Return what builds another manifest and opens it."""

    def build(wanted: dict[str, Any]) -> Opened:
        build_here(wanted, tmp_path / "out")
        return open_folder(tmp_path / "out")

    return build
