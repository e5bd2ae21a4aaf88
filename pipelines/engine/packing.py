"""Packing: one shard, from the fragments whose places fall in it.

In:  rows files of all splits for one phase.
Out: one Parquet file of training sequences.
Guaranteed: a shard is packed alone, and holds the same bytes however the build was run.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from pipelines.engine.exchange import Rows, read_partition
from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Job
from pipelines.engine.parts import HashingFile
from pipelines.engine.pooling import mix_of
from pipelines.engine.receipts import Receipt, save_receipt
from pipelines.mix.contents import Contents, in_order
from pipelines.mix.shards import Origin, Packing, write_shard


@dataclass(frozen=True)
class PackTask:
    """Packs one shard.

    Args:
        phase: name of the phase.
        shard: number of the shard.
        shards: how many the phase has.
        inputs: (split number, rows file) of every split.
        encoder: part with the tokenizer.
        stamp: key of all that decides the shard.
    """

    phase: str
    shard: int
    shards: int
    inputs: tuple[tuple[int, str], ...]
    encoder: str
    stamp: str

    def part(self, job: Job) -> str:
        """Return the path of the shard."""
        del job
        return f"shards/{self.phase}/part-{self.shard:05d}.parquet"


def run_pack(job: Job, task: PackTask) -> Receipt:
    """Write the shard."""
    mix, encoder = mix_of(job), load_fitted_encoder(job, task.encoder)
    rows = read_partition(job.storage, task.inputs, task.shard, task.shards)
    contents = in_order(_contents(rows, np.dtype(encoder.dtype)))
    packing = Packing(mix.pack, mix.sequence_length, encoder.pad_id if encoder.pad_id is not None else 0)
    pools = tuple(pool.name for pool in job.manifest.pools)
    origin = Origin(
        encoder.hash, job.manifest_hash, job.manifest.seed, task.phase, tuple(sorted(job.manifest.sources)), pools
    )
    path = task.part(job)
    with job.storage.write(path) as file:
        hashing = HashingFile(file)
        counts = write_shard(pa.PythonFile(hashing, mode="w"), contents, packing, origin)
    note = hashing.note()
    return save_receipt(job.storage, Receipt(path, {path: note}, note.hash, asdict(counts), {"stamp": task.stamp}))


def _contents(rows: Rows, ids: np.dtype[np.unsignedinteger]) -> Contents:
    head = rows.header
    return Contents(
        t=head["key"],
        pool=head["pool"],
        uid=head["uid"],
        piece=head["slot"],
        epoch=head["epoch"].astype(np.int64),
        start=head["start"].astype(np.int64),
        address=head["split"].astype(np.uint64) << np.uint64(32) | head["row"].astype(np.uint64),
        source=head["source"],
        length=head["length"].astype(np.int64) // ids.itemsize,
        ids=rows.payload.view(ids),
    )
