"""The benchmark runs a recipe that exists, over documents that exact dedup does not thin out."""

import itertools
from pathlib import Path

import pytest

from benchmarks.build import ROWS
from benchmarks.corpus import PATTERNS, repeated
from benchmarks.manifests import write_manifests
from benchmarks.measure import Contender, interleave
from pipelines.manifest import load_manifest


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    for name, ending in {
        "refinedweb": "parquet",
        "redpajama": "jsonl",
        "pile": "jsonl.zst",
        "dolma": "json.gz",
    }.items():
        (tmp_path / "corpus" / name).mkdir(parents=True)
        (tmp_path / "corpus" / name / f"00.{ending}").touch()
    (tmp_path / "tokenizer.json").write_text('{"model": {}}')
    write_manifests(tmp_path)
    return tmp_path


@pytest.mark.parametrize("recipe", ROWS)
def test_the_manifests_of_the_benchmark_load(bench: Path, recipe: str) -> None:
    manifest = load_manifest(bench / f"{recipe}.yaml")
    assert set(manifest.sources) == set(PATTERNS)
    assert (manifest.mix is None) == (recipe == "filter")


def test_documents_that_come_again_differ_from_each_other() -> None:
    rows = [{"text": "a few words of a short text"}, {"text": "word"}, {"text": " \n"}]
    texts = [row["text"] for row in itertools.islice(repeated("text", rows), 60)]
    assert texts[:3] == [row["text"] for row in rows]
    assert len(set(texts)) == 60


def test_every_contender_runs_once_a_round_into_a_fresh_folder(tmp_path: Path) -> None:
    command = ("sh", "-c", 'test ! -e "$0" && mkdir "$0" && echo 7')
    timings = interleave([Contender("one", command), Contender("two", command)], tmp_path, 2)
    assert [[timing.kept for timing in each] for each in timings.values()] == [[7, 7], [7, 7]]


def test_a_contender_that_fails_ends_the_benchmark_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such corn"):
        interleave([Contender("bad", ("sh", "-c", "echo no such corn; exit 3"))], tmp_path, 1)
