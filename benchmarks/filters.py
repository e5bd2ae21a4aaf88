"""The filters together beside datatrove's on the same documents, one core each, in one process.

In:  `--megabytes N` of real text: `../shared/corpus` beside the repository, or else what `gristmill sample` writes.
Out: a table of text MB/s, and with `--json` a last line of JSON: a row per comparison (name, peer, ours_mb_s,
     peer_mb_s, ratio), a row per long or hostile document (ours alone), and the speed at which memory is read.
Guaranteed: documents lie in memory when the clock starts, ours in Arrow batches of 4 MB, datatrove's as `Document`s:
     reading is excluded on both sides. The process is pinned to one core; rounds are interleaved, medians are given.
    Seconds are those that the process spent on the processor.

"every filter, every document": both sides measure and judge each document by each filter, C4 last since it edits.
"as a pipeline": in FineWeb's order; what one of datatrove's filters drops, its next ones do not see, and what C4 edits
is measured anew on both sides.

Run it: python -m benchmarks.filters --json [--megabytes 3] [--rounds 3]
Needs datatrove with its spaCy word splitter: pip install -e '.[peers]'
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks.agreement.documents import documents
from benchmarks.agreement.live import Pair
from benchmarks.agreement.pairs import PAIRS
from benchmarks.agreement.peer import quiet
from benchmarks.corpus import texts as corpus_texts
from benchmarks.filter_runs import Ours, Theirs, batch_of_one, batches, seconds_each
from benchmarks.long_texts import long_texts
from benchmarks.measure import one_core
from benchmarks.peers import installed_peer

BUFFER_BYTES = 1 << 28
MEMORY = "memory: numpy sums a buffer of 256 MiB"

EVERY = "every filter, every document"
CHAIN = "as a pipeline"
DEFAULT = "its words"
OUR_WORDS = "our words"

Row = dict[str, Any]


@dataclass(frozen=True)
class Race:
    """One comparison: what runs on either side, each returning its seconds."""

    name: str
    peer: str
    ours: Callable[[], float]
    theirs: Callable[[], float]


def main() -> int:
    """Run the benchmark; return the exit code."""
    given = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 140)
    peer = installed_peer(console)
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as folder:
        texts = corpus_texts(Path(folder), given.megabytes)
    with one_core():
        rows = measure(texts, peer, given.rounds, given.scale)
    for table in _tables(rows, texts, given.rounds):
        console.print(table)
    if given.json:
        print(json.dumps(rows))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.filters", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    parser.add_argument("--megabytes", type=int, default=3, help="MB of text to run over (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds whose median counts (default 3)")
    parser.add_argument("--scale", type=int, default=1, help="divide the lengths of long documents, for a quick look")
    return parser.parse_args()


def measure(texts: Sequence[str], peer: str, rounds: int, scale: int = 1) -> list[Row]:
    """Return all rows: the races, the long documents, and the speed of memory.

    Args:
        texts: the documents.
        peer: datatrove and its version.
        rounds: times that each side runs; the first run of ours, which compiles, comes before and is not timed.
        scale: divides the lengths of the long documents.
    """
    quiet()
    pa.set_cpu_count(1)
    pairs = [pair() for pair in PAIRS]
    size = sum(len(text.encode()) for text in texts) / 1e6
    before = memory_speed()
    raced = _race(_races(texts, pairs, peer), size, rounds)
    memory = _row_alone(MEMORY, min(before, memory_speed()))
    return [*raced, *_long_rows(real_text(texts, scale), pairs, scale), memory]


def real_text(texts: Sequence[str], scale: int) -> bytes:
    """Return all the real text there is, or these texts where that is more than is asked for."""
    known = [*texts, *(document.text for document in (documents() if scale == 1 else ()))]
    return b"\n".join(text.encode() for text in known)


def _races(texts: Sequence[str], pairs: Sequence[Pair], peer: str) -> list[Race]:
    """Return the comparisons: all filters together, as a pipeline, and one by one."""
    held = batches(texts)

    def ours(some: Sequence[Pair], way: str) -> Callable[[], float]:
        run = Ours(held, [pair.stage for pair in some])
        return lambda: seconds_each(run.every if way == EVERY else run.chain)

    def theirs(some: Sequence[Pair], way: str, words: str) -> Callable[[], float]:
        run = Theirs(texts, some, words == OUR_WORDS)
        return lambda: run.seconds(run.every if way == EVERY else run.chain)

    def race(name: str, some: Sequence[Pair], way: str, words: str) -> Race:
        return Race(name, f"{peer}, {words}", ours(some, way), theirs(some, way, words))

    editor_last = sorted(pairs, key=lambda pair: pair.edits)
    together = [
        race(way, some, way, words)
        for way, some in ((EVERY, editor_last), (CHAIN, pairs))
        for words in (DEFAULT, OUR_WORDS)
    ]
    return [*together, *(race(f"{pair.label} alone", [pair], EVERY, DEFAULT) for pair in pairs)]


def _race(races: Sequence[Race], size: float, rounds: int) -> list[Row]:
    """Run both sides of every race once a round; return the medians."""
    for race in races:
        race.ours()
    ours: list[list[float]] = [[] for _ in races]
    theirs: list[list[float]] = [[] for _ in races]
    for number in range(rounds):
        for place, race in enumerate(races):
            print(f"round {number + 1} of {rounds}: {race.name}, {race.peer}", file=sys.stderr, flush=True)
            ours[place].append(size / race.ours())
            theirs[place].append(size / race.theirs())
    return [_row(race, median(mine), median(other)) for race, mine, other in zip(races, ours, theirs, strict=True)]


def _row(race: Race, ours: float, theirs: float) -> Row:
    return {
        "name": race.name,
        "peer": race.peer,
        "ours_mb_s": round(ours, 3),
        "peer_mb_s": round(theirs, 3),
        "ratio": round(ours / theirs, 3),
    }


def _long_rows(real: bytes, pairs: Sequence[Pair], scale: int) -> list[Row]:
    """Return our speed on one long or hostile document each."""
    stages = [pair.stage for pair in pairs]
    rows: list[Row] = []
    for name, text in long_texts(real, scale):
        print(f"long documents: {name}", file=sys.stderr, flush=True)
        run = Ours([batch_of_one(text)], stages).every
        if not rows:
            run()  # compiles what the first kind of document needs
        speed = len(text) / 1e6 / seconds_each(run)
        rows.append(_row_alone(name, speed))
    return rows


def memory_speed() -> float:
    """Return the MB/s at which numpy sums a buffer that no cache holds."""
    words = np.ones(BUFFER_BYTES // 8, np.uint64)
    words.sum()
    return BUFFER_BYTES / 1e6 / seconds_each(words.sum)


def _row_alone(name: str, speed: float) -> Row:
    return {"name": name, "peer": None, "ours_mb_s": round(speed, 3), "peer_mb_s": None, "ratio": None}


def _tables(rows: Sequence[Row], texts: Sequence[str], rounds: int) -> list[Table]:
    size = sum(len(text.encode()) for text in texts) / 1e6
    title = f"{len(texts)} documents, {size:.1f} MB of text in memory, one core, median of {rounds}"
    raced = Table(title=title, title_justify="left")
    for heading in ("filters", "beside"):
        raced.add_column(heading)
    for heading in ("MB/s", "its MB/s", "times"):
        raced.add_column(heading, justify="right")
    alone = Table(title="One document each, or memory: ours alone", title_justify="left")
    alone.add_column("text")
    alone.add_column("MB/s", justify="right")
    for row in rows:
        if row["peer"] is None:
            alone.add_row(row["name"], f"{row['ours_mb_s']:,.1f}")
        else:
            numbers = (f"{row['ours_mb_s']:.1f}", f"{row['peer_mb_s']:.2f}", f"{row['ratio']:.0f}")
            raced.add_row(row["name"], row["peer"], *numbers)
    return [raced, alone]


if __name__ == "__main__":
    sys.exit(main())
