"""One dedup in a process of its own, on one core: how it is timed, and what it says of itself.

In:  a module that dedups a folder of JSON lines into another one.
Out: seconds, memory, and how many documents stay, as the last line of JSON that the process prints.
Guaranteed: starting Python, importing, compiling and loading word splitters are not timed on any side: each process
     dedups a few documents first. Seconds are those that the process spent on the processor; those on the wall, which
     other work on the machine lengthens, stand beside them. Every side leaves the same product: the lines that stay,
     in `kept/*.jsonl`.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measure import ONE_THREAD, one_core

NGRAM, BANDS, ROWS, SEED = 5, 14, 8, 1
"""FineWeb's numbers, and datatrove's defaults (huggingface/datatrove 0.10.1, pipeline/dedup/minhash.py)."""

Dedup = Callable[[Path, Path], None]
"""Takes a folder of .jsonl files and an output folder, below which it leaves `kept/*.jsonl`."""


@dataclass(frozen=True)
class Measured:
    """One run.

    Args:
        kept: documents that stay.
        cpu_seconds: spent on the processor.
        seconds: by the clock on the wall.
        peak_bytes: largest resident set of the process.
        rows_bytes: what it left below `work/rows`.
    """

    kept: int
    cpu_seconds: float
    seconds: float
    peak_bytes: int
    rows_bytes: int


def measure_dedup(dedup: Dedup, warm: Path, documents: Path, out: Path) -> Measured:
    """Dedup the documents of `warm`, and then, timed, `documents`."""
    dedup(warm, out / "warm")
    clock, processor = time.perf_counter(), time.process_time()
    dedup(documents, out / "timed")
    spent = (time.process_time() - processor, time.perf_counter() - clock)
    return Measured(count_lines(out / "timed" / "kept"), *spent, peak_bytes(), bytes_below(out / "timed/work/rows"))


def report(dedup: Dedup) -> None:
    """Do as the command line asks, WARM DOCUMENTS OUT, and print what was measured."""
    warm, documents, out = map(Path, sys.argv[-3:])
    print(json.dumps(asdict(measure_dedup(dedup, warm, documents, out))))


def peak_bytes() -> int:
    """Return the largest resident set that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def count_lines(folder: Path) -> int:
    """Return the lines of all .jsonl files below a folder."""
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.jsonl"))


def bytes_below(folder: Path) -> int:
    """Return the size of all files below a folder, 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run_pinned(module: str, *arguments: str | Path) -> str:
    """Run a module in a process on one core; return the last line that it prints, or end with its own words."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    print(" ".join(command[2:]), file=sys.stderr, flush=True)
    with one_core():
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **ONE_THREAD})
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return done.stdout.strip().rpartition("\n")[2]


def measured(module: str, *arguments: str | Path) -> Measured:
    """Run a module that ends in `report`, and return what it measured."""
    return Measured(**json.loads(run_pinned(module, *arguments)))
