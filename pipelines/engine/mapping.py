"""The map task: one pass over one split.

In:  a split, what earlier passes left of it, and the steps of this pass.
Out: row-aligned parts (records, signals, the delta of fates), and of survivors their text where the next pass needs
     it, their exchange rows and their token runs; one receipt.
Guaranteed: what is written depends on the split and the steps alone; an unread text is never measured.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

import numpy as np

from pipelines.dedup.exchanges import Standing
from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.measured import StoredSignals, known_everywhere
from pipelines.engine.outputs import OutputPlan, Outputs
from pipelines.engine.parts import PartWriter
from pipelines.engine.pieces import Piece, SourceReading, part_pieces, record_pieces, records_schema
from pipelines.engine.receipts import Receipt, load_receipt, save_receipt
from pipelines.engine.route import Pass, Step
from pipelines.engine.selection import reading_options, selecting_options
from pipelines.engine.texts import Entry
from pipelines.engine.walk import Walk


@dataclass(frozen=True)
class MapTask:
    """One pass over one split.

    Args:
        holding: the split, and what earlier passes left of it.
        work: what the pass does.
        standing: what the manifest says of the source in the exchange that ends the pass.
        keeps_text: whether a later pass will want the survivors' text.
        encoder: part with the tokenizer, where the pass tokenizes.
        encoder_hash: the tokenizer's identity.
    """

    holding: Holding
    work: Pass
    standing: Standing
    keeps_text: bool
    encoder: str | None
    encoder_hash: str

    def key(self, job: Job) -> str:
        """Return the part key: all that decides what the task writes."""
        source = job.manifest.sources[self.holding.split.source]
        first = self.holding.records is None
        selection = [job.manifest.seed, selecting_options(source)] if first else [self.holding.mask]
        ending = [self.work.exchange_identity, self.standing.position, self.standing.exempt]
        steps = [step.identity for step in self.work.steps]
        return key_of(
            [
                records_key(job, self.holding),
                selection,
                self.holding.text,
                self.holding.cuts,
                steps,
                ending,
                self.keeps_text,
                self.encoder_hash,
            ]
        )

    @property
    def edited(self) -> bool:
        """Whether the survivors' text may differ from what was read."""
        return self.work.edits or self.holding.cuts is not None

    def output_plan(self, job: Job) -> OutputPlan:
        """Return what the task writes."""
        encoder = load_fitted_encoder(job, self.encoder) if self.encoder is not None else None
        key, split_key = self.key(job), self.holding.split.key
        return OutputPlan(key, split_key, self.work, self.standing, encoder, self.keeps_text, self.edited)

    def part(self, job: Job) -> str:
        """Return the path of the part whose receipt says that the task is done."""
        return f"work/deltas/{self.key(job)}.parquet"


def records_key(job: Job, holding: Holding) -> str:
    """Return the key of a split's records: the split and how its source is read."""
    source = job.manifest.sources[holding.split.source]
    return key_of(["records", holding.split.key, reading_options(source)])


def run_map(job: Job, task: MapTask) -> Receipt:
    """Run the pass and return its receipt."""
    with Outputs(job, task.output_plan(job)) as outputs:
        with _Records(job, task.holding) as records:
            for walk in _walks(job, task, records):
                outputs.add(walk)
        return outputs.save(records.part, [records.content])


class _Records:
    """The split's records part: written by the first reading, and what later readings are checked against."""

    def __init__(self, job: Job, holding: Holding) -> None:
        self.part = f"work/records/{records_key(job, holding)}.parquet"
        self.known = load_receipt(job.storage, self.part)
        self._job = job
        self._schema = records_schema(job, holding.split.source)
        self._writer: PartWriter | None = None
        self._reading: SourceReading | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self.known is None:
            self._writer = self._stack.enter_context(PartWriter(self._job.storage, self.part, self._schema))
        return self

    def __exit__(self, *error: object) -> None:
        kind, value, trace = error
        self._stack.__exit__(kind, value, trace)  # type: ignore[arg-type]
        if kind is None and self._writer is not None and self._reading is not None:
            writer, info = self._writer, {"reading": self._reading.digest()}
            receipt = Receipt(writer.part, writer.files, writer.content, {"rows": writer.rows}, info)
            self.known = save_receipt(self._job.storage, receipt)

    @property
    def content(self) -> str:
        return self.known.content if self.known is not None else ""

    def read(self, reading: SourceReading) -> Iterator[Piece]:
        """Pass a reading of the source through: write its records, or check that it says what was said before."""
        self._reading = reading
        for piece in reading:
            if self._writer is not None:
                self._writer.add(piece.records)
            yield piece
        if self.known is not None:
            reading.check(str(self.known.info["reading"]))


def _walks(job: Job, task: MapTask, records: _Records) -> Iterator[Walk]:
    """Take every piece of the split through the steps."""
    stored = StoredSignals(job, task.holding.split.key)
    covered = records.known is not None and _covered(job, task, records.part, stored)
    pieces = record_pieces(job, records.part) if covered else _text_pieces(job, task.holding, records)
    entry = Entry(job, task.holding)
    steps = [step for step in task.work.steps if step.kind == "measure"]
    for step in steps:
        stored.open(step)
    for piece in pieces:
        alive, falls = entry.take(piece)
        walk = Walk.begin(task.holding.split, piece, alive, falls)
        entry.cut(walk)
        for step in task.work.steps:
            walk.take(step, stored)
        yield walk


def _text_pieces(job: Job, holding: Holding, records: _Records) -> Iterable[Piece]:
    if holding.texts is not None and records.known is not None:
        return part_pieces(job, records.part, holding.texts, records.known.counts["rows"])
    return records.read(SourceReading(job, holding.split))


def _covered(job: Job, task: MapTask, records: str, stored: StoredSignals) -> bool:
    """Whether the pass can do without the text: every number it needs was stored by an earlier build."""
    work = task.work
    if work.edits or task.encoder is not None or task.holding.cuts is not None:
        return False
    steps = [step for step in work.steps if step.kind == "measure"]
    for step in steps:
        stored.open(step)
    entry = Entry(job, task.holding)
    return all(_piece_covered(entry, piece, steps, stored) for piece in record_pieces(job, records))


def _piece_covered(entry: Entry, piece: Piece, steps: list[Step], stored: StoredSignals) -> bool:
    alive, _ = entry.take(piece)
    rows = np.flatnonzero(alive)
    known = [stored.take(step, piece.records.num_rows) for step in steps]
    return all(known_everywhere(columns, rows) for columns in known)
