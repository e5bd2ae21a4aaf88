"""What Python programs use: the public names, and that they do what the command line does."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import pipelines
from pipelines.audit.summary import Summary
from pipelines.errors import ManifestError, RequestError
from tests.helpers import lines_source, write_lines, written

PROSE = "The mill of the gods grinds slowly, and those who have to wait with it grow wise. "


def test_the_public_names_are_these() -> None:
    assert pipelines.__all__ == ["build", "load", "open_build"]
    assert dir(pipelines) == pipelines.__all__
    with pytest.raises(AttributeError, match="no attribute 'bild'"):
        _ = pipelines.bild


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import pipelines, sys; print([name for name in ('ray', 'pyarrow', 'pydantic') if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "[]"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    write_lines(tmp_path / "a" / "x.jsonl", [{"id": f"d{number}", "text": PROSE * (1 + number)} for number in range(9)])
    phases = [{"name": name, "tokens": 400, "weights": {"a": 1.0}} for name in ("web", "anneal")]
    whole = {
        "name": "small",
        "sources": {"a": lines_source(tmp_path / "a")},
        "stages": [{"where": "chars > 100"}],
        "tokenizer": {"train": {"vocab_size": 300}},
        "mix": {"sequence_length": 32, "shard_tokens": 150, "phases": phases, "max_epochs": 9},
    }
    return written(whole, tmp_path / "out")


def test_a_build_in_three_lines(manifest: Path, tmp_path: Path) -> None:
    built = pipelines.build(pipelines.load(manifest), tmp_path / "out", address="none")
    assert isinstance(built.summary, Summary)
    assert built.summary.records == 9
    assert built.shards("web") == [str(tmp_path / "out" / "shards" / "web" / f"part-0000{n}.parquet") for n in range(3)]
    assert built.shards() == built.shards("web") + built.shards("anneal")
    assert pq.read_table(built.shards("web")).column("input_ids").combine_chunks().value_lengths()[0].as_py() == 32


def test_a_finished_build_is_opened_and_asked(manifest: Path, tmp_path: Path) -> None:
    pipelines.build(manifest, tmp_path / "out", address="none")
    built = pipelines.open_build(tmp_path / "out")
    (story,) = built.why("d0")
    assert (story.verdict.fate, story.reason) == ("dropped", "not true: chars > 100 (chars is 82)")
    assert all(traced.agrees for traced in built.trace("web/part-00000.parquet", 0))
    assert built.manifest == pipelines.load(manifest)
    assert built.folder == str(tmp_path / "out")
    assert built.passport.hash == built._opened.lock.tokenizer_hash


def test_overrides_change_what_is_loaded(manifest: Path) -> None:
    assert pipelines.load(manifest, ["seed=5"]).seed == 5
    with pytest.raises(ManifestError, match="sed"):
        pipelines.load(manifest, ["sed=5"])


def test_what_cannot_be_is_refused(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no build"):
        pipelines.open_build(tmp_path)
    built = pipelines.build(manifest, tmp_path / "out", address="none")
    with pytest.raises(RequestError, match="did you mean 'anneal'"):
        built.shards("aneal")
