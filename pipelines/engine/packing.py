"""Packing: one shard, from the fragments whose places fall in it.

In:  rows files of all splits for one phase.
Out: one Parquet file of training sequences.
Guaranteed: a shard is packed alone, and holds the same bytes however the build was run. Its receipt has its books, and
    beside them what `concat` would have made of the same fragments.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from pipelines.engine.compiling import compile_packer
from pipelines.engine.exchange import Rows, read_partition
from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Job
from pipelines.engine.parts import HashingFile
from pipelines.engine.pooling import mix_of
from pipelines.engine.receipts import Receipt, save_receipt
from pipelines.mix.contents import Contents, in_order
from pipelines.mix.packed import counts_of, whole_of
from pipelines.mix.shards import Origin, Packing, plan_shard, write_shard
from pipelines.mixture import Mix
from pipelines.tokens.columns import columns_of, record_type
from pipelines.tokens.encode import Encoder


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
    columns = columns_of(job.manifest.sources.values())
    contents = in_order(_contents(rows, record_type(encoder.dtype, columns)))
    packing = _packing(mix, encoder)
    compile_packer(packing.method)
    pools = tuple(pool.name for pool in job.manifest.pools)
    origin = Origin(
        encoder.hash, job.manifest_hash, job.manifest.seed, task.phase, tuple(sorted(job.manifest.sources)), pools
    )
    path = task.part(job)
    with job.storage.write(path) as file:
        hashing = HashingFile(file)
        write_shard(pa.PythonFile(hashing, mode="w"), contents, packing, origin)
    note = hashing.note()
    counts = packed_counts(contents, packing) | {"special": _special(contents, encoder)}
    return save_receipt(job.storage, Receipt(path, {path: note}, note.hash, counts, {"stamp": task.stamp}))


def packed_counts(contents: Contents, packing: Packing) -> dict[str, int]:
    """Return the books of a shard, its fragments and those cut, and the same of `concat` under `concat_...`."""
    counts: dict[str, int] = {}
    for prefix, way in (("", packing), ("concat_", msgspec.structs.replace(packing, method="concat"))):
        plan = plan_shard(contents, way)
        books, whole = counts_of(contents.length, plan, way.row_length), whole_of(contents.length, plan)
        each = msgspec.structs.asdict(books) | msgspec.structs.asdict(whole)
        counts |= {f"{prefix}{name}": count for name, count in each.items()}
    return counts


def _packing(mix: Mix, encoder: Encoder) -> Packing:
    pad_id = encoder.pad_id if encoder.pad_id is not None else 0
    return Packing(mix.pack, mix.sequence_length, pad_id, mix.next_token)


def _special(contents: Contents, encoder: Encoder) -> int:
    """Return how many of the tokens that come to the packer are BOS or EOS; no text becomes such an id."""
    return sum(
        int(np.count_nonzero(contents.only_ids == special))
        for special in {encoder.bos_id, encoder.eos_id}
        if special is not None
    )


def _contents(rows: Rows, tokens: np.dtype[Any]) -> Contents:
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
        length=head["length"].astype(np.int64) // tokens.itemsize,
        ids=rows.payload.view(tokens),
    )
