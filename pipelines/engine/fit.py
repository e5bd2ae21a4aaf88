"""Fits: one small artifact, made from a deterministic sample, that later passes read.

In:  the surviving documents of all splits.
Out: a tokenizer, trained on the documents with the smallest draws until the sample is full, or each source's share.
Guaranteed: the sample depends on documents and seed alone: not on splits, workers or order. `sampling.py` runs these.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

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
from pipelines.errors import ShortSample
from pipelines.mix.pools import BUCKET_BITS, BUCKETS, bucket_of, histogram
from pipelines.tokenizer_spec import TrainOptions
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
    """Adds up one split's characters by the top 12 bits of each document's draw.

    Args:
        holding: the split.
        inside: a bucket whose documents alone are added up, by their next 12 bits; None: all, by the first.
    """

    holding: Holding
    inside: int | None = None

    def part(self, job: Job) -> str:
        """Return the path of the weights part."""
        names = [self.holding.mask, self.holding.records, self.holding.text]
        most = train_options(job).max_document_chars
        return f"work/fits/{key_of(['weigh', job.manifest.seed, self.inside, most, *names])}.parquet"


def run_weigh(job: Job, task: WeighTask) -> Receipt:
    """Write the split's histogram."""
    weights = np.zeros(BUCKETS, np.int64)
    most = train_options(job).max_document_chars
    for draws, chars in _draws(job, task.holding):
        chosen = slice(None) if task.inside is None else bucket_of(draws) == task.inside
        passed = np.uint64(0 if task.inside is None else BUCKET_BITS)
        weights += histogram(draws[chosen] << passed, np.minimum(chars[chosen], most))
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
    return int(np.searchsorted(np.cumsum(total_weights(storage, parts)), chars))


def total_weights(storage: Storage, parts: list[str]) -> npt.NDArray[np.int64]:
    """Return the characters of all splits together by bucket: int64[4096]."""
    return sum((read_part(storage, part).column("chars").to_numpy() for part in parts), np.zeros(BUCKETS, np.int64))


@dataclass(frozen=True)
class CollectTask:
    """Copies the documents of one split whose draws are at most `last`; of each, what a document may give."""

    holding: Holding
    last: int

    def part(self, job: Job) -> str:
        """Return the path of the sample part."""
        names = [self.holding.mask, self.holding.records, self.holding.text]
        most = train_options(job).max_document_chars
        return f"work/fits/{key_of(['collect', job.manifest.seed, self.last, most, *names])}.parquet"


def run_collect(job: Job, task: CollectTask) -> Receipt:
    """Write the split's share of the sample."""
    most = train_options(job).max_document_chars
    with PartWriter(job.storage, task.part(job), SAMPLE, grouped=False) as writer:
        for documents in surviving_texts(job, task.holding):
            draws = draw("fit", job.manifest.seed, documents.column("uid").to_numpy())
            chosen = pa.array(np.flatnonzero(draws <= np.uint64(task.last)))
            if len(chosen):
                taken = documents.take(chosen)
                texts = pc.utf8_slice_codeunits(taken.column("text"), 0, most)
                columns = [pa.array(draws).take(chosen), taken.column("uid"), taken.column("address"), texts]
                writer.add(pa.table(columns, SAMPLE))
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, {"documents": writer.rows}))


@dataclass(frozen=True)
class TrainTask:
    """Trains the tokenizer on the sample.

    Args:
        samples: the sample parts of each share, by the name it has in `TrainOptions.shares`.
        content: hash of what is in them.
    """

    samples: tuple[tuple[str, tuple[str, ...]], ...]
    content: str

    def part(self, job: Job) -> str:
        """Return the path of the tokenizer."""
        return f"work/fits/tokenizer-{key_of([train_options(job).model_dump(mode='json'), self.content])}.json"


def train_options(job: Job) -> TrainOptions:
    """Return what the manifest says of training a tokenizer."""
    if job.manifest.tokenizer is None or job.manifest.tokenizer.train is None:
        raise ValueError("the manifest trains no tokenizer")
    return job.manifest.tokenizer.train


def run_train(job: Job, task: TrainTask) -> Receipt:
    """Train on the documents with the smallest draws until each share is full; its last one is taken whole.

    Raises:
        ShortSample: a source holds less than its share, and the manifest does not say `scale` or `less`.
    """
    options = train_options(job)
    pools = {name: _in_order(job, parts) for name, parts in task.samples}
    ends = {name: np.cumsum(pc.binary_length(pool).to_numpy()) for name, pool in pools.items()}
    held = {name: int(end[-1]) if len(end) else 0 for name, end in ends.items()}
    taken = options.shares if options.weights is None else fitting_shares(options, held)
    counts = {name: int(np.searchsorted(ends[name], taken[name])) + bool(taken[name]) for name in taken}
    sample = {name: pools[name].slice(0, count) for name, count in counts.items()}
    artifact = train_bpe((text.as_py() for each in sample.values() for text in each), options)
    sizes = {name: int(ends[name][len(each) - 1]) if len(each) else 0 for name, each in sample.items()}
    by_source = {f"bytes\t{name}": size for name, size in sizes.items() if name}
    total = {"documents": sum(map(len, sample.values())), "bytes": sum(sizes.values())}
    return save_artifact(job, task.part(job), artifact, total | by_source)


def _in_order(job: Job, parts: tuple[str, ...]) -> pa.ChunkedArray:
    """Return the texts of sample parts in the order of their draws."""
    pool = pa.concat_tables([SAMPLE.empty_table(), *(read_part(job.storage, part) for part in parts)])
    return pool.sort_by([("draw", "ascending"), ("uid", "ascending"), ("address", "ascending")]).column("text")


def fitting_shares(options: TrainOptions, held: Mapping[str, int]) -> dict[str, int]:
    """Return how many bytes are taken of each source, given how many it holds of those it may give.

    Raises:
        ShortSample: one holds less than its share, and the manifest does not say what then; or it holds none, and
            the others should be taken in proportion.
    """
    asked = options.shares
    short = [source for source in asked if held[source] < asked[source]]
    if options.short == "less" or not short:
        return {source: min(asked[source], held[source]) for source in asked}
    if options.short == "error" or not all(held[source] for source in short):
        raise ShortSample("\n".join(_complaint(source, asked[source], held[source]) for source in short))
    factor = min(Fraction(held[source], asked[source]) for source in short)
    return {source: int(size * factor) for source, size in asked.items()}


def _complaint(source: str, asked: int, held: int) -> str:
    return (
        f"tokenizer.train.weights.{source}: its share of the sample is {asked:,} bytes, and what survives of it "
        f"holds {held:,}; lower its weight or sample_bytes, or say `short: less`, or `short: scale` if it is not empty"
    )


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
