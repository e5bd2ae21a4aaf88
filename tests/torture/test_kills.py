"""(a) Builds that are killed at random moments, driver or worker, and run again."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import digest
from tests.torture.corpus import manifest, write_corpus
from tests.torture.running import SEED, kill_a_worker, kill_all, receipts, run_well, start, tasks_logged

HERE: tuple[str, ...] = ("--address", "none")
ON_RAY: tuple[str, ...] = ("--address", "auto", "--workers", "2")


class Undisturbed:
    """A manifest, its result, and how long it takes here and on Ray."""

    def __init__(self, folder: Path) -> None:
        self.manifest: dict[str, Any] = manifest(write_corpus(folder / "corpus"))
        self.seconds = {HERE: run_well(self.manifest, folder / "undisturbed", *HERE)}
        self.seconds[ON_RAY] = run_well(self.manifest, folder / "undisturbed_on_ray", *ON_RAY)
        self.digest = digest(folder / "undisturbed")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("kills"))


def _kill_the_driver(undisturbed: Undisturbed, out: Path, options: tuple[str, ...], rng: random.Random) -> None:
    """Kill a build at a random moment, resume it, and compare."""
    moment = rng.uniform(0.5, undisturbed.seconds[options] + 0.5)
    driver = start(undisturbed.manifest, out, *options)
    time.sleep(moment)
    kill_all(driver)
    complete, ran = receipts(out), len(tasks_logged(out))
    run_well(undisturbed.manifest, out, *options)
    again = set(tasks_logged(out)[ran:]) & complete
    assert not again, f"seed {SEED}: killed after {moment:.2f} s, {again} ran again"
    assert digest(out) == undisturbed.digest, f"seed {SEED}: killed after {moment:.2f} s"


def _kill_workers(undisturbed: Undisturbed, out: Path, rng: random.Random) -> None:
    """Kill a worker now and then; the build goes on by itself."""
    driver = start(undisturbed.manifest, out, *ON_RAY)
    killed = 0
    while driver.poll() is None:
        time.sleep(rng.uniform(0.3, 1.5))
        killed += killed < 4 and kill_a_worker(driver, rng)
    assert driver.returncode == 0, f"seed {SEED}: {killed} workers killed"
    assert digest(out) == undisturbed.digest, f"seed {SEED}: {killed} workers killed"


def _rounds(undisturbed: Undisturbed, folder: Path, kills: list[str]) -> None:
    rng = random.Random(f"{SEED} {kills}")
    print(f"torture seed {SEED}")
    for number, kind in enumerate(kills):
        out = folder / f"out{number}"
        if kind == "worker":
            _kill_workers(undisturbed, out, rng)
        else:
            _kill_the_driver(undisturbed, out, HERE if kind == "here" else ON_RAY, rng)


@pytest.mark.ray
@pytest.mark.timeout(600)
def test_three_kills_change_no_byte_and_repeat_no_finished_task(undisturbed: Undisturbed, tmp_path: Path) -> None:
    _rounds(undisturbed, tmp_path, ["here", "ray", "worker"])


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_thirty_kills_change_no_byte_and_repeat_no_finished_task(undisturbed: Undisturbed, tmp_path: Path) -> None:
    _rounds(undisturbed, tmp_path, ["here"] * 14 + ["ray"] * 10 + ["worker"] * 6)
