"""Whole MinHash dedup beside datatrove's four steps and datasketch: the same documents and parameters, one core each.

In:  `--megabytes N` of real text with its near-duplicates: `../shared/corpus` beside the repository, or else what
     `gristmill sample` writes; as uncompressed JSON lines.
Out: a table of text MB/s, memory and documents kept, and with `--json` a last line of JSON: a row per comparison (name,
     peer, ours_mb_s, peer_mb_s, ratio, documents, ours_kept, peer_kept). With `--scale` also rows on the memory that
     `--signatures N` made-up signatures take, and on growth from 1 to 8 copies of the documents.
Guaranteed: every side reads JSON lines and writes those that stay as JSON lines, with 14 bands of 8 rows over runs of 5
     words; rounds are interleaved, medians are given. See `benchmarks/dedup_runs.py` for what is timed. Ours verifies
     candidates, which the peers do not, and so may keep more.

"words between white space": the shingles are the same on both sides. "normalized": both simplify texts as datatrove
does by default, and datatrove splits words its own way.

Run it: python -m benchmarks.dedup --json [--megabytes 48] [--rounds 3] [--scale] [--signatures 10000000]
Needs the peers: pip install -e '.[peers]'
"""

import argparse
import importlib.metadata
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.dedup_runs import Measured, measured, run_pinned

PLAIN = "dedup, words between white space"
NORMALIZED = "dedup, normalized"
SIGNATURES = "signatures"
COPIES = 8

OURS, DATATROVE, DATASKETCH = "benchmarks.dedup_ours", "benchmarks.dedup_datatrove", "benchmarks.dedup_datasketch"

Row = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """What runs on one side: a module of this folder, and its first arguments."""

    module: str
    arguments: tuple[str, ...] = ()


RACES = (
    (PLAIN, Side(OURS, ("none",)), Side(DATATROVE, ("whitespace",)), "its steps, our words"),
    (NORMALIZED, Side(OURS, ("datatrove",)), Side(DATATROVE, ("own",)), "its words"),
    (PLAIN, Side(OURS, ("none",)), Side(DATASKETCH), ""),
)
"""Name, our side, the peer's, and what is said of the peer."""


@dataclass(frozen=True)
class Bench:
    """The documents, and where everything is written.

    Args:
        folder: `documents/` and `warm/` are there.
        documents: how many there are.
        text_bytes: UTF-8 bytes of their text.
        rounds: times that each side runs.
        versions: version of each peer, by its name.
    """

    folder: Path
    documents: int
    text_bytes: int
    rounds: int
    versions: dict[str, str]

    def peer(self, side: Side, words: str) -> str:
        """Return what a peer is called."""
        name = side.module.rpartition("_")[2]
        return ", ".join(filter(None, [f"{name} {self.versions[name]}", words]))


def main() -> int:
    """Run the benchmark; return the exit code."""
    given = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 150)
    try:
        versions = {name: importlib.metadata.version(name) for name in ("datatrove", "datasketch", "spacy")}
    except importlib.metadata.PackageNotFoundError as missing:
        message = f"{missing.name} is not installed; the peers come with: pip install -e '.[peers]'"
        console.print(message, markup=False)
        return 2
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as scratch:
        bench = _prepare(Path(scratch), given, versions)
        rows = [*raced(bench), *signature_rows(bench)]
        rows += [*memory_rows(bench.folder, given.signatures), *growth_rows(bench, given)] if given.scale else []
    for table in _tables(bench, rows):
        console.print(table)
    if given.json:
        print(json.dumps(rows))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dedup", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    parser.add_argument("--megabytes", type=int, default=48, help="MB of text to run over (default 48)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds whose median counts (default 3)")
    parser.add_argument("--scale", action="store_true", help="measure memory and growth, too")
    parser.add_argument("--signatures", type=int, default=10_000_000, help="made-up signatures (default 10,000,000)")
    return parser.parse_args()


def _prepare(folder: Path, given: argparse.Namespace, versions: dict[str, str]) -> Bench:
    written = json.loads(run_pinned("benchmarks.dedup_documents", folder, str(given.megabytes)))
    return Bench(folder, written["documents"], written["bytes"], given.rounds, versions)


def raced(bench: Bench) -> list[Row]:
    """Return a row per comparison of whole dedups."""
    sides = list(dict.fromkeys(side for _, ours, theirs, _ in RACES for side in (ours, theirs)))
    runs: dict[Side, list[Measured]] = {side: [] for side in sides}
    for number in range(bench.rounds):
        print(f"round {number + 1} of {bench.rounds}", file=sys.stderr, flush=True)
        for side in sides:
            runs[side].append(_run(bench, side, bench.folder / "documents"))
    return [
        _race_row(bench, name, runs[ours], bench.peer(theirs, words), runs[theirs])
        for name, ours, theirs, words in RACES
    ]


def _run(bench: Bench, side: Side, documents: Path) -> Measured:
    out = bench.folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    return measured(side.module, *side.arguments, bench.folder / "warm", documents, out)


