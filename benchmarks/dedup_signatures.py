"""Signatures alone: from texts in memory to the keys of their bands, ours and the peers'.

In:  a folder of JSON lines, and a number of rounds.
Out: as a last line of JSON, who -> MB/s of text: our stage, its two kernels, datatrove's and datasketch's.
Guaranteed: texts lie in memory when the clock starts, ours in Arrow batches of 4 MB; all sides take the same words,
     those between white space. Rounds are interleaved, medians are given; the first run of ours, which compiles, is
     not timed. Seconds are those that the process spent on the processor.

Run it: python -m benchmarks.dedup_signatures DOCUMENTS ROUNDS
"""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import pyarrow as pa

from benchmarks import dedup_datasketch
from benchmarks.dedup_datatrove import signature_step
from benchmarks.dedup_ours import OPTIONS
from benchmarks.dedup_runs import BANDS, NGRAM, ROWS, SEED
from benchmarks.filter_runs import batches, seconds_each
from filters.batch import Batch
from filters.kernels.minhash import permutations, signatures
from filters.kernels.scans import Scans
from filters.kernels.shingles import shingles
from pipelines.dedup.minhash import DedupMinhash

STAGE, SHINGLES, NUMBERS = "stage", "shingles", "numbers of signatures"
DATATROVE, DATASKETCH = "datatrove", "datasketch"
OURS = (STAGE, SHINGLES, NUMBERS)


def main() -> None:
    """Print how fast each side is."""
    documents, rounds = Path(sys.argv[1]), int(sys.argv[2])
    texts = [json.loads(line)["text"] for path in sorted(documents.glob("*.jsonl")) for line in path.open("rb")]
    pa.set_cpu_count(1)
    print(json.dumps(speeds(texts, rounds)))


def speeds(texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Return the median speed of each side in MB (10^6 bytes) of text a second."""
    sides = {**_ours(texts), **_peers(texts)}
    for name in OURS:
        sides[name]()
    seconds = [{name: seconds_each(run) for name, run in sides.items()} for _ in range(rounds)]
    size = sum(len(text.encode()) for text in texts) / 1e6
    return {name: size / median(each[name] for each in seconds) for name in sides}


def _ours(texts: Sequence[str]) -> dict[str, Callable[[], object]]:
    held = batches(texts)
    stage = DedupMinhash(**OPTIONS)
    a, b = permutations(BANDS * ROWS, SEED)
    cut = [shingles(Scans(documents.column("text")), "whitespace", NGRAM) for documents in held]
    return {
        STAGE: lambda: [stage.measure(Batch(documents)) for documents in held],
        SHINGLES: lambda: [shingles(Scans(documents.column("text")), "whitespace", NGRAM) for documents in held],
        NUMBERS: lambda: [signatures(each, a, b) for each in cut],
    }


def _peers(texts: Sequence[str]) -> dict[str, Callable[[], object]]:
    step = signature_step(tempfile.gettempdir(), "whitespace")

    def datatrove() -> None:
        for text in texts:
            found = step.get_shingles(text)
            if found.size:
                step.get_signature(found)

    return {DATATROVE: datatrove, DATASKETCH: lambda: [dedup_datasketch.signature_of(text) for text in texts]}


if __name__ == "__main__":
    main()
