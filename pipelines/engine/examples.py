"""Examples: the labelled documents that a classifier is trained and tested on.

In:  the documents alive behind a pass, and what the manifest says of good ones and others.
Out: per class the documents with the smallest draws, up to the number that was asked for.
Guaranteed: who is an example, and who is held out, depends on documents and seed alone: not on splits, workers or
order; each has a use of chance of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.fit import SAMPLE
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import draw, key_of
from pipelines.engine.parts import AlignedReader, PartWriter, read_part, scan_part
from pipelines.engine.receipts import Receipt, save_receipt
from pipelines.engine.texts import surviving_texts
from pipelines.labels import CLASSES, Bools, Labels
from pipelines.mix.pools import BUCKETS, bucket_of, histogram

DOCUMENTS = pa.schema([pa.field(name, pa.int64(), nullable=False) for name in CLASSES])
"""Columns of a weights part: one row per bucket of the draw, documents of each class in it."""

EXAMPLES = pa.schema([*SAMPLE, pa.field("positive", pa.bool_(), nullable=False)])
"""Columns of an examples part."""


@dataclass(frozen=True)
class Wanted:
    """Which documents of a split are examples.

    Args:
        name: of the fit; each has its own use of chance.
        labels: of what class they are.
    """

    name: str
    labels: Labels

    def draws(self, job: Job, uids: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Return the number by which each document may be in the sample."""
        return draw(f"fit:{self.name}", job.manifest.seed, uids)

    def identity(self, job: Job, holding: Holding) -> list[object]:
        """Return all that decides who is an example."""
        labels = [self.labels.field, self.labels.positive, self.labels.negative]
        return [self.name, labels, job.manifest.seed, holding.mask, holding.records, holding.text]


@dataclass(frozen=True)
class WeighExamplesTask:
    """Counts one split's documents of each class by the top bits of their draws."""

    holding: Holding
    wanted: Wanted

    def part(self, job: Job) -> str:
        """Return the path of the weights part."""
        return f"work/fits/{key_of(['weigh examples', *self.wanted.identity(job, self.holding)])}.parquet"


def run_weigh_examples(job: Job, task: WeighExamplesTask) -> Receipt:
    """Write the split's histograms."""
    weights = {name: np.zeros(BUCKETS, np.int64) for name in CLASSES}
    for draws, classes in _drawn(job, task):
        for name, chosen in classes.items():
            weights[name] += histogram(draws, chosen.astype(np.int64))
    with PartWriter(job.storage, task.part(job), DOCUMENTS) as writer:
        writer.add(pa.table([pa.array(weights[name]) for name in CLASSES], DOCUMENTS))
    counts = {name: int(weights[name].sum()) for name in CLASSES}
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, counts))


def _drawn(job: Job, task: WeighExamplesTask) -> Iterator[tuple[npt.NDArray[np.uint64], dict[str, Bools]]]:
    """Yield draws and classes of the documents that are alive."""
    holding, labels = task.holding, task.wanted.labels
    records = AlignedReader(job.storage, holding.records or "", ["uid", *([labels.field] if labels.field else [])])
    for before in scan_part(job.storage, holding.deltas[-1], ["alive"]):
        alive = records.take(before.num_rows).filter(before.column("alive")).combine_chunks()
        columns = {name: alive.column(name).combine_chunks() for name in alive.schema.names}
        yield task.wanted.draws(job, columns["uid"].to_numpy()), labels.of(columns, alive.num_rows)


def last_buckets(job: Job, parts: Sequence[str], documents: int) -> dict[str, int]:
    """Return per class the bucket at which all splits together hold so many documents."""
    tables = [read_part(job.storage, part) for part in parts]
    totals = {name: sum(table.column(name).to_numpy() for table in tables) for name in CLASSES}
    return {name: int(np.searchsorted(np.cumsum(total), documents)) for name, total in totals.items()}


@dataclass(frozen=True)
class CollectExamplesTask:
    """Copies the documents of one split whose draws are in the first buckets of their class."""

    holding: Holding
    wanted: Wanted
    buckets: tuple[int, ...]

    def part(self, job: Job) -> str:
        """Return the path of the examples part."""
        key = key_of(["collect examples", self.buckets, *self.wanted.identity(job, self.holding)])
        return f"work/fits/{key}.parquet"


def run_collect_examples(job: Job, task: CollectExamplesTask) -> Receipt:
    """Write the split's share of the examples."""
    with PartWriter(job.storage, task.part(job), EXAMPLES, grouped=False) as writer:
        for documents in surviving_texts(job, task.holding):
            table = _examples(job, task, documents)
            if table.num_rows:
                writer.add(table)
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, {"documents": writer.rows}))


def _examples(job: Job, task: CollectExamplesTask, documents: pa.RecordBatch) -> pa.Table:
    draws = task.wanted.draws(job, documents.column("uid").to_numpy())
    columns = {name: documents.column(name) for name in documents.schema.names}
    classes = task.wanted.labels.of(columns, len(documents))
    first = [classes[name] & (bucket_of(draws) <= bucket) for name, bucket in zip(CLASSES, task.buckets, strict=True)]
    arrays = [pa.array(draws), *(columns[name] for name in SAMPLE.names[1:]), pa.array(classes["positive"])]
    return pa.table(arrays, EXAMPLES).filter(pa.array(first[0] | first[1]))


def sampled(job: Job, parts: Sequence[str], documents: int) -> pa.Table:
    """Return the examples with the smallest draws of each class, in the order of their draws."""
    pool = pa.concat_tables([read_part(job.storage, part) for part in parts])
    order = pc.sort_indices(pool, [(name, "ascending") for name in ("draw", "uid", "address")]).to_numpy()
    positive = pool.column("positive").to_numpy()[order]
    kept = [order[positive == wanted][:documents] for wanted in (True, False)]
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    rows = np.concatenate(kept)
    return pool.take(pa.array(rows[np.argsort(rank[rows])]))
