"""Running builds as a user does, and killing them as users do not.

In:  a manifest, a build folder, options of the command line.
Out: processes, and what they left.
Guaranteed: a kill reaches the driver and all processes it started.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from pipelines.engine.receipts import FOLDER
from tests.helpers import written

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("TORTURE_SEED", "20261124"))
"""The seed of all chance in these tests; it is printed with every failure."""


def command(manifest: dict[str, Any], out: Path, *options: str) -> list[str]:
    """Return the command line of a build."""
    return [sys.executable, "-m", "pipelines.cli", "build", str(written(manifest, out)), "--out", str(out), *options]


def run(
    manifest: dict[str, Any], out: Path, *options: str, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Build, and wait for the end."""
    line = command(manifest, out, *options)
    return subprocess.run(line, check=False, capture_output=True, text=True, cwd=cwd, env=env)


def run_well(
    manifest: dict[str, Any], out: Path, *options: str, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> float:
    """Build, insist that it succeeds, and return the seconds it took."""
    started = time.monotonic()
    ended = run(manifest, out, *options, cwd=cwd, env=env)
    assert ended.returncode == 0, f"{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    return time.monotonic() - started


def start(manifest: dict[str, Any], out: Path, *options: str) -> subprocess.Popen[bytes]:
    """Begin a build; its output goes nowhere."""
    return subprocess.Popen(
        command(manifest, out, *options),
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_all(driver: subprocess.Popen[bytes]) -> None:
    """Kill the driver and all its descendants at once, and wait until they are gone."""
    try:
        family = [psutil.Process(driver.pid), *psutil.Process(driver.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    driver.wait()
    psutil.wait_procs(family, timeout=30)


def kill_a_worker(driver: subprocess.Popen[bytes], rng: random.Random) -> bool:
    """Kill one of the Ray workers that run a task, if there is one."""
    try:
        family = psutil.Process(driver.pid).children(recursive=True)
        workers = [process for process in family if process.name() == "ray::_run_here"]
        if workers:
            rng.choice(workers).kill()
    except psutil.NoSuchProcess:
        return False
    return bool(workers)


def receipts(out: Path) -> set[str]:
    """Return the parts that have a receipt."""
    folder = out / FOLDER
    return {str(path.relative_to(folder)).removesuffix(".json") for path in folder.rglob("*.json")}


def tasks_logged(out: Path) -> list[str]:
    """Return the parts of all tasks that ran, in the order in which they ended."""
    log = out / "runs.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    events = [json.loads(line) for line in lines]
    return [event["part"] for event in events if event["event"] == "task"]
