"""A walk: the documents of one piece, step by step, with what becomes of each row.

In:  a piece, who is alive in it, and the steps of the pass.
Out: per row of the piece the stage, rule and number by which it fell; the survivors; every number measured.
Guaranteed: the first failing rule counts; fallen documents are measured until the next edit, but edited no more.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.batch import DOCUMENT_SCHEMA, Batch, Edits, Judges
from filters.kernels.scans import Scans
from pipelines.dedup.exchanges import ExchangeStage
from pipelines.engine.job import RECORDS
from pipelines.engine.measured import StoredSignals, measure_missing, scatter
from pipelines.engine.pieces import Piece
from pipelines.engine.route import Step
from pipelines.engine.splits import Split

I64 = npt.NDArray[np.int64]


@dataclass
class Falls:
    """Why rows of a piece fell; None and NaN where they did not.

    Args:
        fate: object array of strings, one per row.
        stage: likewise.
        rule: likewise.
        value: float64, one per row.
    """

    fate: npt.NDArray[np.object_]
    stage: npt.NDArray[np.object_]
    rule: npt.NDArray[np.object_]
    value: npt.NDArray[np.float64]

    @classmethod
    def of(cls, count: int) -> "Falls":
        """Return falls of `count` rows that stand."""
        empty = np.full(count, None, object)
        return cls(empty, empty.copy(), empty.copy(), np.full(count, np.nan))


@dataclass
class Walk:
    """The state of a piece between two steps.

    Args:
        piece: the rows.
        alive: bool, one per row.
        falls: why rows fell in this pass.
        rows: offsets of the rows whose documents are at hand.
        documents: their columns, text included.
        signals: columns measured on the current text, and the documents' metadata, one value per document at hand.
        measured: per step, its signals, one value per row of the piece.
        scans: the words and lines of the current text that some step has asked for.
        component: smallest address of the component of each row that an exchange has linked to others, null elsewhere;
            None where no exchange did.
    """

    piece: Piece
    alive: npt.NDArray[np.bool_]
    falls: Falls
    rows: I64
    documents: pa.RecordBatch
    signals: dict[str, pa.Array]
    measured: dict[str, dict[str, pa.Array]] = field(default_factory=dict)
    scans: Scans | None = None
    component: pa.UInt64Array | None = None

    @classmethod
    def begin(
        cls, split: Split, piece: Piece, alive: npt.NDArray[np.bool_], chars: pa.Int64Array, falls: Falls
    ) -> "Walk":
        """Take up the documents of a piece that are alive; `chars` is the length of each row's text."""
        held = np.flatnonzero(alive[piece.rows])
        rows = piece.rows[held]
        documents = documents_of(split, piece, held)
        return cls(piece, alive.copy(), falls, rows, documents, _metadata(documents, chars.take(pa.array(rows))))

    def take(self, step: Step, stored: StoredSignals) -> None:
        """Do one step."""
        if step.kind == "measure":
            if isinstance(step.stage, ExchangeStage):
                self.narrow()
            self._measure(step, stored)
        elif isinstance(step.stage, Judges) and step.kind == "judge":
            self._judge(step, step.stage)
        elif isinstance(step.stage, Edits):
            self.narrow()
            self.replace_text(step.stage.edit(self._batch()))

    def _measure(self, step: Step, stored: StoredSignals) -> None:
        count = self.piece.records.num_rows
        known = self.measured.get(step.signals_key) or stored.take(step, count)
        if self.piece.text is None:
            columns = {name: values.take(pa.array(self.rows)) for name, values in known.items()}
        else:
            columns = dict(measure_missing(step, self._batch(), self.rows, known))
        self.signals.update(columns)
        self.signals.update({name + step.suffix: values for name, values in columns.items()})
        self.measured[step.signals_key] = {name: scatter(columns[name], self.rows, count) for name in sorted(columns)}

    def _judge(self, step: Step, stage: Judges) -> None:
        verdicts = stage.judge(self.signals)
        failed = np.flatnonzero(~verdicts.rule.is_null().to_numpy(zero_copy_only=False))
        failed = failed[self.alive[self.rows[failed]]]
        rows = self.rows[failed]
        self.alive[rows] = False
        self.falls.fate[rows] = "dropped"
        self.falls.stage[rows] = step.label
        self.falls.rule[rows] = verdicts.rule.take(pa.array(failed)).to_pylist()
        self.falls.value[rows] = verdicts.value.take(pa.array(failed)).to_numpy(zero_copy_only=False)

    def _batch(self) -> Batch:
        """Return the documents at hand, with the scans that were made of them."""
        if self.scans is None:
            self.scans = Scans(self.documents.column("text"))
        return Batch(self.documents, self.signals, self.scans)

    def narrow(self) -> None:
        """Let go of the documents that fell."""
        if self.alive[self.rows].all():
            return
        standing = np.flatnonzero(self.alive[self.rows])
        held = self._batch().take(standing)
        self.rows = self.rows[standing]
        self.documents, self.signals, self.scans = held.documents, dict(held.signals), held.scans

    def replace_text(self, text: pa.LargeStringArray) -> None:
        """Begin a new text version: numbers measured on the old one no longer count."""
        self.scans = None
        place = self.documents.schema.get_field_index("text")
        self.documents = self.documents.set_column(place, DOCUMENT_SCHEMA.field("text"), text)
        earlier = {name: values for name, values in self.signals.items() if "@" in name}
        self.signals = {**earlier, **_metadata(self.documents, pc.utf8_length(text).cast(pa.int64()))}


def _metadata(documents: pa.RecordBatch, chars: pa.Array) -> dict[str, pa.Array]:
    names = [name for name in documents.schema.names if name not in {"text", "address", "uid"}]
    return {**{name: documents.column(name) for name in names}, "chars": chars}


def documents_of(split: Split, piece: Piece, held: I64) -> pa.RecordBatch:
    """Return the documents of a piece whose places among its texts are `held`, in the columns of every batch."""
    rows = piece.rows[held]
    records = piece.records.take(pa.array(rows)).combine_chunks()
    text = pa.array([""], pa.large_string()).take(pa.array(np.zeros(len(rows), np.int64)))
    if piece.text is not None:
        text = piece.text if len(held) == len(piece.text) else piece.text.take(pa.array(held))
    address = np.uint64(split.number) << np.uint64(32) | (piece.first + rows).astype(np.uint64)
    source = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(rows), np.int16)), pa.array([split.source]))
    given = {"address": pa.array(address), "source": source, "text": text}
    known = {*DOCUMENT_SCHEMA.names, *RECORDS.names}
    schema = pa.schema([*DOCUMENT_SCHEMA, *(field for field in records.schema if field.name not in known)])
    arrays = [given[name] if name in given else _whole(records.column(name)) for name in schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.nulls(0, column.type)])
