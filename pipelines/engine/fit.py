"""Fits: one small artifact, made from a deterministic sample, that later passes read.

In:  the surviving documents of all splits.
Out: a tokenizer, trained on the documents with the smallest draws until the sample is full.
Guaranteed: the sample depends on documents and seed alone: not on splits, workers or order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import draw, key_of
from pipelines.engine.parts import AlignedReader, PartWriter, read_part, scan_part
from pipelines.engine.receipts import FileNote, Receipt, save_receipt
from pipelines.engine.storage import Storage
from pipelines.engine.texts import surviving_texts
from pipelines.mix.pools import BUCKETS, bucket_of, histogram
from pipelines.tokens.encode import Encoder, load_encoder
from pipelines.tokens.train import train_bpe

WEIGHTS = pa.schema([pa.field("chars", pa.int64(), nullable=False)])
"""Columns of a weights part: one row per bucket of the draw, characters of the documents in it."""

SAMPLE = pa.schema(
    [
        pa.field("draw", pa.uint64(), nullable=False),
        pa.field("uid", pa.uint64(), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)
"""Columns of a sample part: documents that may be in the sample."""


@dataclass(frozen=True)
class WeighTask:
    """Adds up one split's characters by the top bits of each document's draw."""

    holding: Holding

    def part(self, job: Job) -> str:
        """Return the path of the weights part."""
        key = key_of(["weigh", job.manifest.seed, self.holding.mask, self.holding.records, self.holding.text])
        return f"work/fits/{key}.parquet"


def run_weigh(job: Job, task: WeighTask) -> Receipt:
    """Write the split's histogram."""
    weights = np.zeros(BUCKETS, np.int64)
    for draws, chars in _draws(job, task.holding):
        weights += histogram(draws, chars)
    with PartWriter(job.storage, task.part(job), WEIGHTS) as writer:
        writer.add(pa.table([pa.array(weights)], WEIGHTS))
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, {"chars": int(weights.sum())}))


def _draws(job: Job, holding: Holding) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]]:
    """Return draw and characters of the documents that are alive."""
    if holding.records is None:
        raise ValueError("a split is weighed after its first pass")
    records = AlignedReader(job.storage, holding.records, ["uid"])
    for before in scan_part(job.storage, holding.deltas[-1], ["alive", "chars"]):
        alive = before.column("alive")
        uids = records.take(before.num_rows).filter(alive).column("uid").to_numpy()
        yield draw("fit", job.manifest.seed, uids), before.filter(alive).column("chars").to_numpy()


def last_bucket(storage: Storage, parts: list[str], chars: int) -> int:
    """Return the bucket at which all splits together hold `chars` characters."""
    total = sum((read_part(storage, part).column("chars").to_numpy() for part in parts), np.zeros(BUCKETS, np.int64))
    return int(np.searchsorted(np.cumsum(total), chars))


@dataclass(frozen=True)
class CollectTask:
    """Copies the documents of one split whose draws are in the first buckets."""

    holding: Holding
    bucket: int

    def part(self, job: Job) -> str:
        """Return the path of the sample part."""
        names = [self.holding.mask, self.holding.records, self.holding.text]
        return f"work/fits/{key_of(['collect', job.manifest.seed, self.bucket, *names])}.parquet"


def run_collect(job: Job, task: CollectTask) -> Receipt:
    """Write the split's share of the sample."""
    with PartWriter(job.storage, task.part(job), SAMPLE, grouped=False) as writer:
        for documents in surviving_texts(job, task.holding):
            draws = draw("fit", job.manifest.seed, documents.column("uid").to_numpy())
            chosen = pa.array(np.flatnonzero(bucket_of(draws) <= task.bucket))
            if len(chosen):
                taken = documents.take(chosen)
                columns = [pa.array(draws).take(chosen), *(taken.column(name) for name in SAMPLE.names[1:])]
                writer.add(pa.table(columns, SAMPLE))
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, {"documents": writer.rows}))


@dataclass(frozen=True)
class TrainTask:
    """Trains the tokenizer on the sample."""

    samples: tuple[str, ...]
    content: str

    def part(self, job: Job) -> str:
        """Return the path of the tokenizer."""
        return f"work/fits/tokenizer-{key_of([_train_options(job), self.content])}.json"


def _train_options(job: Job) -> dict[str, object]:
    if job.manifest.tokenizer is None or job.manifest.tokenizer.train is None:
        raise ValueError("the manifest trains no tokenizer")
    return job.manifest.tokenizer.train.model_dump(mode="json")


def run_train(job: Job, task: TrainTask) -> Receipt:
    """Train on the documents with the smallest draws until the sample is full; the last one is taken whole."""
    spec = job.manifest.tokenizer
    if spec is None or spec.train is None:
        raise ValueError("the manifest trains no tokenizer")
    pool = pa.concat_tables([read_part(job.storage, part) for part in task.samples])
    pool = pool.sort_by([("draw", "ascending"), ("uid", "ascending"), ("address", "ascending")])
    sizes = pc.binary_length(pool.column("text")).to_numpy()
    count = int(np.searchsorted(np.cumsum(sizes), spec.train.sample_bytes)) + 1
    sample = pool.column("text").slice(0, count)
    artifact = train_bpe((text.as_py() for text in sample), spec.train)
    return save_artifact(job, task.part(job), artifact, {"documents": len(sample), "bytes": int(sizes[:count].sum())})


def save_artifact(job: Job, part: str, data: bytes, counts: dict[str, int]) -> Receipt:
    """Write a small artifact and its receipt."""
    job.storage.put(part, data)
    content = key_of(data.hex())
    return save_receipt(job.storage, Receipt(part, {part: FileNote(bytes=len(data), hash=content)}, content, counts))


_ENCODERS: dict[tuple[str, str, str], Encoder] = {}
"""Tokenizers that this process has loaded, by build folder, part and what the manifest says of them."""


def load_fitted_encoder(job: Job, part: str) -> Encoder:
    """Load the tokenizer at `part` of the build folder; each process loads it once."""
    if job.manifest.tokenizer is None:
        raise ValueError("the manifest names no tokenizer")
    name = (job.storage.url, part, job.manifest.tokenizer.model_dump_json())
    if name not in _ENCODERS:
        _ENCODERS[name] = load_encoder(job.storage.read(part), job.manifest.tokenizer)
    return _ENCODERS[name]
