"""Storing: the shingles of the documents that stay, kept for later builds.

In:  a split behind a stage of near duplicates.
Out: a part with the shingles of each document alive.
Guaranteed: they are those that the stage compares; a text without words has none, and is a duplicate of nothing.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.dedup.exchanges import Storing
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.parts import PartWriter
from pipelines.engine.receipts import Receipt, save_receipt
from pipelines.engine.texts import surviving_texts

SHINGLES = pa.schema(
    [pa.field("row", pa.uint32(), nullable=False), pa.field("shingles", pa.large_binary(), nullable=False)]
)
"""Columns of a shingles part: ascending uint64, little-endian, one after another."""


@dataclass(frozen=True)
class StoreTask:
    """Stores the shingles of one split.

    Args:
        holding: the split behind the stage.
        stage: says what shingles are.
    """

    holding: Holding
    stage: Storing

    def part(self, job: Job) -> str:
        """Return the path of the shingles part."""
        del job
        held = [self.holding.records, self.holding.mask, self.holding.text]
        return f"work/shingles/{key_of(['shingles', self.stage.shingling, held])}.parquet"


def run_store(job: Job, task: StoreTask) -> Receipt:
    """Write the shingles of every document that is alive."""
    with PartWriter(job.storage, task.part(job), SHINGLES, grouped=False) as writer:
        for documents in surviving_texts(job, task.holding):
            if len(documents):
                row = (documents.column("address").to_numpy() & np.uint64(0xFFFFFFFF)).astype(np.uint32)
                shingles = task.stage.shingle_bytes(documents.column("text"))
                writer.add(pa.table([pa.array(row), shingles], SHINGLES))
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, {"documents": writer.rows}))
