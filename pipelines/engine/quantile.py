"""Quantiles: the number at which a given share of all documents lies, exactly, without a sort.

In:  per split the numbers of the documents alive.
Out: histograms of them, 16 bits at a time; from their sums, the number.
Guaranteed: the very number that a sort of all documents' numbers would find there, however they are split.

Numbers are laid out as unsigned integers in the same order: of an int64 the sign bit is turned over, of a float all
bits where it is negative and the sign bit where it is not (-0 counts as 0). The first round counts by the top 16 bits;
each later one, inside the bucket that holds the cut, by the next 16: two rounds for float32, four for 64 bits. Null and
NaN are no numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.parts import PartWriter, read_part
from pipelines.engine.receipts import Receipt, load_receipt, save_receipt
from pipelines.engine.route import Step

Ordered = npt.NDArray[np.uint64]

BITS = 16
ROUNDS = 2
"""Rounds for float32, the type of all ratios and scores."""
BUCKETS = 1 << BITS
HISTOGRAM = pa.schema([pa.field("documents", pa.int64(), nullable=False)])
"""Columns of a histogram part: one row per bucket."""


@dataclass(frozen=True)
class Place:
    """The bucket that holds a cut.

    Args:
        dtype: of the numbers: float32, float64 or int64.
        prefix: their first bits, as far as they are known.
        bits: how many those are.
    """

    dtype: str
    prefix: int = 0
    bits: int = 0

    @property
    def width(self) -> int:
        """Bits of a number."""
        return 32 if self.dtype == "float32" else 64

    def within(self, bucket: int) -> "Place":
        """Return one of the buckets inside this one."""
        return Place(self.dtype, self.prefix << BITS | bucket, self.bits + BITS)


@dataclass(frozen=True)
class CountTask:
    """Counts one split's documents in the buckets inside a place.

    Args:
        holding: the split.
        signal: name of the number.
        step: what measured it; None where it is `chars` or a field of the records.
        place: where to count.
    """

    holding: Holding
    signal: str
    step: Step | None
    place: Place

    def part(self, job: Job) -> str:
        """Return the path of the histogram."""
        del job
        held, place = self.holding, self.place
        number = [self.signal, held.text if self.step is None else self.step.signals_key]
        key = key_of(["count", held.records, held.mask, number, place.dtype, place.prefix, place.bits])
        return f"work/fits/{key}.parquet"


def run_count(job: Job, task: CountTask) -> Receipt:
    """Write the split's histogram."""
    place = task.place
    numbers = ordered(numbers_of(job, task), place.dtype)
    shift = place.width - place.bits - BITS
    inside = numbers >> np.uint64(shift)
    if place.bits:
        inside = inside[inside >> np.uint64(BITS) == np.uint64(place.prefix)] & np.uint64(BUCKETS - 1)
    counts = np.bincount(inside.astype(np.int64), minlength=BUCKETS).astype(np.int64)
    with PartWriter(job.storage, task.part(job), HISTOGRAM) as writer:
        writer.add(pa.table([pa.array(counts)], HISTOGRAM))
    documents = {"documents": int(counts.sum())}
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, documents))


def numbers_of(job: Job, task: CountTask) -> pa.Array:
    """Return the numbers of the documents of a split that are alive; null where one has none."""
    holding = task.holding
    alive = read_part(job.storage, holding.deltas[-1], ["alive"]).column("alive")
    part, column = _where(job, task)
    return read_part(job.storage, part, [column]).column(column).filter(alive).combine_chunks()


def _where(job: Job, task: CountTask) -> tuple[str, str]:
    """Return the part and the column that hold the number."""
    holding, step = task.holding, task.step
    if step is None:
        return (holding.deltas[-1] if task.signal == "chars" else str(holding.records)), task.signal
    base = task.signal.removesuffix(step.suffix)
    for part in reversed(holding.signals):
        receipt = load_receipt(job.storage, part)
        names = receipt.info["steps"].get(step.signals_key, {}) if receipt is not None else {}
        if base in names:
            return part, names[base]
    raise KeyError(f"{task.signal} was not measured on {holding.split.source}/{holding.split.file.path}")


def ordered(numbers: pa.Array, dtype: str) -> Ordered:
    """Return numbers as unsigned integers in the same order; null and NaN are left out."""
    values = numbers.drop_null().to_numpy(zero_copy_only=False).astype(dtype)
    if dtype == "int64":
        whole: Ordered = values.view(np.uint64) ^ np.uint64(1 << 63)
        return whole
    values = values[~np.isnan(values)] + values.dtype.type(0)
    bits = values.view(np.uint32 if dtype == "float32" else np.uint64)
    top = bits.dtype.type(1 << (bits.itemsize * 8 - 1))
    turned: Ordered = np.where(bits & top, ~bits, bits | top).astype(np.uint64)
    return turned


def number_at(place: Place) -> int | float:
    """Return the number whose bits are all known."""
    if place.dtype == "int64":
        return place.prefix - (1 << 63)
    unsigned = np.dtype(f"uint{place.width}")
    top, bits = 1 << (place.width - 1), place.prefix
    raw = bits ^ top if bits & top else bits ^ (2 * top - 1)
    return float(np.array(raw, unsigned).view(place.dtype))


@dataclass(frozen=True)
class Quantile:
    """A number that bounds a share of all documents.

    Args:
        number: the bound; None where no document has a number.
        documents: documents with a number.
        kept: those on the bound or on its right side.
    """

    number: int | float | None
    documents: int
    kept: int


def quantile(
    count: Callable[[Place, int], npt.NDArray[np.int64]], dtype: str, share: float, *, highest: bool
) -> Quantile:
    """Find the number of the last document of a share, from the highest number downwards, or the lowest upwards.

    Args:
        count: returns the documents of all splits in the buckets inside a place; the second argument is the round.
        dtype: of the numbers.
        share: of the documents; what is left of one counts as a whole.
        highest: where to begin.
    """
    place, before, documents, wanted = Place(dtype), 0, 0, 0
    for number in range(place.width // BITS):
        counts = count(place, number)
        if number == 0:
            documents = int(counts.sum())
            wanted = ceil(Fraction(repr(share)) * documents)
        if documents == 0:
            return Quantile(None, 0, 0)
        sums = np.cumsum(counts[::-1] if highest else counts)
        at = int(np.searchsorted(sums, wanted - before))
        bucket = BUCKETS - 1 - at if highest else at
        before += int(sums[at] - counts[bucket])
        place = place.within(bucket)
    return Quantile(number_at(place), documents, before + int(counts[bucket]))


def summed(job: Job, parts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the sum of histograms."""
    total = np.zeros(BUCKETS, np.int64)
    for part in parts:
        total += read_part(job.storage, part).column("documents").to_numpy()
    return total
