"""A whole build beside datatrove's pipeline of the same steps, one core each.

In:  `--megabytes N` of real text: `../shared/corpus` beside the repository, or else what `gristmill sample` writes.
Out: a table of text MB/s and peak memory, the share of the physical limit, and with `--json` a last line of JSON: a row
    per recipe (name, peer, ours_mb_s, peer_mb_s, ratio, of_limit: our share of the physical limit).
Guaranteed: both read the same files, in a process each, pinned to one core; medians are given. In a round ours runs
    before the peer and again behind it: the peer takes minutes, over which a shared machine is now slow, now fast.
    Kernels are compiled before, in a run that does not count. The physical limit is a process that only reads,
    decompresses and writes the same bytes as zstd-1.

A round takes a quarter of an hour, nearly all of it the peer's; on less text the start of our process, some three
seconds whatever the size, is most of what is measured.

Run it: python -m benchmarks.build --json [--megabytes 128] [--rounds 1] [--only whole,build,filter]
Needs datatrove with its spaCy word splitter: pip install -e '.[peers]'
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.manifests import write_manifests
from benchmarks.measure import Contender, Timing, interleave, run_quietly
from benchmarks.peers import installed_peer

REPEATS = 10
"""Times that the limit's process copies the corpus, so that starting Python hardly counts in it."""

PYTHON = (sys.executable, "-m")
ROWS = {
    "whole": "whole recipe: language, Gopher, MinHash, tokenize, pack",
    "build": "build: filter, dedup, tokenize, shards",
    "filter": "filter and dedup only",
}
LEGEND = {
    "whole": "read, language, gopher_repetition, gopher_quality, dedup_minhash, tokenize, pack, shards",
    "build": "read, gopher_quality, normalize, dedup_exact, tokenize, pack, shards",
    "filter": "the same up to dedup_exact",
}
"""Recipe -> its steps; the last leaves out the tokenizer, which both share."""

SHORT = "benchmarks.with_datatrove"
PEERS = {"whole": "benchmarks.whole_datatrove", "build": SHORT, "filter": SHORT}
"""Recipe -> what runs it with datatrove."""


@dataclass(frozen=True)
class Bench:
    """The corpus and what runs over it.

    Args:
        folder: where everything is written; `corpus/` and `tokenizer.json` are there.
        text_bytes: UTF-8 bytes of text in the corpus.
        rounds: times that each contender runs.
        recipes: names of what is run.
    """

    folder: Path
    text_bytes: int
    rounds: int
    recipes: tuple[str, ...]

    def speed(self, timings: Sequence[Timing]) -> float:
        """Return the median speed in MB (10^6 bytes) of text a second."""
        return self.text_bytes / 1e6 / median(timing.seconds for timing in timings)

    def limit(self, timings: dict[str, list[Timing]]) -> float:
        """Return the speed of the physical limit, which copies the corpus `REPEATS` times."""
        return REPEATS * self.speed(timings["limit"])

    def warm(self) -> None:
        """Run ours once, so that all its kernels are compiled, once per machine, before the clock starts."""
        interleave([self._ours(recipe) for recipe in self.recipes], self.folder, 1)

    def contenders(self) -> list[Contender]:
        """Return the physical limit, then for each recipe ours, the peer's, and ours again."""
        limit = Contender("limit", (*PYTHON, "benchmarks.limit", self._path("corpus"), str(REPEATS)))
        runs = [[self._ours(recipe), self._peer(recipe), self._ours(recipe)] for recipe in self.recipes]
        return [limit, *(contender for run in runs for contender in run)]

    def _ours(self, recipe: str) -> Contender:
        command = (*PYTHON, "pipelines.cli", "build", self._path(f"{recipe}.yaml"), "--address", "none", "--out")
        return Contender(f"ours {recipe}", command, "ledger/verdicts")

    def _peer(self, recipe: str) -> Contender:
        inputs = [self._path("corpus"), *([self._path("tokenizer.json")] if recipe != "filter" else [])]
        return Contender(f"peer {recipe}", (*PYTHON, PEERS[recipe], *inputs, "--out"))

    def _path(self, name: str) -> str:
        return str(self.folder / name)


