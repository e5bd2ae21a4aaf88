"""The map task: one pass over one split.

In:  a split, what earlier passes left of it, and the steps of this pass.
Out: row-aligned parts (records, signals, the delta of fates), and of survivors their text where the next pass needs
     it, their exchange rows and their token runs; one receipt.
Guaranteed: what is written depends on the split and the steps alone; an unread text is never measured.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.dedup.exchanges import Standing
from pipelines.engine.compiling import compile_encoder
from pipelines.engine.fit import load_fitted_encoder
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.measured import StoredSignals, known_everywhere
from pipelines.engine.outputs import OutputPlan, Outputs
from pipelines.engine.pieces import Piece, record_pieces
from pipelines.engine.ready import ready
from pipelines.engine.receipts import Receipt
from pipelines.engine.recording import Records, records_key
from pipelines.engine.route import Pass, Step
from pipelines.engine.selection import selecting_options
from pipelines.engine.texts import Entry, texts_wanted
from pipelines.engine.walk import Walk
from pipelines.tokens.columns import columns_of
from pipelines.tokens.marks import NO_MARKS, marks_of
from pipelines.tokens.runs import RUNS_VERSION


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
        selection = [selecting_options(source, job.manifest.seed)] if first else [self.holding.mask]
        ending = [self.work.exchange_identity, self.standing.position, self.standing.exempt, *self._components()]
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
                *self._tokenizing(),
            ]
        )

    def _tokenizing(self) -> list[object]:
        """Return what decides the token runs: the tokenizer, and where there is one, what a part of them holds."""
        return [self.encoder_hash, RUNS_VERSION] if self.encoder_hash else [self.encoder_hash]

    def _components(self) -> list[str | None]:
        """Return the part that says how documents are linked, where the exchange asks for it."""
        return [self.holding.components] if self.work.round else []

    @property
    def edited(self) -> bool:
        """Whether the survivors' text may differ from what was read."""
        return self.work.edits or self.holding.cuts is not None

    def output_plan(self, job: Job, *, covered: bool) -> OutputPlan:
        """Return what the task writes; a task that is `covered` reads no text, and so writes none."""
        encoder = load_fitted_encoder(job, self.encoder) if self.encoder is not None else None
        key, records = self.key(job), records_key(job, self.holding)
        keeps_text = self.keeps_text and not covered
        source = job.manifest.sources[self.holding.split.source]
        columns = columns_of([source]) if encoder is not None else ()
        marks = marks_of(source.layout.chat, encoder.about) if encoder is not None else NO_MARKS
        if encoder is not None:
            compile_encoder(encoder, columns)
        return OutputPlan(key, records, self.work, self.standing, encoder, columns, marks, keeps_text, self.edited)

    def part(self, job: Job) -> str:
        """Return the path of the part whose receipt says that the task is done."""
        return f"work/deltas/{self.key(job)}.parquet"


def run_map(job: Job, task: MapTask) -> Receipt:
    """Run the pass and return its receipt."""
    records = Records(job, task.holding)
    stored = StoredSignals(job, records.key)
    covered = records.known is not None and _covered(job, task, records.part, stored)
    with Outputs(job, task.output_plan(job, covered=covered)) as outputs:
        with records:
            wanted = texts_wanted(job, task.holding, linked=task.work.looks_at_linked)
            pieces = record_pieces(job, records.part) if covered else records.pieces(wanted)
            for walk in walks(job, task, pieces, stored):
                outputs.add(walk)
        return outputs.save(records.part, [records.content])


def walks(job: Job, task: MapTask, pieces: Iterable[Piece], stored: StoredSignals) -> Iterator[Walk]:
    """Take every piece of the split through the steps."""
    entry = Entry(job, task.holding)
    for step in task.work.measures:
        stored.open(step)
    for piece in pieces:
        walk = entry.begin(piece)
        for step in task.work.steps:
            numbers_alone = piece.text is None and step.kind == "measure"
            walk.take(step if numbers_alone else ready(job, step), stored)
        yield walk


def _covered(job: Job, task: MapTask, records: str, stored: StoredSignals) -> bool:
    """Whether the pass can do without the text: every number it needs was stored by an earlier build."""
    work = task.work
    if work.edits or work.reads_text or task.encoder is not None or task.holding.cuts is not None:
        return False
    for step in work.measures:
        stored.open(step)
    entry = Entry(job, task.holding)
    return all(_piece_covered(entry, piece, work.measures, stored) for piece in record_pieces(job, records))


def _piece_covered(entry: Entry, piece: Piece, steps: Sequence[Step], stored: StoredSignals) -> bool:
    rows = np.flatnonzero(entry.begin(piece).alive)
    known = [stored.take(step, piece.records.num_rows) for step in steps]
    return all(known_everywhere(columns, rows) for columns in known)
