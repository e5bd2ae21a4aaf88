"""(c) A file is added in the middle of a source."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import build_here, digest, tasks_run, verdicts
from tests.torture.corpus import manifest, write_corpus


@pytest.fixture
def tokenizer(tmp_path: Path) -> dict[str, Any]:
    """Train a small tokenizer, which the build then takes as it is."""
    sources = {"wikipedia": write_corpus(tmp_path / "words")["wikipedia"]}
    trained = {
        "name": "words",
        "sources": sources,
        "tokenizer": {"train": {"vocab_size": 1000, "sample_bytes": "200KB"}},
    }
    build_here(trained, tmp_path / "tokenizer")
    (file,) = (tmp_path / "tokenizer" / "work" / "fits").glob("tokenizer-*.json")
    return {"json": str(file), "eos": True}


def _rows(out: Path) -> dict[int, tuple[str, bool]]:
    ledger = verdicts(out)
    rows = zip(*(ledger.column(name).to_pylist() for name in ("uid", "id", "fate")), strict=True)
    return {uid: (name, fate == "unsampled") for uid, name, fate in rows}


def test_only_the_new_file_is_mapped_and_no_old_decision_changes(tmp_path: Path, tokenizer: dict[str, Any]) -> None:
    corpus = tmp_path / "corpus"
    sources = write_corpus(corpus)
    source = next(name for name in ("c4", "pile") if name in sources)
    sources[source]["sample"] = {"fraction": 0.7}
    grown = manifest(sources, tokenizer)
    build_here(grown, tmp_path / "out")
    before, ran = _rows(tmp_path / "out"), len(tasks_run(tmp_path / "out", "pass 1 of 7"))
    added = [
        {"text": f"A new document, number {number}. " * 30, "url": f"https://new.example/{number}"}
        for number in range(50)
    ]
    folder = Path(sources[source]["path"].removesuffix("/**/*"))
    (folder / "c4-train.00000-of-00002.json.gz.more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in added))
    build_here(grown, tmp_path / "out")
    new = tasks_run(tmp_path / "out", "pass 1 of 7")[ran:]
    after = _rows(tmp_path / "out")
    assert len(new) == 1
    assert len(after) == len(before) + len(added)
    assert {uid: after[uid] for uid in before} == before
    build_here(grown, tmp_path / "fresh")
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")
