"""(b) One change at a time: workers, order, hash seeds, partitions, buffers, Ray, folders. One digest."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import digest
from tests.torture.corpus import manifest, write_corpus
from tests.torture.running import run_well

HERE = ("--address", "none")

CHANGES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "1 worker on Ray": (("--workers", "1"), {}),
    "2 workers on Ray": (("--workers", "2"), {}),
    "5 workers on Ray": (("--workers", "5"), {}),
    "reversed scheduling": ((*HERE, "--reverse"), {}),
    "reversed scheduling on Ray": (("--workers", "2", "--reverse"), {}),
    "hash seed 1": (HERE, {"PYTHONHASHSEED": "1"}),
    "hash seed 2": (HERE, {"PYTHONHASHSEED": "2"}),
    "one partition": ((*HERE, "--partitions", "1"), {}),
    "seven partitions": ((*HERE, "--partitions", "7"), {}),
    "a spill buffer of 1 KiB": ((*HERE, "--spill-bytes", "1024"), {}),
}


class Baseline:
    """A manifest and the digest of its build."""

    def __init__(self, folder: Path) -> None:
        self.manifest: dict[str, Any] = manifest(write_corpus(folder / "corpus"))
        run_well(self.manifest, folder / "baseline", *HERE)
        self.digest = digest(folder / "baseline")


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    return Baseline(tmp_path_factory.mktemp("order"))


QUICK = {"2 workers on Ray", "reversed scheduling", "seven partitions", "a spill buffer of 1 KiB"}
"""The changes that `make test` tries, too; `make test-all` tries all of them."""


@pytest.mark.ray
@pytest.mark.parametrize(
    "change", [change if change in QUICK else pytest.param(change, marks=pytest.mark.slow) for change in CHANGES]
)
def test_how_a_build_runs_changes_no_byte(baseline: Baseline, change: str, tmp_path: Path) -> None:
    options, environment = CHANGES[change]
    run_well(baseline.manifest, tmp_path / "out", *options, env={**os.environ, **environment})
    assert digest(tmp_path / "out") == baseline.digest


def test_where_corpus_and_build_stand_changes_no_byte(baseline: Baseline, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another place" / "data"
    moved = manifest(write_corpus(elsewhere))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run_well(moved, tmp_path / "another build", *HERE, cwd=tmp_path, env=environment)
    assert digest(tmp_path / "another build") == baseline.digest
