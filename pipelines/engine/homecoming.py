"""Reduce and home: an exchange decides, and its answers travel back to the splits.

In:  the rows that map tasks emitted; then the rows that reduce tasks addressed to documents.
Out: per partition a file of rows keyed by address; per split a row-aligned delta part.
Guaranteed: the number of partitions changes no decision; a delta's mask depends on who is alive alone.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines.dedup.earlier import FIRST_EARLIER
from pipelines.dedup.exchanges import EDGES, HOME, Dividing, ExchangeStage, Linking, Settling
from pipelines.engine.compiling import compile_reduce
from pipelines.engine.exchange import Emitter, Rows, least_size, read_keys, read_partition
from pipelines.engine.job import DELTA, Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.meeting import Earlier
from pipelines.engine.outputs import fall_name
from pipelines.engine.parts import PartWriter, scan_part
from pipelines.engine.ready import with_files
from pipelines.engine.receipts import FileNote, Receipt, save_receipt


@dataclass(frozen=True)
class ReduceTask:
    """One key range of one exchange.

    Args:
        stage: the exchange.
        inputs: (split number, rows file) of every split that takes part.
        exchange: key of the exchange: the stage and the contents of its inputs.
        partition: number of the key range.
        partitions: how many there are.
        earlier: rows of earlier builds.
    """

    stage: ExchangeStage
    inputs: tuple[tuple[int, str], ...]
    exchange: str
    partition: int
    partitions: int
    earlier: Earlier = field(default_factory=Earlier)

    def part(self, job: Job) -> str:
        """Return the path of the rows file that the task writes."""
        del job
        return f"work/rows/{self.exchange}-{self.partition:05d}-of-{self.partitions:05d}.rows"


def run_reduce(job: Job, task: ReduceTask) -> Receipt:
    """Decide about all documents that share a key in this range; nobody is told about those of earlier builds."""
    if isinstance(task.stage, Dividing):
        task.stage.admit(least_size(job.storage, task.inputs, task.partition, task.partitions))
    rows = read_partition(job.storage, task.inputs, task.partition, task.partitions)
    stage = with_files(job, task.stage, type(task.stage).__name__)
    met = task.earlier.beside(rows, task.partition, task.partitions)
    compile_reduce(stage, met)
    decided = stage.reduce(met)
    part = task.part(job)
    layout = EDGES if isinstance(task.stage, Linking) else HOME
    if task.earlier.rows and layout is HOME:
        decided = decided.take(decided["key"] < FIRST_EARLIER)
    with Emitter(job.storage, part, layout, spill_bytes=job.resources.spill_bytes) as emitter:
        emitter.add(decided)
        notes = emitter.close()
    counts = {"rows_in": len(rows), "rows": len(decided)}
    files = {part: FileNote(bytes=notes.bytes, hash=notes.content)}
    return save_receipt(job.storage, Receipt(part, files, notes.content, counts))


@dataclass(frozen=True)
class HomeTask:
    """The answers of one exchange to one split.

    Args:
        holding: the split, and what earlier passes left of it.
        stage: the exchange.
        label: its name in the manifest and the ledger.
        inputs: the rows files of all reduce tasks.
        exchange: key of the exchange.
    """

    holding: Holding
    stage: ExchangeStage
    label: str
    inputs: tuple[str, ...]
    exchange: str

    def part(self, job: Job) -> str:
        """Return the path of the delta part that the task writes."""
        del job
        held = [self.holding.split.number, self.holding.records, self.holding.mask, self.holding.text]
        return f"work/deltas/{key_of(['home', self.exchange, held])}.parquet"


def run_home(job: Job, task: HomeTask) -> Receipt:
    """Write who of the split is alive behind the exchange."""
    low = task.holding.split.number << 32
    home = read_keys(job.storage, [(0, path) for path in task.inputs], low, low + (1 << 32))
    home = task.stage.settle(home) if isinstance(task.stage, Settling) else home
    mask = xxhash.xxh3_128()
    counts: Counter[str] = Counter({"rows": 0, "in": 0, "out": 0, "chars_in": 0, "chars_out": 0})
    with PartWriter(job.storage, task.part(job), DELTA) as writer:
        for before in scan_part(job.storage, task.holding.deltas[-1], ["alive", "chars"]):
            answers = _between(home, writer.rows, writer.rows + before.num_rows)
            table = _delta(task, before, answers, writer.rows)
            counts.update({**_counts(task, before, table), **_characters(before, table, answers, writer.rows)})
            mask.update(table.column("alive").to_numpy().tobytes())
            writer.add(table)
    info = {"mask": mask.hexdigest()}
    return save_receipt(job.storage, Receipt(writer.part, writer.files, writer.content, dict(counts), info))


def _counts(task: HomeTask, before: pa.Table, after: pa.Table) -> dict[str, int]:
    """Count rows, those alive before and after, and, where there are any, those that fell."""
    alive = {name: table.column("alive").to_numpy().sum() for name, table in (("in", before), ("out", after))}
    rules = pc.value_counts(after.column("rule").drop_null()).to_pylist()
    falls = {fall_name("duplicate", task.label, rule["values"]): rule["counts"] for rule in rules}
    return {"rows": after.num_rows, **{name: int(count) for name, count in alive.items()}, **falls}


def _characters(before: pa.Table, after: pa.Table, answers: Rows, first: int) -> dict[str, int]:
    """Count the characters of the documents alive before, and what is left of them, to within rounding of shares."""
    chars = before.column("chars").fill_null(0).to_numpy()
    had, kept = (int(chars[table.column("alive").to_numpy()].sum()) for table in (before, after))
    cut = answers.header[answers["length"] > 0]
    gone = (cut["similarity"].astype(np.float64) * chars[cut["row"].astype(np.int64) - first]).sum()
    return {"chars_in": had, "chars_out": kept - round(gone)}


def _between(home: Rows, first: int, last: int) -> Rows:
    """Return the answers to rows [first, last)."""
    start, end = np.searchsorted(home.header["row"], [first, last])
    return home.take(np.arange(start, end))


def _delta(task: HomeTask, before: pa.Table, answers: Rows, first: int) -> pa.Table:
    """Return the delta rows of one row group; `before` says who was alive, and the lengths of their texts.

    `kept_uid` and `similarity` are said of documents that fell here, `cluster_size` of all members of a group; `value`
    of documents that fell for one of an earlier build: which of the builds, from 1.
    """
    count, head = before.num_rows, answers.header
    alive = before.column("alive").to_numpy().copy()
    rows = head["row"].astype(np.int64) - first
    dropped = rows[(head["dropped"] != 0) & alive[rows]]
    alive[dropped] = False
    fell = np.zeros(count, np.bool_)
    fell[dropped] = True
    member = _said(head["cluster"] != 0, rows, count)
    earlier = fell & _said(head["dropped"] > 1, rows, count)
    given = {
        "alive": pa.array(alive),
        "fate": _where(fell, "duplicate"),
        "stage": _where(fell, task.label),
        "rule": pc.coalesce(_where(earlier, earlier_rule(task.stage.rule)), _where(fell, task.stage.rule)),
        "value": _placed(head["dropped"].astype(np.float64) - 1, rows, earlier),
        "kept_uid": _placed(head["kept_uid"], rows, fell & _said(head["kept_uid"] != 0, rows, count)),
        "similarity": _placed(head["similarity"], rows, fell & _said(~np.isnan(head["similarity"]), rows, count)),
        "cluster_size": _placed(head["cluster"].astype(np.int64), rows, member),
        "chars": pc.if_else(pa.array(alive), before.column("chars").combine_chunks(), pa.scalar(None, pa.int64())),
        "cuts": _cuts(answers, rows, count),
    }
    return pa.table([given.get(name, pa.nulls(count, DELTA.field(name).type)) for name in DELTA.names], DELTA)


def earlier_rule(rule: str) -> str:
    """Return the rule by which a document falls for one of an earlier build."""
    return f"{rule}_earlier"


def _said(known: npt.NDArray[np.bool_], rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.bool_]:
    """Return which of all rows have a value: of the answers to `rows`, those where it is `known`."""
    said = np.zeros(count, np.bool_)
    said[rows] = known
    return said


def _where(chosen: npt.NDArray[np.bool_], text: str) -> pa.StringArray:
    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(len(chosen), np.int8), mask=~chosen), pa.array([text])
    ).dictionary_decode()


def _placed(values: npt.NDArray[np.generic], rows: npt.NDArray[np.int64], shown: npt.NDArray[np.bool_]) -> pa.Array:
    """Return `values` at `rows`, where `shown` says so, and null elsewhere."""
    placed = np.zeros(len(shown), values.dtype)
    placed[rows] = values
    return pa.array(placed, mask=~shown)


def _cuts(answers: Rows, rows: npt.NDArray[np.int64], count: int) -> pa.ListArray:
    """Return per row the spans that answers cut out of it, from their payloads."""
    spans = np.frombuffer(answers.payload, "<u4")
    lengths = np.zeros(count, np.int64)
    np.add.at(lengths, rows, answers.header["length"].astype(np.int64) // 4)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    missing = np.append(lengths == 0, False)
    return pa.ListArray.from_arrays(pa.array(offsets, mask=missing), pa.array(spans))
