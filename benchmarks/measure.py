"""Processes measured one after another: wall time, peak memory, and how many documents they kept.

In:  commands, each of which takes a fresh output folder as its last word.
Out: timings by name, in rounds that run every command once.
Guaranteed: a process and its children are held to one core and one thread per library; nothing else of ours runs
meanwhile; a command that fails ends the benchmark with its own words.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass(frozen=True)
class Contender:
    """What is measured.

    Args:
        name: its name in the result.
        command: words of the command, without the output folder.
        ledger: folder of its output that holds Parquet verdicts; without one, it prints the documents kept last.
    """

    name: str
    command: tuple[str, ...]
    ledger: str | None = None


@dataclass(frozen=True)
class Timing:
    """One run.

    Args:
        seconds: by the clock on the wall.
        cpu_seconds: that the process and its children used; where it is far less, the machine had other work.
        peak_bytes: largest resident set of the process or of one of its children.
        kept: documents kept, where the contender says so.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    kept: int | None


def interleave(contenders: Sequence[Contender], folder: Path, rounds: int) -> dict[str, list[Timing]]:
    """Run every contender once a round, in order.

    Args:
        contenders: what runs; one that is named twice runs twice a round.
        folder: where outputs go; each is removed when its run is over.
        rounds: number of rounds.
    """
    timings: dict[str, list[Timing]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            print(f"round {number + 1} of {rounds}: {contender.name}", file=sys.stderr, flush=True)
            timings[contender.name].append(_measure(contender, folder / "out"))
    return timings


def _measure(contender: Contender, out: Path) -> Timing:
    shutil.rmtree(out, ignore_errors=True)
    log = out.with_suffix(".log")
    start = time.perf_counter()
    with log.open("wb") as stream, one_core():
        command = [*contender.command, str(out)]
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=_environment())
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"{contender.name} failed: {' '.join(command)}\n{log.read_text(errors='replace')[-4000:]}")
    return Timing(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, _kept(contender, out, log))


def _environment() -> dict[str, str]:
    """Return the environment of a contender: one thread, and compiled modules are kept, as pip does with peers."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | ONE_THREAD


@contextmanager
def one_core() -> Iterator[None]:
    """Hold what is started within to the last core that this process may use."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _kept(contender: Contender, out: Path, log: Path) -> int | None:
    if contender.ledger is not None:
        return int(run_quietly([sys.executable, "-m", "benchmarks.kept", str(out / contender.ledger)]))
    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
    return int(last) if last.isdigit() else None


def run_quietly(command: Sequence[str]) -> str:
    """Run a command to its end and return what it printed; where it fails, end with its own words."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return done.stdout
