"""Outputs of a map task: the row-aligned parts, the survivors' text, exchange rows and token runs.

In:  walks, piece by piece.
Out: files under the build folder, and the receipts that make them count.
Guaranteed: receipts of records and signals first, the task's own last; without it nothing of the task counts.
"""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines.dedup.exchanges import Combining, Documents, Standing
from pipelines.engine.exchange import Emitter
from pipelines.engine.job import DELTA, Job
from pipelines.engine.keys import key_of
from pipelines.engine.measured import column_names, scatter
from pipelines.engine.parts import PartWriter
from pipelines.engine.receipts import Receipt, save_receipt
from pipelines.engine.route import Pass
from pipelines.engine.walk import Walk
from pipelines.tokens.beside import Encoded, columns_beside
from pipelines.tokens.checking import CHECKED, check_ids, come_back
from pipelines.tokens.documents import cut_documents, parts_of, tokens_of
from pipelines.tokens.encode import Encoder
from pipelines.tokens.marks import Marks
from pipelines.tokens.runs import TEXT_BYTES, run_table, runs_schema
from pipelines.tokens.stamp import stamped

TEXTS = pa.schema([pa.field("row", pa.uint32(), nullable=False), pa.field("text", pa.large_string(), nullable=False)])
"""Columns of a texts part."""

TRIAL_CHARS = 16_000_000
"""Characters until which unedited texts are held; then they are written, or not if most documents survive."""


@dataclass(frozen=True)
class OutputPlan:
    """What a map task writes.

    Args:
        key: the task's part key.
        records: key of the split's records, below which its signals are found again.
        work: the pass.
        standing: what the manifest says of the source in the exchange that ends the pass.
        encoder: makes token runs, where the pass tokenizes.
        columns: what they have beside ids.
        marks: special tokens that the template of a chat writes into them.
        keeps_text: whether a later pass will want the survivors' text.
        edited: whether the survivors' text may differ from what was read.
    """

    key: str
    records: str
    work: Pass
    standing: Standing
    encoder: Encoder | None
    columns: tuple[str, ...]
    marks: Marks
    keeps_text: bool
    edited: bool