def main() -> int:
    """Run the benchmark; return the exit code."""
    arguments = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 140)
    peer = installed_peer(console)
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as scratch:
        bench = _prepare(Path(scratch), arguments)
        bench.warm()
        timings = interleave(bench.contenders(), bench.folder, bench.rounds)
    rows = [_row(bench, recipe, peer, timings) for recipe in bench.recipes]
    console.print(_table(bench, peer, timings))
    for row in rows:
        share = f"{row['of_limit']:.1%} of the physical limit"
        console.print(f"{row['name']}: {row['ratio']} times {peer}, {share}", highlight=False)
    if arguments.json:
        print(json.dumps(rows))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.build", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    parser.add_argument("--megabytes", type=int, default=128, help="MB of text to run over (default 128)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds whose median counts (default 1)")
    parser.add_argument("--only", default=",".join(ROWS), help=f"which of {', '.join(ROWS)}, with commas (default all)")
    return parser.parse_args()


def _prepare(folder: Path, given: argparse.Namespace) -> Bench:
    """Write the corpus in a process of its own, so that this one stays small, and the manifests."""
    written = run_quietly([*PYTHON, "benchmarks.corpus", str(folder), str(given.megabytes)])
    write_manifests(folder)
    return Bench(folder, int(written.split()[-1]), given.rounds, tuple(given.only.split(",")))


def _row(bench: Bench, recipe: str, peer: str, timings: dict[str, list[Timing]]) -> dict[str, object]:
    ours, theirs = (bench.speed(timings[f"{who} {recipe}"]) for who in ("ours", "peer"))
    return {
        "name": ROWS[recipe],
        "peer": peer,
        "ours_mb_s": round(ours, 3),
        "peer_mb_s": round(theirs, 3),
        "ratio": round(ours / theirs, 3),
        "of_limit": round(ours / bench.limit(timings), 4),
    }


def _table(bench: Bench, peer: str, timings: dict[str, list[Timing]]) -> Table:
    title = f"{bench.text_bytes / 1e6:.1f} MB of text, one core, median of {bench.rounds}"
    legend = "limit: only read, decompress, write as zstd-1\n" + "\n".join(
        f"{recipe}: {LEGEND[recipe]}" for recipe in bench.recipes
    )
    table = Table(title=title, title_justify="left", caption=legend, caption_justify="left")
    table.add_column("steps")
    table.add_column("who")
    for heading in ("MB/s", "of limit", "seconds", "CPU s", "MiB", "kept"):
        table.add_column(heading, justify="right")
    passes, limit = replace(bench, text_bytes=bench.text_bytes * REPEATS), bench.limit(timings)
    table.add_row("limit", f"{REPEATS} copies", *_cells(passes, timings["limit"], limit))
    for recipe in bench.recipes:
        table.add_row(recipe, "gristmill", *_cells(bench, timings[f"ours {recipe}"], limit))
        table.add_row(recipe, peer, *_cells(bench, timings[f"peer {recipe}"], limit))
    return table


def _cells(bench: Bench, timings: Sequence[Timing], limit: float) -> list[str]:
    speed = bench.speed(timings)
    seconds = ", ".join(f"{timing.seconds:.1f}" for timing in timings)
    cpu = median(timing.cpu_seconds for timing in timings)
    peak = max(timing.peak_bytes for timing in timings) / 2**20
    kept = timings[0].kept
    documents = "" if kept is None else f"{kept:,}"
    return [f"{speed:.2f}", f"{speed / limit:.1%}", seconds, f"{cpu:.1f}", f"{peak:.0f}", documents]


if __name__ == "__main__":
    sys.exit(main())
