"""The ledger: one verdict per record read, in input order, and its signals beside it.

In:  what the passes left of a split: records, deltas, signals, token runs, usage.
Out: `ledger/verdicts/<split>.parquet` and its positional twin `ledger/signals/<split>.parquet`, and rows for `ids/`.
Guaranteed: exactly one row per record; the first fate that applies; nothing that depends on how the build was run.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from pipelines.dedup.exchanges import KEY_TYPES
from pipelines.engine.exchange import Emitter, Layout, Rows, read_partition
from pipelines.engine.job import DELTA, Holding, Job
from pipelines.engine.keys import free_name
from pipelines.engine.outputs import fall_name
from pipelines.engine.parts import AlignedReader, PartWriter, read_part, scan_part
from pipelines.engine.pooling import run_lengths_of
from pipelines.engine.receipts import Receipt, load_receipt, save_receipt
from pipelines.engine.selection import drawn
from pipelines.engine.splits import Split
from pipelines.mixture import HOLDOUT

VERDICTS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("ordinal", pa.uint64(), nullable=False),
        pa.field("uid", pa.uint64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("fate", pa.string(), nullable=False),
        pa.field("stage", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("kept_uid", pa.uint64()),
        pa.field("similarity", pa.float32()),
        pa.field("cluster_size", pa.int64()),
        pa.field("chars_in", pa.int64()),
        pa.field("chars_out", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("tokens_used", pa.int64()),
    ]
)
"""Columns of a verdicts file. `rule` of an unreadable record says what is wrong with it."""

IDS = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("uid", pa.uint64(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.uint32(), nullable=False),
    ]
)
"""Columns of an ids file, sorted by `key`: xxh3_64 of the id, or the uid itself; `file` is a verdicts file."""

ID_ROWS = Layout((("uid", "u8"),))
BY_ID, BY_UID = 0, 1
"""Slots of a record's two rows."""

IDS_PER_FILE = 1 << 20
"""Records per ids file."""

CUT_BY = "cut:"
"""Begins the names of columns that say what a stage cut out of texts; no signal is called so."""

CUTS = DELTA.field("cuts").type

_AWKWARD = re.compile(r"[^\w/ ,+=().-]")
"""Characters that some file system refuses, and `@` and `%`, which mean something in a ledger file's name."""


def ledger_name(split: Split) -> str:
    """Return the path of a split's file below `ledger/verdicts/` and `ledger/signals/`."""
    path = _AWKWARD.sub(lambda character: quote(character[0], safe=""), split.file.path)
    piece = "" if (split.start, split.end) == (0, -1) else f"@{split.start}"
    return f"{split.source}/{path}{piece}.parquet"


@dataclass(frozen=True)
class LedgerTask:
    """Makes one split's part of the ledger whole.

    Args:
        holding: the split after its last pass.
        usage: its usage part; None where nothing is mixed.
        stamp: key of all that decides the file.
    """

    holding: Holding
    usage: str | None
    stamp: str

    def part(self, job: Job) -> str:
        """Return the path of the verdicts file."""
        del job
        return f"ledger/verdicts/{ledger_name(self.holding.split)}"

    def signals_part(self) -> str:
        """Return the path of the verdicts file's positional twin."""
        return f"ledger/signals/{ledger_name(self.holding.split)}"

    def ids_part(self) -> str:
        """Return the path of the rows for `ids/`."""
        return f"work/rows/{self.stamp}-ids.rows"


def run_ledger(job: Job, task: LedgerTask) -> Receipt:
    """Merge what the passes wrote."""
    counts: Counter[str] = Counter()
    part = task.part(job)
    with (
        PartWriter(job.storage, part, VERDICTS) as verdicts,
        Emitter(job.storage, task.ids_part(), ID_ROWS, spill_bytes=job.resources.spill_bytes) as ids,
    ):
        for table in _verdicts(job, task):
            ids.add(_id_rows(table, verdicts.rows))
            verdicts.add(table)
            _count(counts, table)
        notes = ids.close()
    signals = _write_signals(job, task)
    files = {**verdicts.files, **signals.files}
    info = {
        "stamp": task.stamp,
        "ids": task.ids_part(),
        "ids_content": notes.content,
        "source": task.holding.split.source,
    }
    return save_receipt(job.storage, Receipt(part, files, verdicts.content + signals.content, dict(counts), info))