def _race_row(bench: Bench, name: str, ours: Sequence[Measured], peer: str, theirs: Sequence[Measured]) -> Row:
    return {
        **_speeds(name, peer, _speed(bench, ours), _speed(bench, theirs)),
        "documents": bench.documents,
        "ours_kept": ours[0].kept,
        "peer_kept": theirs[0].kept,
        "ours_wall_s": _median(ours, lambda run: run.seconds),
        "peer_wall_s": _median(theirs, lambda run: run.seconds),
        "ours_peak_mib": round(max(run.peak_bytes for run in ours) / 2**20),
        "peer_peak_mib": round(max(run.peak_bytes for run in theirs) / 2**20),
    }


def _speeds(name: str, peer: str | None, ours: float, theirs: float | None) -> Row:
    return {
        "name": name,
        "peer": peer,
        "ours_mb_s": round(ours, 3),
        "peer_mb_s": None if theirs is None else round(theirs, 3),
        "ratio": None if theirs is None else round(ours / theirs, 3),
    }


def _speed(bench: Bench, runs: Sequence[Measured]) -> float:
    return bench.text_bytes / 1e6 / median(run.cpu_seconds for run in runs)


def _median(runs: Sequence[Measured], number: Callable[[Measured], float]) -> float:
    return round(median(map(number, runs)), 3)


def signature_rows(bench: Bench) -> list[Row]:
    """Return rows of signatures alone: beside each peer, and of our kernels."""
    last = run_pinned("benchmarks.dedup_signatures", bench.folder / "documents", str(bench.rounds))
    speeds: dict[str, float] = json.loads(last)
    ours = speeds.pop("stage")
    peers = {name: speeds.pop(name) for name in ("datatrove", "datasketch")}
    beside = [_speeds(SIGNATURES, f"{name} {bench.versions[name]}", ours, theirs) for name, theirs in peers.items()]
    return [*beside, *(_speeds(f"{SIGNATURES}: {name}", None, speed, None) for name, speed in speeds.items())]


def memory_rows(folder: Path, signatures: int) -> list[Row]:
    """Return a row on grouping and components of made-up signatures."""
    seen = json.loads(run_pinned("benchmarks.dedup_scale", str(signatures), folder / "scale"))
    shutil.rmtree(folder / "scale")
    return [{"name": "made-up signatures", "peak_gib": round(seen["peak_bytes"] / 2**30, 3), **seen}]


def growth_rows(bench: Bench, given: argparse.Namespace) -> list[Row]:
    """Return a row on how time and rows grow from 1 to `COPIES` copies of the documents."""
    run_pinned("benchmarks.dedup_documents", bench.folder, str(given.megabytes), str(COPIES))
    (bench.folder / "one").mkdir()
    shutil.copytree(bench.folder / "copies" / "00", bench.folder / "one" / "00")
    pairs = [[_run(bench, RACES[0][1], bench.folder / name) for name in ("one", "copies")] for _ in range(given.rounds)]
    small, large = zip(*pairs, strict=True)
    return [growth_row(small, large)]


def growth_row(small: Sequence[Measured], large: Sequence[Measured]) -> Row:
    """Return how much more the larger input took than the smaller one."""
    seconds = [median(run.cpu_seconds for run in runs) for runs in (small, large)]
    return {
        "name": f"growth from 1 to {COPIES} copies",
        "time_ratio": round(seconds[1] / seconds[0], 3),
        "rows_ratio": round(large[0].rows_bytes / small[0].rows_bytes, 3),
        "small_s": round(seconds[0], 3),
        "large_s": round(seconds[1], 3),
        "small_kept": small[0].kept,
        "large_kept": large[0].kept,
        "small_peak_mib": round(max(run.peak_bytes for run in small) / 2**20),
        "large_peak_mib": round(max(run.peak_bytes for run in large) / 2**20),
    }


def _tables(bench: Bench, rows: Sequence[Row]) -> list[Table]:
    size = f"{bench.documents:,} documents, {bench.text_bytes / 1e6:.1f} MB of text"
    beside = Table(title=f"{size}, one core, median of {bench.rounds}", title_justify="left")
    for heading in ("what", "beside"):
        beside.add_column(heading)
    for heading in ("MB/s", "its MB/s", "times", "kept", "it keeps", "MiB", "its MiB"):
        beside.add_column(heading, justify="right")
    other = Table(title="Ours alone", title_justify="left", show_header=False)
    for row in rows:
        if row.get("peer") is not None:
            beside.add_row(*_cells(row))
        else:
            numbers = (f"{name} {value:,}" for name, value in row.items() if isinstance(value, int | float))
            other.add_row(row["name"], ", ".join(numbers))
    return [beside, other]


def _cells(row: Row) -> list[str]:
    numbers = [f"{row['ours_mb_s']:.1f}", f"{row['peer_mb_s']:.2f}", f"{row['ratio']:.1f}"]
    counts = [row.get(name) for name in ("ours_kept", "peer_kept", "ours_peak_mib", "peer_peak_mib")]
    return [row["name"], row["peer"], *numbers, *("" if count is None else f"{count:,}" for count in counts)]


if __name__ == "__main__":
    sys.exit(main())
