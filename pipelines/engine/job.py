"""What the tasks of a build share, and what each split holds between two passes.

In:  the manifest, the build folder, the resources of this run.
Out: small frozen records that travel to tasks.
Guaranteed: nothing here decides a byte of the result but the manifest; resources only decide how fast it comes.
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa

from pipelines.amounts import MIB
from pipelines.engine.splits import Split
from pipelines.engine.storage import Storage
from pipelines.manifest import Manifest


@dataclass(frozen=True)
class Resources:
    """How a run may use its machines; no value changes a byte of the result.

    Args:
        workers: tasks at a time; None is one per core.
        spill_bytes: rows that a task buffers before it writes a segment.
        partition_bytes: bytes of rows that one reduce task holds.
        partitions: number of reduce tasks; None chooses it from `partition_bytes`. A stage that divides its keys itself
            has its own.
        reverse: start the last tasks first (tests of order).
    """

    workers: int | None = None
    spill_bytes: int = 256 * MIB
    partition_bytes: int = 256 * MIB
    partitions: int | None = None
    reverse: bool = False

    def partitions_for(self, size: int) -> int:
        """Return the number of reduce tasks for so many bytes of rows."""
        return self.partitions or max(1, -(-size // self.partition_bytes))


@dataclass(frozen=True)
class Job:
    """What every task of a build knows.

    Args:
        storage: the build folder.
        manifest: what is built.
        manifest_hash: hash of the canonical manifest, a tokenizer file by its content.
        resources: how this run may use its machines.
    """

    storage: Storage
    manifest: Manifest
    manifest_hash: str
    resources: Resources = field(default_factory=Resources)


@dataclass(frozen=True)
class Holding:
    """What the passes so far left of one split.

    Args:
        split: the split.
        records: part with one row per record, or None before the first pass.
        deltas: row-aligned parts, one per pass and exchange, each saying which rows fell there.
        mask: hash of the rows that are alive.
        text: name of the text version that is current.
        texts: part with the text of the rows alive at the end of the last pass; None: read the source again.
        cuts: row-aligned part whose `cuts` shorten the text before the next pass; None: nothing to cut.
        cut: name of all that exchanges cut out of the texts so far; "" is nothing. Another corpus may cut otherwise.
        cut_by: label of every exchange that cut texts, and its delta, which says where.
        components: row-aligned part whose `component` says which documents an exchange has linked; None: none did.
        signals: parts with the signals measured in each pass.
        tokens: part with the token runs.
        encoder: part with the tokenizer that made them.
    """

    split: Split
    records: str | None = None
    deltas: tuple[str, ...] = ()
    mask: str = ""
    text: str = ""
    texts: str | None = None
    cuts: str | None = None
    cut: str = ""
    cut_by: tuple[tuple[str, str], ...] = ()
    components: str | None = None
    signals: tuple[str, ...] = ()
    tokens: str | None = None
    encoder: str = ""


RECORDS = pa.schema(
    [
        pa.field("ordinal", pa.uint64(), nullable=False),
        pa.field("uid", pa.uint64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("problem", pa.string()),
        pa.field("chars", pa.int64()),
        pa.field("text_hash", pa.uint64()),
        pa.field("url", pa.string()),
        pa.field("date", pa.timestamp("us", tz="UTC")),
        pa.field("language", pa.string()),
    ]
)
"""Columns of a records part, one row per record read, in input order; a source's declared fields follow.

`chars` and `text_hash` (xxh3_64 of its UTF-8 bytes) are of the text as it was read, and null where it could not be."""

DELTA = pa.schema(
    [
        pa.field("alive", pa.bool_(), nullable=False),
        pa.field("fate", pa.string()),
        pa.field("stage", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("kept_uid", pa.uint64()),
        pa.field("similarity", pa.float32()),
        pa.field("cluster_size", pa.int64()),
        pa.field("chars", pa.int64()),
        pa.field("cuts", pa.list_(pa.uint32())),
    ]
)
"""Columns of a delta part, row-aligned: who is alive behind it and, for rows that fell in it, why.

`chars` is the length of the current text of rows alive behind a map pass, in characters; `cuts` are (start, end) byte
offsets that an exchange takes out of a text.
"""


class Task(Protocol):
    """What the engine runs: a frozen record that names the part it will write."""

    def part(self, job: Job) -> str:
        """Return the path of the part whose receipt says that the task is done."""


@runtime_checkable
class Product(Protocol):
    """A task whose part has a name for people (a shard, a ledger file), not a key.

    Its receipt carries the stamp; a receipt with another stamp belongs to an earlier manifest and is swept away.
    """

    stamp: str
