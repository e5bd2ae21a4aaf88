"""Preview: a few documents of each source on their way through the map stages, with nothing written.

In:  a manifest.
Out: per document its signals, what every rule says of it, where it fell, and what editors changed of it.
Guaranteed: records are read, selected and taken through the steps by the code of a build; exchanges are only named, for
they need all documents, so a document that is kept here may still be a duplicate there.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.batch import Columns, Judges, role_of
from filters.fitting import NamesSignals
from filters.verdicts import Rule, judge_by
from pipelines.audit.changes import Change, change_of
from pipelines.audit.overlay import Overlay
from pipelines.audit.wording import SIGNS, Ruled, number, shown, stage_words
from pipelines.dedup.exchanges import KEY_TYPES
from pipelines.engine.inputs import plan_splits
from pipelines.engine.job import Holding, Job
from pipelines.engine.measured import StoredSignals, scatter
from pipelines.engine.pieces import Piece, source_pieces
from pipelines.engine.ready import ready
from pipelines.engine.route import Pass, Step, route_of
from pipelines.engine.sealing import bring_inputs
from pipelines.engine.splits import Split
from pipelines.engine.texts import Entry
from pipelines.engine.walk import Falls, Walk
from pipelines.errors import RequestError
from pipelines.manifest import Manifest
from pipelines.refusals import nearest
from pipelines.where import Where

Value: TypeAlias = float | str | list[float] | None
"""What a signal is: a number, a label, a number for every line; None where it was not measured."""

MOST_READ = 100_000
"""Records of a source that are looked at for documents that take part."""


@dataclass(frozen=True)
class Check:
    """What one rule says of a document.

    Args:
        stage: the stage's name.
        rule: the rule's name.
        words: the number and what is asked of it.
        passes: whether the document passes.
        numbers: the signals that it looks at, with their values.
        asked: what is asked of them.
    """

    stage: str
    rule: str
    words: str
    passes: bool
    numbers: tuple[tuple[str, Value], ...] = field(default=(), compare=False)
    asked: str = field(default="", compare=False)


@dataclass(frozen=True)
class Reading:
    """A number that a stage measured on a document.

    Args:
        stage: the stage's name.
        name: as in the ledger.
        value: the number.
    """

    stage: str
    name: str
    value: Value


@dataclass
class Sighting:
    """A document on its way.

    Args:
        id: as in the ledger.
        place: the document as `source/path:ordinal`.
        text: as its source gives it.
        fate: "kept" as far as map stages can tell, or "dropped".
        stage: where it fell.
        rule: the first rule that failed.
        signals: name in the ledger -> number.
        notes: in order, what every rule says of it, up to the stage where it fell, and what editors changed; of a
            document that is looked at alone, also behind that stage, and each number where it was measured.
    """

    id: str
    place: str
    text: str
    fate: str = "kept"
    stage: str = ""
    rule: str = ""
    signals: dict[str, Value] = field(default_factory=dict)
    notes: list[Check | Change | Reading] = field(default_factory=list)


@dataclass
class SourcePreview:
    """Some documents of a source.

    Args:
        source: its name.
        documents: the first that take part.
        passed_over: fates of the records before them that do not take part, and how many.
        exchanges: those that its documents would come to, in order.
    """

    source: str
    exchanges: tuple[str, ...] = ()
    documents: list[Sighting] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def preview(manifest: Manifest, documents: int = 5, source: str | None = None) -> list[SourcePreview]:
    """Take the first documents of each source, or of one, through every map stage.

    Raises:
        RequestError: the manifest has no such source.
    """
    job, splits = trial_job(manifest, source)
    return [_preview(job, name, splits[name], documents) for name in splits]


def trial_job(manifest: Manifest, source: str | None) -> tuple[Job, dict[str, list[Split]]]:
    """Return a build of which nothing is written, and the splits of each source, or of one.

    Raises:
        RequestError: the manifest has no such source.
    """
    if source is not None and source not in manifest.sources:
        raise RequestError(f"--source {source}: the manifest has no such source; {nearest(source, manifest.sources)}")
    wanted = {name: manifest.sources[name] for name in sorted(manifest.sources) if source in (None, name)}
    splits = plan_splits(wanted, manifest.split_bytes)
    job = Job(Overlay(), manifest, "")
    bring_inputs(job.storage, [entry.stage for entry in manifest.stages])
    return job, {name: [split for split in splits if split.source == name] for name in wanted}


def _preview(job: Job, source: str, splits: Sequence[Split], wanted: int) -> SourcePreview:
    route = route_of(job.manifest, source)
    seen = SourcePreview(source, exchanges_of(route))
    for split, piece in first_pieces(job, splits):
        walk = Entry(job, Holding(split)).begin(piece)
        chosen = walk.rows[: wanted - len(seen.documents)]
        last = piece.records.num_rows if len(chosen) == len(walk.rows) else int(chosen[-1]) + 1
        seen.passed_over.update(fate for fate in walk.falls.fate[:last].tolist() if fate is not None)
        seen.documents += Trial(job, split, piece, chosen).run(route)
        if len(seen.documents) >= wanted:
            break
    return seen


def exchanges_of(route: Sequence[Pass]) -> tuple[str, ...]:
    """Return the exchanges that documents come to, in words."""
    return tuple(stage_words(work.exchange_label, work.exchange) for work in route if work.exchange is not None)


def first_pieces(job: Job, splits: Sequence[Split]) -> Iterator[tuple[Split, Piece]]:
    """Yield pieces of a source until enough records were read."""
    read = 0
    for split in splits:
        for piece in source_pieces(job, split):
            yield split, piece
            read += piece.records.num_rows
            if read >= MOST_READ:
                return


def sighting_of(split: Split, piece: Piece, row: int) -> Sighting:
    """Return a document as its source gives it."""
    record = piece.records.slice(row, 1).to_pylist()[0]
    place = f"{split.source}/{split.file.path}:{record['ordinal']}"
    return Sighting(record["id"], place, "" if piece.text is None else piece.text[row].as_py() or "")


class Trial:
    """Takes some documents of a piece through the passes of a route, and notes what happens to each.

    Args:
        job: a build of which nothing is written.
        split: where the documents are.
        piece: some of its records.
        rows: of the piece, those of the documents.
        whole: go on with a document that fell, as if it stood, and note its numbers among the rest.
    """

    def __init__(
        self, job: Job, split: Split, piece: Piece, rows: npt.NDArray[np.int64], *, whole: bool = False
    ) -> None:
        self._job = job
        self._whole = whole
        self._split = split
        self._piece = piece
        self._stored = StoredSignals(job, "")
        count = piece.records.num_rows
        self._alive = np.isin(np.arange(count), rows)
        self._chars = piece.records.column("chars").combine_chunks()
        self.documents = {row: sighting_of(split, piece, row) for row in rows.tolist()}

    def run(self, route: Sequence[Pass]) -> list[Sighting]:
        """Take the documents through all passes."""
        for work in route:
            self._pass(work)
        return list(self.documents.values())

    def _pass(self, work: Pass) -> None:
        """Take the documents through one pass, and hold on to what it leaves, as the next pass would find it."""
        count = self._piece.records.num_rows
        walk = Walk.begin(self._split, self._piece, self._alive, self._chars, Falls.of(count))
        for step in work.steps:
            self._step(walk, step)
        self._note_falls(walk)
        walk.narrow()
        self._alive, self._chars = walk.alive, scatter(walk.signals["chars"], walk.rows, count)
        self._piece = Piece(self._piece.first, self._piece.records, walk.rows, walk.documents.column("text"))

    def _step(self, walk: Walk, step: Step) -> None:
        if step.waits:
            self._wait(walk, step)
            return
        step = ready(self._job, step)
        if step.kind == "measure":
            self._stored.open(step)
            walk.take(step, self._stored)
            self._note_signals(walk, step)
        elif step.kind == "judge":
            self._note_checks(walk, step)
            walk.take(step, self._stored)
            if self._whole:
                self._note_falls(walk)
                walk.alive[walk.rows] = True
        else:
            walk.narrow()
            before = walk.documents.column("text")
            walk.take(step, self._stored)
            self._note_changes(walk, step.label, before)

    def _wait(self, walk: Walk, step: Step) -> None:
        """Pass over a step that works with what is fitted to all documents; its numbers are not measured here."""
        if step.kind == "measure" and isinstance(step.stage, NamesSignals):
            for name, signal in step.stage.signals.items():
                nothing = pa.nulls(len(walk.rows), signal.dtype)
                walk.signals |= {name: nothing, f"{name}{step.suffix}": nothing}
        for row in walk.rows[walk.alive[walk.rows]].tolist():
            words = "is not known before a build has seen all documents"
            self.documents[row].notes.append(Check(step.label, step.fit, words, passes=True))

    def _note_signals(self, walk: Walk, step: Step) -> None:
        """Note the numbers of a step; keys of exchanges (`KEY_TYPES`) are no signals."""
        for name, values in walk.measured[step.signals_key].items():
            if values.type not in KEY_TYPES:
                for row in walk.rows.tolist():
                    self._note_signal(self.documents[row], step.label, name + step.suffix, values[row].as_py())

    def _note_signal(self, document: Sighting, stage: str, name: str, value: Value) -> None:
        document.signals[name] = value
        if self._whole:
            document.notes.append(Reading(stage, name, value))

    def _note_checks(self, walk: Walk, step: Step) -> None:
        """Note what the rules of a stage say of every document that stands before it."""
        for at, row in enumerate(walk.rows.tolist()):
            if walk.alive[row]:
                seen = {name: values.slice(at, 1) for name, values in walk.signals.items()}
                self.documents[row].notes += _checks(step, seen)

    def _note_changes(self, walk: Walk, label: str, before: pa.LargeStringArray) -> None:
        texts = zip(before.to_pylist(), walk.documents.column("text").to_pylist(), strict=True)
        for row, (old, new) in zip(walk.rows.tolist(), texts, strict=True):
            if old != new:
                self.documents[row].notes.append(change_of(label, old, new))

    def _note_falls(self, walk: Walk) -> None:
        for row, document in self.documents.items():
            if walk.falls.fate[row] is not None and document.fate == "kept":
                document.fate, document.stage = walk.falls.fate[row], walk.falls.stage[row]
                document.rule = walk.falls.rule[row]


def _checks(step: Step, signals: Columns) -> Iterator[Check]:
    """Yield what each rule of a stage says of one document; of other stages, the whole verdict."""
    stage = step.stage
    if isinstance(stage, Ruled):
        yield from (_check(step, rule, signals) for rule in stage.rules)
        yield from _labels(step, signals)
    elif isinstance(stage, Judges):
        yield _verdict(step, stage, signals)


def _labels(step: Step, signals: Columns) -> Iterator[Check]:
    """Yield what a stage says of a document's labels, where an option lists those that it keeps."""
    stage = step.stage
    measured = [name for name in stage.measured if name in signals and pa.types.is_string(signals[name].type)]
    numbers = tuple((f"{name}{step.suffix}", cast("Value", signals[name][0].as_py())) for name in measured)
    for name, info in type(stage).model_fields.items():
        wanted = getattr(stage, name)
        if isinstance(wanted, tuple) and role_of(info) == "judging" and isinstance(stage, Judges):
            passes = stage.judge(signals).rule[0].as_py() != name
            asked = f"one of {', '.join(map(str, wanted))}"
            words = f"{', '.join(shown(value) for _, value in numbers)}: {asked}"
            yield Check(step.label, name, words, passes, numbers, asked)


def _check(step: Step, rule: Rule, signals: Columns) -> Check:
    """Return what a bound says of a document."""
    value = signals[rule.signal][0].as_py()
    numbers = ((f"{rule.signal}{step.suffix}", value),)
    if rule.limit is None:
        return Check(step.label, rule.name, "turned off", passes=True, numbers=numbers, asked="turned off")
    passes = not judge_by([rule], signals).rule.is_valid()[0].as_py()
    exempt = "" if rule.exempt is None else f" or {number(rule.exempt)}"
    asked = f"{SIGNS[rule.bound]} {number(rule.limit)}{exempt}"
    return Check(step.label, rule.name, f"{shown(value)} {asked}", passes, numbers, asked)


def _verdict(step: Step, stage: Judges, signals: Columns) -> Check:
    """Return what a stage without bounds says of a document."""
    passes = not stage.judge(signals).rule.is_valid()[0].as_py()
    if not isinstance(stage, Where):
        return Check(step.label, step.label, "", passes)
    numbers = tuple((name, cast("Value", signals[name][0].as_py())) for name in stage.names)
    words = f"{stage.expression} ({', '.join(f'{name} {shown(value)}' for name, value in numbers)})"
    return Check(step.label, step.label, words, passes, numbers, stage.expression)
