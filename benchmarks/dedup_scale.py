"""Grouping and components of many made-up signatures: the memory that a dedup needs, without the text.

In:  a number of documents.
Out: as a last line of JSON: seconds of each step, peak memory, bytes of rows, edges, members and components.
Guaranteed: the engine's own tasks run, with their usual buffers and partitions, on rows as the stage emits them; only
     the signatures are made up. Every tenth document resembles an earlier one, anywhere in the corpus: it has each of
     that one's numbers with a chance of nine in ten. The same number of documents gives the same rows.

Run it: python -m benchmarks.dedup_scale DOCUMENTS OUT
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import yaml

from benchmarks.dedup_ours import OPTIONS, manifest_of
from benchmarks.dedup_runs import BANDS, ROWS, peak_bytes
from filters.kernels.minhash import band_keys
from pipelines.dedup.exchanges import Documents, Standing
from pipelines.dedup.minhash import DedupMinhash
from pipelines.engine.emitter import Emitter
from pipelines.engine.homecoming import ReduceTask, run_reduce
from pipelines.engine.job import Job
from pipelines.engine.linking import ComponentsTask, run_components
from pipelines.engine.storage import open_storage
from pipelines.engine.workers import one_core
from pipelines.manifest import load_manifest

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
P = ParamSpec("P")
T = TypeVar("T")

SPLIT = 1_000_000
"""Documents of a split."""

BATCH = 10_000
"""Documents of a batch."""

STEP = np.uint64(0x9E3779B97F4A7C15)
FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True)
class Scaled:
    """What was measured.

    Args:
        documents: how many there were.
        make_seconds: making up signatures, which is no part of a dedup.
        emit_seconds: rows to files.
        group_seconds: all reduce tasks, from rows to edges.
        components_seconds: from edges to components.
        rows_bytes: of the files of rows.
        partitions: reduce tasks.
        edges: pairs that share a band, counted once in each partition where they do.
        members: documents that share a band with another one.
        components: groups that they form.
        peak_bytes: largest resident set of the process, all steps together.
    """

    documents: int
    make_seconds: float
    emit_seconds: float
    group_seconds: float
    components_seconds: float
    rows_bytes: int
    partitions: int
    edges: int
    members: int
    components: int
    peak_bytes: int


class Clock:
    """Adds up seconds on the processor, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the work and add its time to that of `name`."""
        begun = time.process_time()
        done = work(*args, **kwargs)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - begun
        return done


def main() -> None:
    """Print what so many documents take."""
    one_core()
    print(json.dumps(asdict(scaled(int(sys.argv[1]), Path(sys.argv[2])))))


def scaled(documents: int, out: Path) -> Scaled:
    """Emit, group and link so many made-up documents below `out`."""
    job, stage, clock = _job(out), DedupMinhash(**OPTIONS), Clock()
    files = [_emit(job, stage, clock, split, documents) for split in range(-(-documents // SPLIT))]
    size = sum((out / path).stat().st_size for path in files)
    partitions = max(1, -(-size // job.resources.partition_bytes))
    inputs = tuple(enumerate(files))
    tasks = [ReduceTask(stage, inputs, "scale", number, partitions) for number in range(partitions)]
    reduced = [clock.timed("group", run_reduce, job, task) for task in tasks]
    linking = ComponentsTask(tuple(receipt.part for receipt in reduced), "scale")
    linked = clock.timed("components", run_components, job, linking)
    seconds = {f"{name}_seconds": spent for name, spent in clock.seconds.items()}
    return Scaled(
        documents=documents,
        **seconds,
        rows_bytes=size,
        partitions=partitions,
        edges=sum(receipt.counts["rows"] for receipt in reduced),
        members=linked.counts["rows"],
        components=linked.counts["components"],
        peak_bytes=peak_bytes(),
    )


def _job(out: Path) -> Job:
    """Return a job over a manifest of one document, which nobody reads."""
    (out / "in").mkdir(parents=True)
    (out / "in" / "none.jsonl").write_text('{"text": ""}\n', encoding="utf-8")
    manifest = out / "asked.yaml"
    manifest.write_text(yaml.safe_dump(manifest_of(out / "in")), encoding="utf-8")
    return Job(open_storage(out), load_manifest(manifest), "")


def _emit(job: Job, stage: DedupMinhash, clock: Clock, split: int, documents: int) -> str:
    """Write the rows of one split; return their file."""
    path = f"work/rows/made-{split:05d}.rows"
    emitter = Emitter(job.storage, path, stage.layout, job.resources.spill_bytes, stage.combine)
    with emitter:
        for first, count in _batches(split * SPLIT, min((split + 1) * SPLIT, documents)):
            made = clock.timed("make", made_up, first, count)
            given = documents_of(made, first - split * SPLIT)
            clock.timed("emit", emitter.add, clock.timed("emit", stage.emit, given, Standing(0, exempt=False)))
        clock.timed("emit", emitter.close)
    return path


def _batches(first: int, end: int) -> Iterator[tuple[int, int]]:
    for start in range(first, end, BATCH):
        yield start, min(BATCH, end - start)


def made_up(first: int, count: int) -> U32:
    """Return the signatures of documents [first, first + count): uint32[count, BANDS * ROWS]."""
    number = np.arange(first, first + count, dtype=np.uint64)
    draw = spread(number)
    like = np.where((draw % np.uint64(10) == 0) & (number > 0), spread(draw) % np.maximum(number, np.uint64(1)), number)
    places = np.arange(BANDS * ROWS, dtype=np.uint64)
    own = spread(number[:, None] * np.uint64(1024) + places)
    other = spread(like[:, None] * np.uint64(1024) + places)
    differs = spread(own) % np.uint64(10) == 0
    return np.where(differs, own, other).astype(np.uint32)


def spread(values: U64) -> U64:
    """Return numbers that look drawn, one per value: the finalizer of splitmix64 (Steele, Lea and Flood 2014)."""
    mixed = values + STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * FACTORS[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * FACTORS[1]
    return mixed ^ (mixed >> np.uint64(31))


def documents_of(signatures: U32, first: int) -> Documents:
    """Return documents as the stage sees them, by the signatures that were measured on them."""
    keys = band_keys(signatures, BANDS, ROWS)
    offsets = np.arange(0, keys.size + 1, BANDS, dtype=np.int32)
    bands = pa.ListArray.from_arrays(pa.array(offsets), pa.array(keys.reshape(-1)))
    rows = np.arange(first, first + len(keys), dtype=np.uint32)
    texts = pa.array([""] * len(keys), pa.large_string())
    return Documents({"row": rows, "uid": spread(rows.astype(np.uint64))}, texts, {"minhash_bands": bands})


if __name__ == "__main__":
    main()
