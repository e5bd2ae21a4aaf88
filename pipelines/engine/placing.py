"""Placing: the fragments of one split's documents, on their way to the shards.

In:  a split's token runs and pools, and the cuts.
Out: per phase a file of rows keyed by place, with tokens (ids, and their columns) as payload; how many tokens of each
     document were used.
Guaranteed: a fragment's place depends on itself alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np
import pyarrow as pa

from pipelines.engine.budgeting import Cuts, load_cuts
from pipelines.engine.exchange import Emitter, Layout, Rows
from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.parts import PartWriter, read_part, scan_part
from pipelines.engine.pooling import documents_in, member
from pipelines.engine.receipts import FileNote, Receipt, save_receipt
from pipelines.mix.place import Draw, Fragments, fragment_runs, fragments_between, placements
from pipelines.mix.pools import Documents
from pipelines.tokens.columns import columns_of, record_type, token_records

PLACED = Layout((("uid", "u8"), ("start", "u4"), ("pool", "u2"), ("source", "u2"), ("epoch", "u2")))
"""Rows on their way to a shard: key = place, row and slot = record and piece, payload = tokens."""

USAGE = pa.schema([pa.field("row", pa.uint32(), nullable=False), pa.field("tokens_used", pa.int64(), nullable=False)])
"""Columns of a usage part: how many tokens of each document shards hold, all copies counted."""


@dataclass(frozen=True)
class PlaceTask:
    """Sends the fragments of one split to the shards.

    Args:
        holding: the split after its last pass.
        pools: its pools part.
        cuts: part with the cuts.
        content: content of both and of the token runs.
    """

    holding: Holding
    pools: str
    cuts: str
    content: str

    def part(self, job: Job) -> str:
        """Return the path of the usage part."""
        return f"work/usage/{self.key(job)}.parquet"

    def key(self, job: Job) -> str:
        """Return the key of what the task writes."""
        numbered = [self.holding.split.number, sorted(job.manifest.sources), [pool.name for pool in job.manifest.pools]]
        columns = columns_of(job.manifest.sources.values())
        return key_of(["place", job.manifest.seed, numbered, self.content, *columns])

    def rows_part(self, job: Job, phase: str) -> str:
        """Return the path of the fragments of one phase."""
        return f"work/rows/{self.key(job)}-{phase}.rows"


def run_place(job: Job, task: PlaceTask) -> Receipt:
    """Emit every fragment that some phase takes of the split's documents."""
    table = read_part(job.storage, task.pools).sort_by("row")
    documents = documents_in(table, task.holding)
    used = np.zeros(len(documents), np.int64)
    counts: dict[str, int] = {}
    files: dict[str, FileNote] = {}
    for phase, held in groupby(load_cuts(job, task.cuts), key=attrgetter("phase")):
        chosen = {cuts.pool: _fragments(table, documents, cuts) for cuts in held}
        for pool, fragments in chosen.items():
            np.add.at(used, fragments.row, fragments.length)
            counts[f"{phase}\t{pool}"] = int(fragments.length.sum())
        files |= _emit(job, task, phase, documents, chosen)
    counts["documents_used"] = int((used > 0).sum())
    counts["tokens_of_used"] = int(documents.tokens[used > 0].sum())
    with PartWriter(job.storage, task.part(job), USAGE) as writer:
        writer.add(pa.table([table.column("row"), pa.array(used)], USAGE))
    content = key_of([writer.content, {path: note.hash for path, note in files.items()}])
    return save_receipt(job.storage, Receipt(writer.part, {**writer.files, **files}, content, counts))


def _fragments(table: pa.Table, documents: Documents, cuts: Cuts) -> Fragments:
    return fragments_between(documents, member(table, f"pool:{cuts.pool}"), cuts.begin, cuts.end)


def _emit(
    job: Job, task: PlaceTask, phase: str, documents: Documents, chosen: Mapping[str, Fragments]
) -> dict[str, FileNote]:
    """Write the fragments of one phase, a row group of token runs at a time."""
    path = task.rows_part(job, phase)
    stamps = {pool: _Stamp(job, task, phase, pool) for pool in chosen}
    first = 0
    with Emitter(job.storage, path, PLACED, spill_bytes=job.resources.spill_bytes) as emitter:
        for runs in _token_groups(job, task):
            for pool, fragments in chosen.items():
                here = _within(fragments, first, first + len(runs))
                if len(here):
                    emitter.add(stamps[pool].rows(documents, here, runs, first))
            first += len(runs)
        notes = emitter.close()
    return {path: FileNote(bytes=notes.bytes, hash=notes.content)}


def _token_groups(job: Job, task: PlaceTask) -> Iterator[pa.LargeBinaryArray]:
    """Yield the tokens of the split's documents, a row group of runs at a time."""
    columns = columns_of(job.manifest.sources.values())
    own = columns_of([job.manifest.sources[task.holding.split.source]])
    ids = load_fitted_encoder(job, task.holding.encoder).dtype
    for group in scan_part(job.storage, task.holding.tokens or "", ["tokens", *own]):
        yield token_records(group, ids, columns)


class _Stamp:
    """What all fragments of one split, phase and pool have in common."""

    def __init__(self, job: Job, task: PlaceTask, phase: str, pool: str) -> None:
        self._draw = Draw(job.manifest.seed, phase, pool)
        self._pool = [each.name for each in job.manifest.pools].index(pool)
        self._source = sorted(job.manifest.sources).index(task.holding.split.source)
        columns = columns_of(job.manifest.sources.values())
        self._width = record_type(load_fitted_encoder(job, task.holding.encoder).dtype, columns).itemsize

    def rows(self, documents: Documents, here: Fragments, runs: pa.LargeBinaryArray, first: int) -> Rows:
        """Return the rows of some fragments; `runs` are the token runs of the documents from `first` on."""
        local = Fragments(here.row - first, here.epoch, here.start, here.length)
        count = len(here)
        return Rows.build(
            PLACED,
            key=placements(documents, here, self._draw),
            row=(documents.address[here.row] & np.uint64(0xFFFFFFFF)).astype(np.uint32),
            slot=documents.piece[here.row],
            uid=documents.uid[here.row],
            start=here.start,
            pool=np.full(count, self._pool, np.uint16),
            source=np.full(count, self._source, np.uint16),
            epoch=here.epoch,
            payloads=fragment_runs(runs, local, self._width),
        )


def _within(fragments: Fragments, first: int, last: int) -> Fragments:
    """Return the fragments of documents [first, last)."""
    chosen = np.flatnonzero((fragments.row >= first) & (fragments.row < last))
    columns = (fragments.row, fragments.epoch, fragments.start, fragments.length)
    return Fragments(*(column[chosen] for column in columns))