class Outputs:
    """Writes what one map task leaves; use as a context manager, then `save`."""

    def __init__(self, job: Job, plan: OutputPlan) -> None:
        self.job = job
        self.plan = plan
        self.counts: Counter[str] = Counter(rows=0, out=0, chars_in=0, chars_out=0)
        self._stack = ExitStack()
        self._mask = xxhash.xxh3_128()
        self._writers: dict[str, PartWriter] = {}
        self._trial: list[pa.Table] = []
        self._names: dict[str, dict[str, str]] = {}
        self._emitter: Emitter | None = None
        self._back: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._stack.__enter__()
        self._open("delta", f"work/deltas/{self.plan.key}.parquet", DELTA)
        if self.plan.keeps_text:
            self._open("texts", f"work/texts/{self.plan.key}.parquet", TEXTS, grouped=False)
        if self.plan.encoder is not None:
            schema = stamped(runs_schema(self.plan.columns).append(TEXT_BYTES), self.plan.encoder.hash)
            self._open("tokens", f"tokens/{self.plan.key}.parquet", schema, grouped=False)
        exchange = self.plan.work.exchange
        if exchange is not None:
            layout, spill_bytes = exchange.layout, self.job.resources.spill_bytes
            combine = exchange.combine if isinstance(exchange, Combining) else None
            emitter = Emitter(self.job.storage, f"work/rows/{self.plan.key}.rows", layout, spill_bytes, combine)
            self._emitter = self._stack.enter_context(emitter)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _open(self, name: str, part: str, schema: pa.Schema, *, grouped: bool = True) -> PartWriter:
        writer = PartWriter(self.job.storage, part, schema, grouped=grouped)
        self._writers[name] = self._stack.enter_context(writer)
        return writer

    def wants_signals(self, walk: Walk) -> None:
        """Open the signals part when the first walk shows which numbers there are."""
        if "signals" in self._writers or not walk.measured:
            return
        fields: list[pa.Field] = []
        for step in self.plan.work.measures:
            columns = walk.measured[step.signals_key]
            names = column_names(columns, step.suffix, {field.name for field in fields})
            self._names[step.signals_key] = names
            fields += [pa.field(full, columns[name].type) for name, full in names.items()]
        self._open("signals", f"work/signals/{self.plan.records}/{self.plan.key}.parquet", pa.schema(fields))

    def add(self, walk: Walk) -> None:
        """Write what a walk left."""
        self._add_delta(walk)
        self._add_signals(walk)
        walk.narrow()
        rows = (walk.piece.first + walk.rows).astype(np.uint32)
        self._count(walk)
        if "texts" in self._writers:
            self._add_texts(walk, rows)
        if self.plan.encoder is not None and len(rows):
            self._add_tokens(self.plan.encoder, walk, rows)
        if self._emitter is not None and self.plan.work.exchange is not None:
            self._emitter.add(self.plan.work.exchange.emit(exchange_documents(walk, rows), self.plan.standing))

    def _add_tokens(self, encoder: Encoder, walk: Walk, rows: npt.NDArray[np.uint32]) -> None:
        if (left := CHECKED - self._back.total()) > 0:
            self._check(encoder, walk.documents.slice(0, left))
        texts = walk.documents.column("text")
        tokens = tokens_of(encoder, walk.documents, self.plan.marks)
        runs = tokens.runs
        read = walk.piece.records.column("text_hash").take(pa.array(walk.rows)).to_numpy()
        columns, counts = columns_beside(
            Encoded(walk.documents, read, runs, encoder, tokens.borders), self.plan.columns
        )
        self.counts.update(counts)
        self.counts["tokens"] += len(runs.ids)
        sized = run_table(rows, runs, columns).append_column(TEXT_BYTES, pc.binary_length(texts))
        self._writers["tokens"].add(sized)

    def _check(self, encoder: Encoder, documents: pa.RecordBatch) -> None:
        """Compare the tokens of some documents with those of the library; of chats, part by part."""
        cut = cut_documents(documents, self.plan.marks)
        parts = documents if cut is None else parts_of(documents, cut)
        check_ids(encoder, parts)
        self._back.update(come_back(encoder, parts, None if cut is None else cut.firsts))

    def _add_delta(self, walk: Walk) -> None:
        self._mask.update(walk.alive.tobytes())
        self._writers["delta"].add(delta_table(walk))

    def _add_signals(self, walk: Walk) -> None:
        self.wants_signals(walk)
        if "signals" in self._writers:
            arrays = {
                full: walk.measured[key][name] for key, names in self._names.items() for name, full in names.items()
            }
            self._writers["signals"].add(pa.table(arrays))

    def _add_texts(self, walk: Walk, rows: npt.NDArray[np.uint32]) -> None:
        self._trial.append(pa.table([pa.array(rows), walk.documents.column("text")], TEXTS))
        if self.plan.edited or self.counts["chars_in"] > TRIAL_CHARS:
            self._decide_on_texts()

    def _decide_on_texts(self) -> None:
        """Write the texts so far, or stop where they can as well be read from the source again."""
        if not self.plan.edited and self.counts["out"] * 2 >= self.counts["rows"]:
            self._writers.pop("texts").abandon()
        else:
            for table in self._trial:
                self._writers["texts"].add(table)
        self._trial.clear()

    def _count(self, walk: Walk) -> None:
        """Count documents and characters; what fell is counted by fate, stage and rule."""
        chars = walk.piece.records.column("chars")
        self.counts["rows"] += walk.piece.records.num_rows
        self.counts["chars_in"] += pc.sum(chars).as_py() or 0
        self.counts["chars_out"] += pc.sum(walk.signals["chars"]).as_py() or 0
        self.counts["out"] += len(walk.rows)
        falls = walk.falls
        fell = [row for row, fate in enumerate(falls.fate) if fate is not None]
        self.counts.update(fall_name(falls.fate[row], falls.stage[row], falls.rule[row]) for row in fell)

    def save(self, records: str, content: list[str]) -> Receipt:
        """Publish all files and write the task's receipt.

        Args:
            records: part with the records.
            content: content hashes of what the caller wrote itself.
        """
        if "texts" in self._writers:
            self._decide_on_texts()
        rows = self._emitter.close() if self._emitter is not None else None
        self._stack.close()
        self._save_signals()
        delta = self._writers["delta"]
        own = [writer for name, writer in self._writers.items() if name != "signals"]
        files = {name: note for writer in own for name, note in writer.files.items()}
        hashes = {name: writer.content for name, writer in self._writers.items() if name != "texts"}
        info: dict[str, Any] = {
            "records": records,
            "mask": self._mask.hexdigest(),
            "texts": self._part("texts"),
            "tokens": self._part("tokens"),
            "round_trip": dict(self._back),
            "signals": self._part("signals"),
            "rows": None if rows is None else f"work/rows/{self.plan.key}.rows",
            "rows_content": "" if rows is None else rows.content,
            "rows_bytes": 0 if rows is None else rows.bytes,
            "content": hashes,
        }
        whole = key_of([content, hashes, info["rows_content"]])
        return save_receipt(self.job.storage, Receipt(delta.part, files, whole, dict(self.counts), info))

    def _save_signals(self) -> None:
        if "signals" in self._writers:
            writer = self._writers["signals"]
            info = {"steps": self._names}
            save_receipt(
                self.job.storage, Receipt(writer.part, writer.files, writer.content, {"rows": writer.rows}, info)
            )

    def _part(self, name: str) -> str | None:
        return self._writers[name].part if name in self._writers else None


def fall_name(fate: str, stage: str | None, rule: str | None) -> str:
    """Return the name under which a receipt counts documents that fell."""
    return "\t".join([fate, stage or "", (rule or "") if fate in {"dropped", "duplicate"} else ""])


def delta_table(walk: Walk) -> pa.Table:
    """Return the rows of a delta part for one walk."""
    count, falls = len(walk.alive), walk.falls
    standing = walk.alive[walk.rows]
    chars = scatter(walk.signals["chars"].filter(pa.array(standing)), walk.rows[standing], count)
    given = {
        "alive": pa.array(walk.alive),
        "fate": pa.array(falls.fate, pa.string()),
        "stage": pa.array(falls.stage, pa.string()),
        "rule": pa.array(falls.rule, pa.string()),
        "value": pa.array(falls.value, mask=np.isnan(falls.value)),
        "chars": chars,
    }
    return pa.table([given.get(name, pa.nulls(count, DELTA.field(name).type)) for name in DELTA.names], DELTA)


def exchange_documents(walk: Walk, rows: npt.NDArray[np.uint32]) -> Documents:
    """Return what an exchange stage sees of the survivors."""
    date = walk.documents.column("date").cast(pa.int64()).fill_null(np.iinfo(np.int64).min)
    columns = {"row": rows, "uid": walk.documents.column("uid").to_numpy(), "date": date.to_numpy()}
    numbers = {name: values for name, values in walk.signals.items() if pa.types.is_primitive(values.type)}
    dense = {name: values.to_numpy(zero_copy_only=False) for name, values in numbers.items() if values.null_count == 0}
    component = walk.component.take(pa.array(walk.rows)) if walk.component is not None else None
    return Documents({**dense, **columns}, walk.documents.column("text"), walk.signals, component)