def _verdicts(job: Job, task: LedgerTask) -> Iterator[pa.Table]:
    holding = task.holding
    deltas = [AlignedReader(job.storage, part) for part in holding.deltas]
    usage, lengths = _usage(job, task.usage), _lengths(job, holding)
    first = 0
    for records in scan_part(job.storage, holding.records or "", ["ordinal", "uid", "id", "chars"]):
        count = records.num_rows
        columns = _said([reader.take(count) for reader in deltas])
        columns |= {"tokens": lengths.of(first, count), "tokens_used": usage.of(first, count)}
        columns |= {name: records.column(name) for name in ("ordinal", "uid", "id")}
        columns["source"] = pa.array([holding.split.source]).take(pa.array(np.zeros(count, np.int8)))
        columns["fate"] = _fates(columns["fate"], columns["tokens_used"], _held_out(job, task, records))
        columns["chars_in"] = records.column("chars")
        yield pa.table([columns[name] for name in VERDICTS.names], VERDICTS)
        first += count


def _said(deltas: Sequence[pa.Table]) -> dict[str, pa.Array]:
    """Return what the passes together say of some rows: fate (null for survivors) to cluster size, and `chars_out`."""
    merged = _coalesce(deltas)
    merged["chars_out"] = pc.if_else(merged.pop("alive"), merged.pop("chars"), pa.scalar(None, pa.int64()))
    return merged


def _coalesce(tables: Sequence[pa.Table]) -> dict[str, pa.Array]:
    """Return per column what the first delta says of a row; of `alive`, `chars` and `cluster_size` the last one."""
    merged: dict[str, pa.Array] = {}
    for name in (name for name in DELTA.names if name != "cuts"):
        columns = [table.column(name).combine_chunks() for table in tables]
        if name in {"chars", "cluster_size"}:
            columns.reverse()
        merged[name] = pc.coalesce(*columns)
    merged["alive"] = tables[-1].column("alive").combine_chunks()
    return merged


def _fates(fallen: pa.Array, used: pa.Array, held_out: npt.NDArray[np.bool_]) -> pa.Array:
    """Return the first fate that applies: that of rows that fell, else whether, and whose, shards hold a token of them.

    Args:
        fallen: fate of rows that fell; null for the others.
        used: tokens of each row that are in shards; null where it has no run.
        held_out: who is drawn for the hold-out; what shards hold of one is in the hold-out's.
    """
    inside = pc.if_else(pa.array(held_out), "held_out", "used")
    survivors = pc.if_else(pc.fill_null(pc.greater(used, 0), False), inside, "unused")
    return pc.coalesce(fallen, survivors)


def _held_out(job: Job, task: LedgerTask, records: pa.Table) -> npt.NDArray[np.bool_]:
    """Return which records are drawn for the hold-out."""
    share = job.manifest.holdout_of(task.holding.split.source)
    if share == 0:
        return np.zeros(records.num_rows, np.bool_)
    return drawn(HOLDOUT, share, job.manifest.seed, records.column("uid").to_numpy())


