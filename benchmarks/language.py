"""The stage `language` beside fastText itself: the same model, the same whole documents, one core, one process.

In:  `../shared/corpus` beside the repository, and the installed lid.176.ftz.
Out: a table of text MB/s (10^6 bytes), and with `--json` a last line of JSON, a row per kind of text.
Guaranteed: documents lie in memory when the clock starts, ours in Arrow batches of 4 MB, fastText's as strings of one
     line. The process is pinned to one core; rounds are interleaved, medians are given; seconds are those spent on the
     processor. Labels and scores of all documents are compared.

Run it: python -m benchmarks.language --json [--rounds 3]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

import fasttext
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.agreement.documents import text_of
from benchmarks.corpus import SHARED, read_rows
from benchmarks.measure import one_core
from filters.batch import Batch, InputFile, batch_of
from filters.language import Language
from pipelines.errors import RequestError
from pipelines.language_model import default_model

KINDS = {
    "English web pages": ("refinedweb/*.parquet", "c4/*.json.gz"),
    "web pages in many languages": ("c4_multilingual/*.json.gz",),
    "the Pile": ("pile/**/*.jsonl.zst",),
    "prose": ("prose/*.jsonl.gz",),
    "sentences in many languages": ("langid/*.txt",),
}
"""Name -> files of the corpus."""

BATCH_BYTES = 4_000_000
Answers = list[tuple[str, float]]


@dataclass
class Side:
    """One of the two.

    Args:
        run: labels all texts.
        seconds: of the rounds so far.
        answers: of the last round.
    """

    run: Callable[[], Answers]
    seconds: list[float] = field(default_factory=list)
    answers: Answers = field(default_factory=list)

    def time(self) -> None:
        """Run once."""
        begun = time.process_time()
        self.answers = self.run()
        self.seconds.append(time.process_time() - begun)

    def speed(self, size: int) -> float:
        """Return the median speed in MB/s."""
        return size / 1e6 / median(self.seconds)


def main() -> int:
    """Run the benchmark; return the exit code."""
    arguments = _arguments()
    try:
        model = default_model()
    except RequestError as missing:
        print(missing, file=sys.stderr)
        return 2
    if not SHARED.is_dir():
        print(f"there is no corpus at {SHARED}", file=sys.stderr)
        return 2
    with one_core():
        rows = [_compare(name, model, arguments.rounds) for name in KINDS]
    Console().print(_table(rows))
    if arguments.json:
        print(json.dumps(rows))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    parser.add_argument("--rounds", type=int, default=3, help="rounds whose median counts (default 3)")
    return parser.parse_args()


def _compare(name: str, model: InputFile, rounds: int) -> dict[str, object]:
    paths = [path for pattern in KINDS[name] for path in sorted(SHARED.glob(pattern))]
    texts = [text for path in paths for text in _texts(path)]
    lines = [text.replace("\n", " ") + "\n" for text in texts]
    stage = Language(model=model).load(lambda file: {"model": Path(file.path).read_bytes()})
    stage.measure(batch_of([]))  # compiles
    ours = Side(partial(_ours, stage, list(_batches(texts))))
    theirs = Side(partial(_theirs, fasttext.load_model(model.path).f, lines))
    for _ in range(rounds):
        ours.time()
        theirs.time()
    return _row(name, sum(len(text.encode()) for text in texts), ours, theirs)


def _texts(path: Path) -> list[str]:
    """Return the texts of a file; of plain text its lines, without the label that each begins with."""
    if path.suffix == ".txt":
        return [line.partition(" ")[2] for line in path.read_text().split("\n")]
    return [text_of(row) for row in read_rows(path)]


def _batches(texts: list[str]) -> Iterator[Batch]:
    begun, size = 0, 0
    for at, text in enumerate(texts):
        size += len(text.encode())
        if size >= BATCH_BYTES or at == len(texts) - 1:
            yield batch_of(texts[begun : at + 1])
            begun, size = at + 1, 0


def _ours(stage: Language, batches: list[Batch]) -> Answers:
    measured = [stage.measure(batch) for batch in batches]
    labels = [label for each in measured for label in each["language_id"].to_pylist()]
    return list(
        zip(labels, [score for each in measured for score in each["language_id_score"].to_pylist()], strict=True)
    )


def _theirs(model: fasttext.FastText, lines: list[str]) -> Answers:
    found = (model.predict(line, 1, 0.0, "strict")[0] for line in lines)
    return [(label.removeprefix("__label__"), score) for score, label in found]


def _row(name: str, size: int, ours: Side, theirs: Side) -> dict[str, object]:
    pairs = list(zip(ours.answers, theirs.answers, strict=True))
    return {
        "name": f"language: {name}",
        "peer": "fastText",
        "ours_mb_s": round(ours.speed(size), 1),
        "peer_mb_s": round(theirs.speed(size), 1),
        "ratio": round(ours.speed(size) / theirs.speed(size), 1),
        "mb": round(size / 1e6, 1),
        "documents": len(pairs),
        "labels_that_differ": sum(our[0] != their[0] for our, their in pairs),
        "greatest_difference_of_scores": float(np.max([abs(our[1] - their[1]) for our, their in pairs])),
    }


def _table(rows: list[dict[str, object]]) -> Table:
    table = Table(title="language of whole documents, one core; labels and scores beside fastText's")
    table.add_column("text")
    for heading in ("MB", "texts", "MB/s", "fastText", "ratio", "labels differ", "scores differ by"):
        table.add_column(heading, justify="right")
    for row in rows:
        name, _, *speeds, size, count, labels, score = row.values()
        table.add_row(str(name).removeprefix("language: "), *map(str, (size, count, *speeds, labels)), f"{score:.1e}")
    return table


if __name__ == "__main__":
    sys.exit(main())
