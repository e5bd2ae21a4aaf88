"""Preview: a few documents of each source on their way through the map stages, with nothing written.

In:  a manifest.
Out: per document its signals, what every rule says of it, where it fell, and what editors changed of it.
Guaranteed: records are read, selected and taken through the steps by the code of a build; exchanges are only named, for
they need all documents, so a document that is kept here may still be a duplicate there.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.batch import Judges
from filters.verdicts import judge_by
from pipelines.audit.changes import Change, change_of
from pipelines.audit.overlay import Overlay
from pipelines.audit.wording import SIGNS, Ruled, number, stage_words
from pipelines.engine.inputs import plan_splits
from pipelines.engine.job import Holding, Job
from pipelines.engine.measured import StoredSignals, scatter
from pipelines.engine.pieces import Piece, SourceReading
from pipelines.engine.route import Pass, Step, route_of
from pipelines.engine.splits import Split
from pipelines.engine.texts import Entry
from pipelines.engine.walk import Falls, Walk
from pipelines.errors import RequestError
from pipelines.manifest import Manifest
from pipelines.refusals import nearest
from pipelines.where import Where

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
    """

    stage: str
    rule: str
    words: str
    passes: bool


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
        notes: in order, what every rule says of it, up to the stage where it fell, and what editors changed.
    """

    id: str
    place: str
    text: str
    fate: str = "kept"
    stage: str = ""
    rule: str = ""
    signals: dict[str, float] = field(default_factory=dict)
    notes: list[Check | Change] = field(default_factory=list)


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
    if source is not None and source not in manifest.sources:
        raise RequestError(f"--source {source}: the manifest has no such source; {nearest(source, manifest.sources)}")
    wanted = {name: manifest.sources[name] for name in sorted(manifest.sources) if source in (None, name)}
    splits = plan_splits(wanted, manifest.split_bytes)
    job = Job(Overlay(), manifest, "")
    return [_preview(job, name, [split for split in splits if split.source == name], documents) for name in wanted]


def _preview(job: Job, source: str, splits: Sequence[Split], wanted: int) -> SourcePreview:
    route = route_of(job.manifest, source)
    exchanges = [stage_words(work.exchange_label, work.exchange) for work in route if work.exchange is not None]
    seen = SourcePreview(source, tuple(exchanges))
    for split, piece in _pieces(job, splits):
        walk = Entry(job, Holding(split)).begin(piece)
        chosen = walk.rows[: wanted - len(seen.documents)]
        last = piece.records.num_rows if len(chosen) == len(walk.rows) else int(chosen[-1]) + 1
        seen.passed_over.update(fate for fate in walk.falls.fate[:last].tolist() if fate is not None)
        seen.documents += _Trial(job, split, piece, chosen).run(route)
        if len(seen.documents) >= wanted:
            break
    return seen


def _pieces(job: Job, splits: Sequence[Split]) -> Iterator[tuple[Split, Piece]]:
    """Yield pieces of a source until enough records were read."""
    read = 0
    for split in splits:
        for piece in SourceReading(job, split):
            yield split, piece
            read += piece.records.num_rows
            if read >= MOST_READ:
                return


class _Trial:
    """Takes some documents of a piece through the passes of a route, and notes what happens to each."""

    def __init__(self, job: Job, split: Split, piece: Piece, rows: npt.NDArray[np.int64]) -> None:
        self._split = split
        self._piece = piece
        self._stored = StoredSignals(job, "")
        count = piece.records.num_rows
        self._alive = np.isin(np.arange(count), rows)
        self._chars = piece.records.column("chars").combine_chunks()
        self.documents = {row: self._sighting(row) for row in rows.tolist()}

    def _sighting(self, row: int) -> Sighting:
        record = self._piece.records.slice(row, 1).to_pylist()[0]
        place = f"{self._split.source}/{self._split.file.path}:{record['ordinal']}"
        text = "" if self._piece.text is None else self._piece.text[row].as_py()
        return Sighting(record["id"], place, text)

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
        if step.kind == "measure":
            self._stored.open(step)
            walk.take(step, self._stored)
            self._note_signals(walk, step)
        elif step.kind == "judge":
            self._note_checks(walk, step)
            walk.take(step, self._stored)
        else:
            walk.narrow()
            before = walk.documents.column("text")
            walk.take(step, self._stored)
            self._note_changes(walk, step.label, before)

    def _note_signals(self, walk: Walk, step: Step) -> None:
        """Note the numbers of a step; keys of exchanges (uint64) are no signals."""
        for name, values in walk.measured[step.signals_key].items():
            if values.type != pa.uint64():
                for row in walk.rows.tolist():
                    self.documents[row].signals[name + step.suffix] = values[row].as_py()

    def _note_checks(self, walk: Walk, step: Step) -> None:
        """Note what the rules of a stage say of every document that stands before it."""
        for check, passes in _checks(walk, step):
            for at, row in enumerate(walk.rows.tolist()):
                if walk.alive[row]:
                    found = Check(step.label, check, _words(walk, step, check, at), passes[at])
                    self.documents[row].notes.append(found)

    def _note_changes(self, walk: Walk, label: str, before: pa.LargeStringArray) -> None:
        texts = zip(before.to_pylist(), walk.documents.column("text").to_pylist(), strict=True)
        for row, (old, new) in zip(walk.rows.tolist(), texts, strict=True):
            if old != new:
                self.documents[row].notes.append(change_of(label, old, new))

    def _note_falls(self, walk: Walk) -> None:
        for row, document in self.documents.items():
            if walk.falls.fate[row] is not None:
                document.fate, document.stage = walk.falls.fate[row], walk.falls.stage[row]
                document.rule = walk.falls.rule[row]


def _checks(walk: Walk, step: Step) -> Iterator[tuple[str, list[bool]]]:
    """Yield each rule of a stage, and whether each document at hand passes it; of other stages the whole verdict."""
    stage = step.stage
    if isinstance(stage, Ruled):
        for rule in stage.rules:
            yield rule.name, judge_by([rule], walk.signals).rule.is_null().to_pylist()
    elif isinstance(stage, Judges):
        yield step.label, stage.judge(walk.signals).rule.is_null().to_pylist()


def _words(walk: Walk, step: Step, name: str, at: int) -> str:
    """Return the number that a rule looks at and what it asks of it."""
    stage = step.stage
    if isinstance(stage, Ruled):
        rule = next(rule for rule in stage.rules if rule.name == name)
        if rule.limit is None:
            return "turned off"
        return f"{number(walk.signals[rule.signal][at].as_py())} {SIGNS[rule.bound]} {number(rule.limit)}"
    if isinstance(stage, Where):
        values = {name: walk.signals[name][at].as_py() for name in stage.names}
        return f"{stage.expression} ({', '.join(f'{name} {_shown(value)}' for name, value in values.items())})"
    return ""


def _shown(value: object) -> str:
    return number(value) if isinstance(value, int | float) else str(value)