class _Sparse:
    """Numbers of some rows of a split, read out in step with it; null where a row has none."""

    def __init__(self, rows: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> None:
        self._rows = rows
        self._values = values

    def of(self, first: int, count: int) -> pa.Array:
        """Return the numbers of rows [first, first + count)."""
        start, end = np.searchsorted(self._rows, [first, first + count])
        here = self._rows[start:end] - first
        placed, missing = np.zeros(count, np.int64), np.ones(count, np.bool_)
        placed[here], missing[here] = self._values[start:end], False
        return pa.array(placed, mask=missing)


def _usage(job: Job, part: str | None) -> _Sparse:
    if part is None:
        return _Sparse(np.empty(0, np.int64), np.empty(0, np.int64))
    table = read_part(job.storage, part)
    return _Sparse(table.column("row").to_numpy().astype(np.int64), table.column("tokens_used").to_numpy())


def _lengths(job: Job, holding: Holding) -> _Sparse:
    if holding.tokens is None:
        return _Sparse(np.empty(0, np.int64), np.empty(0, np.int64))
    return _Sparse(*run_lengths_of(job, holding))


def _id_rows(table: pa.Table, first: int) -> Rows:
    """Return two rows per record: one under the hash of its id, one under its uid."""
    count = table.num_rows
    ids = table.column("id").combine_chunks().cast(pa.large_binary())
    uids = table.column("uid").to_numpy()
    hashes = np.fromiter((xxhash.xxh3_64_intdigest(value.as_buffer()) for value in ids), np.uint64, count)
    return Rows.build(
        ID_ROWS,
        key=np.concatenate([hashes, uids]),
        row=np.tile(np.arange(first, first + count, dtype=np.uint32), 2),
        slot=np.repeat(np.array([BY_ID, BY_UID], np.uint32), count),
        uid=np.tile(uids, 2),
        payloads=pa.concat_arrays([ids, ids]),
    )


def _count(counts: Counter[str], table: pa.Table) -> None:
    """Add up records by fate, stage and rule, and their tokens."""
    said = (pc.fill_null(table.column(name), "") for name in ("fate", "stage", "rule"))
    for row in pc.value_counts(pc.binary_join_element_wise(*said, "\t")).to_pylist():
        counts[fall_name(*row["values"].split("\t", 2))] += row["counts"]
    counts["records"] += table.num_rows
    counts["tokens"] += pc.sum(table.column("tokens")).as_py() or 0
    counts["tokens_used"] += pc.sum(table.column("tokens_used")).as_py() or 0


def _write_signals(job: Job, task: LedgerTask) -> PartWriter:
    """Write the positional twin: the record's ordinal, every number measured on it, what was cut of its text."""
    readers = [_SignalReader(job, signals) for signals in task.holding.signals]
    columns, cuts = _signal_columns(readers), _cut_columns(job, task.holding)
    fields = [*((name, kind) for name, (_, _, kind) in columns.items()), *((name, CUTS) for name in cuts)]
    schema = pa.schema([VERDICTS.field("ordinal"), *(pa.field(name, kind) for name, kind in fields)])
    with PartWriter(job.storage, task.signals_part(), schema) as writer:
        for records in scan_part(job.storage, task.holding.records or "", ["ordinal"]):
            tables = [reader.rows.take(records.num_rows) for reader in readers]
            values = [tables[at].column(stored) for at, stored, _ in columns.values()]
            values += [reader.take(records.num_rows).column("cuts") for reader in cuts.values()]
            writer.add(pa.table([records.column("ordinal"), *values], schema))
    return writer


def _cut_columns(job: Job, holding: Holding) -> dict[str, AlignedReader]:
    """Return name in the ledger -> what an exchange cut out of texts: start, end, ... in bytes of the text it saw."""
    columns: dict[str, AlignedReader] = {}
    for label, delta in holding.cut_by:
        columns[free_name(f"{CUT_BY}{label}", columns)] = AlignedReader(job.storage, delta, ["cuts"])
    return columns


class _SignalReader:
    """One signals part, and what its receipt says of its columns."""

    def __init__(self, job: Job, part: str) -> None:
        receipt = load_receipt(job.storage, part)
        self.steps: dict[str, dict[str, str]] = receipt.info["steps"] if receipt is not None else {}
        self.rows = AlignedReader(job.storage, part)
        with job.storage.open(part) as file:
            self.schema = pq.read_schema(file)


def _signal_columns(readers: Sequence[_SignalReader]) -> dict[str, tuple[int, str, pa.DataType]]:
    """Return name in the ledger -> (reader, stored column, type); a number measured in two passes stands once.

    Keys of exchanges (`KEY_TYPES`) are no signals, and stay out.
    """
    columns: dict[str, tuple[int, str, pa.DataType]] = {}
    seen: set[str] = set()
    for at, reader in enumerate(readers):
        for key, names in reader.steps.items():
            for stored in names.values() if key not in seen else ():
                kind = reader.schema.field(stored).type
                if kind not in KEY_TYPES:
                    columns[free_name(stored, columns)] = (at, stored, kind)
        seen |= reader.steps.keys()
    return columns


@dataclass(frozen=True)
class IdsTask:
    """Sorts one range of ids.

    Args:
        inputs: (split number, rows file, verdicts file) of every split.
        partition: number of the range.
        partitions: how many there are; it follows from the number of records.
        stamp: key of all that decides the file.
    """

    inputs: tuple[tuple[int, str, str], ...]
    partition: int
    partitions: int
    stamp: str

    def part(self, job: Job) -> str:
        """Return the path of the ids file."""
        del job
        return f"ledger/ids/part-{self.partition:05d}.parquet"


def run_ids(job: Job, task: IdsTask) -> Receipt:
    """Write the ids of one range."""
    paths = [(number, rows) for number, rows, _ in task.inputs]
    rows = read_partition(job.storage, paths, task.partition, task.partitions)
    files = {number: file for number, _, file in task.inputs}
    columns = {
        "key": pa.array(rows["key"]),
        "id": rows.payloads().cast(pa.large_string()).cast(pa.string()),
        "uid": pa.array(rows["uid"]),
        "file": pa.array([files[number] for number in rows["split"].tolist()], pa.string()),
        "row": pa.array(rows["row"]),
    }
    with PartWriter(job.storage, task.part(job), IDS) as writer:
        writer.add(pa.table([columns[name] for name in IDS.names], IDS))
    counts = {"rows": len(rows)}
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, counts, {"stamp": task.stamp}))
