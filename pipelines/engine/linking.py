"""Linking: documents that an exchange calls candidates become components, and each learns which is its own.

In:  the edges that reduce tasks wrote.
Out: one file of rows (address, component), and per split a row-aligned part.
Guaranteed: components depend on the edges alone, not on their order or on the files they stand in; nobody falls here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.components import components
from pipelines.dedup.earlier import FIRST_EARLIER
from pipelines.engine.exchange import KEYS, Emitter, Layout, Rows, read_keys
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.parts import PartWriter, scan_part
from pipelines.engine.receipts import FileNote, Receipt, save_receipt
from pipelines.engine.segments import read_rows

U64 = npt.NDArray[np.uint64]

MEMBERS = Layout((("component", "u8"),))
"""Rows of members: key = the document's address."""

COMPONENTS = pa.schema([pa.field("component", pa.uint64())])
"""Column of a components part: smallest address of the document's component; null where it is linked to none."""

MEMBERS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class ComponentsTask:
    """The components of all edges of one exchange.

    Args:
        inputs: the edges files of all reduce tasks.
        exchange: key of the exchange.
    """

    inputs: tuple[str, ...]
    exchange: str

    def part(self, job: Job) -> str:
        """Return the path of the rows file that the task writes."""
        del job
        return f"work/rows/{self.exchange}-components.rows"


def run_components(job: Job, task: ComponentsTask) -> Receipt:
    """Find the component of every document that stands in an edge; those of earlier builds alone are left out."""
    addresses, roots = components(*_edges(job, task.inputs))
    ours = roots < FIRST_EARLIER
    addresses, roots = addresses[ours], roots[ours]
    part = task.part(job)
    with Emitter(job.storage, part, MEMBERS, spill_bytes=job.resources.spill_bytes) as emitter:
        for first in range(0, len(addresses), MEMBERS_AT_ONCE):
            some = slice(first, first + MEMBERS_AT_ONCE)
            emitter.add(_members(addresses[some], roots[some]))
        notes = emitter.close()
    counts = {"rows": len(addresses), "components": len(np.unique(roots))}
    return save_receipt(
        job.storage, Receipt(part, {part: FileNote(bytes=notes.bytes, hash=notes.content)}, notes.content, counts)
    )


def _edges(job: Job, parts: tuple[str, ...]) -> tuple[U64, U64]:
    """Return both ends of all edges."""
    pairs = [(rows["key"].copy(), rows["other"].copy()) for rows in _pieces(job, parts)]
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    nothing = np.empty(0, np.uint64)
    return np.concatenate([nothing, *left]), np.concatenate([nothing, *right])


def _pieces(job: Job, parts: tuple[str, ...]) -> Iterator[Rows]:
    for part in parts:
        yield from read_rows(job.storage, part, 0, KEYS)


def _members(addresses: U64, roots: U64) -> Rows:
    row = (addresses & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    return Rows.build(MEMBERS, key=addresses, row=row, slot=np.zeros(len(row), np.uint32), component=roots)


@dataclass(frozen=True)
class MembersTask:
    """The components that the documents of one split belong to.

    Args:
        holding: the split, and what earlier passes left of it.
        input: the rows file of the components task.
        exchange: key of the exchange.
    """

    holding: Holding
    input: str
    exchange: str

    def part(self, job: Job) -> str:
        """Return the path of the components part that the task writes."""
        del job
        held = [self.holding.split.number, self.holding.records, self.holding.mask, self.holding.text]
        return f"work/components/{key_of(['members', self.exchange, held])}.parquet"


def run_members(job: Job, task: MembersTask) -> Receipt:
    """Write which component each row of the split belongs to."""
    low = task.holding.split.number << 32
    home = read_keys(job.storage, [(0, task.input)], low, low + (1 << 32))
    with PartWriter(job.storage, task.part(job), COMPONENTS) as writer:
        for before in scan_part(job.storage, task.holding.deltas[-1], ["alive"]):
            writer.add(_aligned(home, writer.rows, before.num_rows))
    counts = {"rows": writer.rows, "members": len(home)}
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, counts))


def _aligned(home: Rows, first: int, count: int) -> pa.Table:
    """Return the components of rows [first, first + count)."""
    start, end = np.searchsorted(home["row"], [first, first + count])
    places = home["row"][start:end].astype(np.int64) - first
    found, missing = np.zeros(count, np.uint64), np.ones(count, np.bool_)
    found[places], missing[places] = home["component"][start:end], False
    return pa.table([pa.array(found, mask=missing)], COMPONENTS)
