"""One split, judged again: its passes walked over kept numbers, as a build with other thresholds would.

In:  what each pass left of a split, the stages as they were and as they would be.
Out: per record who stands, by which stage and rule the others fall, and for whom that is open.
Guaranteed: where nothing changed the old verdict holds without a number being read; no Python object per document.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.batch import Judges
from pipelines.audit.replay import Leg
from pipelines.audit.whatif_numbers import I64, Bools, Numbers, Shelf, filled
from pipelines.audit.whatif_verdicts import Judged, judged
from pipelines.audit.wording import Ruled
from pipelines.dedup.exchanges import ExchangeStage, rounds_of
from pipelines.engine.job import Job
from pipelines.engine.parts import read_part
from pipelines.engine.ready import ready
from pipelines.engine.recording import records_key
from pipelines.engine.route import Step
from pipelines.engine.splits import Split
from pipelines.manifest import Manifest, StageEntry
from pipelines.where import Where

Codes: TypeAlias = npt.NDArray[np.int16]
F64: TypeAlias = npt.NDArray[np.float64]
U64: TypeAlias = npt.NDArray[np.uint64]

STANDS = -1
"""Code of a document that did not fall."""


@dataclass(frozen=True)
class Bench:
    """The judges of one source, in order.

    Args:
        old: the manifest's stages as they were.
        new: as they would be.
        judges: numbers of the stages that judge documents of the source.
    """

    old: Sequence[StageEntry]
    new: Sequence[StageEntry]
    judges: tuple[int, ...]

    @classmethod
    def of(cls, old: Manifest, new: Manifest, source: str) -> "Bench":
        """Return the judges of a source's documents."""
        applied = (at for at, entry in enumerate(old.stages) if old.applies(entry, source))
        stages = ((at, old.stages[at].stage) for at in applied)
        judges = (at for at, stage in stages if isinstance(stage, Judges) and not isinstance(stage, ExchangeStage))
        return cls(old.stages, new.stages, tuple(judges))

    def place_of(self, stage: object) -> int:
        """Return the number of a stage of the new manifest."""
        return next(at for at, entry in enumerate(self.new) if _is_round_of(stage, entry.stage))

    def changed(self, at: int) -> bool:
        """Tell whether a stage would judge otherwise."""
        return self.old[at].stage != self.new[at].stage


def _is_round_of(exchange: object, stage: object) -> bool:
    return exchange is stage or (isinstance(stage, ExchangeStage) and exchange in rounds_of(stage)[1:])


@dataclass
class Book:
    """Codes of (stage, rule), given as they come."""

    rules: list[tuple[int, str]] = field(default_factory=list)
    _codes: dict[tuple[int, str], int] = field(default_factory=dict)

    def codes(self, at: int, rules: pa.StringArray) -> Codes:
        """Return a code for each rule of a stage."""
        encoded = rules.dictionary_encode()
        known = np.array([self._code(at, rule) for rule in encoded.dictionary.to_pylist()], np.int16)
        codes: Codes = known[encoded.indices.to_numpy(zero_copy_only=False)]
        return codes

    def _code(self, at: int, rule: str) -> int:
        if (at, rule) not in self._codes:
            self._codes[at, rule] = len(self.rules)
            self.rules.append((at, rule))
        return self._codes[at, rule]


class Delta:
    """What a pass once said of a split's records.

    Args:
        job: the build.
        part: path of the delta part.
    """

    def __init__(self, job: Job, part: str) -> None:
        table = read_part(job.storage, part, ["alive", "fate", "stage", "rule", "value", "chars"])
        columns = {name: table.column(name).combine_chunks() for name in table.schema.names}
        self.alive: Bools = columns["alive"].to_numpy(zero_copy_only=False)
        self.dropped = _equal(columns["fate"], "dropped")
        self.chars: pa.Array = columns["chars"]
        self.rule: pa.Array = columns["rule"]
        self.value: pa.Array = columns["value"]
        self._stage: pa.Array = columns["stage"]
        self._unclaimed = self.dropped.copy()

    def fell_by(self, name: str) -> Bools:
        """Return which documents that nobody claimed yet fell by a stage of this name."""
        return self._unclaimed & _equal(self._stage, name)

    def claim(self, fell: Bools) -> None:
        """Say that it is found out where these documents fell."""
        self._unclaimed &= ~fell


def _equal(values: pa.Array, text: str) -> Bools:
    same: Bools = pc.equal(values, text).fill_null(False).to_numpy(zero_copy_only=False)
    return same


def _alike(one: StageEntry, other: StageEntry) -> bool:
    """Tell whether the ledger says the same of documents that fall by either of two stages."""
    if isinstance(one.stage, Where) and isinstance(other.stage, Where):
        return one.stage.expression == other.stage.expression
    return one.name == other.name


@dataclass(frozen=True)
class Gap:
    """Why what becomes of some documents is open.

    Args:
        at: number of the stage that cannot tell.
        kind: a `number` was not measured on them; an exchange never compared these `newcomers`; it dropped these
            `copies` of one that would leave; or a `fit` was made from other documents than it would be.
        name: of the number.
    """

    at: int
    kind: Literal["number", "newcomers", "copies", "fit"]
    name: str = ""


class SplitWalk:
    """A split on its way through the passes, as they were and as they would be.

    Args:
        job: the build.
        split: the split.
        legs: what each pass left of it; their tasks are those of the new stages.
        bench: the judges.

    Attributes:
        alive: who stands, as it would be.
        stood: who stood at the same place, as it was.
        numbers: what was measured, as the end of the last pass sees it.
        fits: name of a fit -> the stage that would work with another one than it did.
        undecided: for whom of these that is open.
        before: code of the stage and rule by which each document fell, as it was; `STANDS` where none.
        after: the same, as it would be.
        gaps: what is missing -> rows that lack it.
        values: rows that did not fall where they now do, and the numbers by which they do.
    """

    def __init__(self, job: Job, split: Split, legs: Sequence[Leg], bench: Bench) -> None:
        self.split = split
        self.legs = legs
        self.book = Book()
        self.gaps: dict[Gap, list[I64]] = {}
        self.values: list[tuple[I64, F64]] = []
        self.fits: dict[str, Judges] = {}
        self.records = f"work/records/{records_key(job, legs[0].task.holding)}.parquet"
        self._job = job
        self.bench = bench
        self._judges = iter(bench.judges)
        self._shelf = Shelf(job, split.source, self.records)
        self._chars = self._shelf.record("chars")
        self.numbers = Numbers(self._shelf, self._chars)
        first = Delta(job, legs[0].delta)
        self.takes_part = first.alive | first.dropped
        self.stood = self.takes_part
        self.alive = self.stood.copy()
        self.undecided = np.zeros(self._shelf.count, np.bool_)
        self.before = np.full(self._shelf.count, STANDS, np.int16)
        self.after = self.before.copy()

    def open_for(self, gap: Gap) -> int:
        """Return how many documents a gap leaves open: those that stand, or where others hang on them, all."""
        rows = np.unique(np.concatenate(self.gaps.get(gap, [np.empty(0, np.int64)])))
        return int(self.alive[rows].sum()) if gap.kind == "number" else len(rows)

    def walk(self, number: int) -> None:
        """Take the records through a pass."""
        task = self.legs[number].task
        steps, delta = task.work.steps, Delta(self._job, self.legs[number].delta)
        chars = self._chars if task.holding.cuts is None else _lengths(steps, delta)
        self.numbers = Numbers(self._shelf, chars)
        judges = list(islice(self._judges, sum(step.kind == "judge" for step in steps)))
        for place, step in enumerate(steps):
            if step.kind == "measure":
                self.numbers.measure(step)
            elif step.kind == "edit":
                self.numbers.edit(_lengths(steps[place + 1 :], delta))
            else:
                self._judge(step, judges.pop(0), judges, delta)
        self.stood, self._chars = delta.alive, delta.chars

    def _judge(self, step: Step, at: int, later: Sequence[int], delta: Delta) -> None:
        """Let a stage judge: those of whom it once did, as it did; the others, or all if it is changed, anew."""
        fell = self._fell(step, at, later, delta)
        self._note(self.before, at, np.flatnonzero(fell), delta.rule)
        changed = self.bench.changed(at) or step.fit in self.fits
        told = np.zeros(len(fell), np.bool_) if changed else self.stood
        self._drop(at, np.flatnonzero(self.alive & told & fell), delta.rule, delta.value)
        asked = self.alive & ~told
        if asked.any():
            self._ask(at, asked, judged(self._at_work(step), self.numbers))
        self.stood = self.stood & ~fell

    def _fell(self, step: Step, at: int, later: Sequence[int], delta: Delta) -> Bools:
        """Return who fell by a stage; where a later one of its name may have said the same, its numbers tell."""
        entry = self.bench.old[at]
        fell = delta.fell_by(entry.name)
        if isinstance(entry.stage, Where):
            fell &= _equal(delta.rule, entry.stage.expression)
        if fell.any() and any(_alike(entry, self.bench.old[other]) for other in later):
            found = judged(self._at_work(replace(step, stage=entry.stage)), self.numbers)
            fell &= found.fails | found.undecided
        delta.claim(fell)
        if isinstance(entry.stage, Where) and entry.stage.names == ("chars",):
            self.numbers.chars = filled(self.numbers.chars, np.flatnonzero(fell), delta.value)
        return fell

    def _at_work(self, step: Step) -> Judges:
        """Return the stage of a step ready to judge."""
        if step.fit in self.fits:
            return self.fits[step.fit]
        bare = isinstance(step.stage, Ruled | Where) and not step.fit
        return cast("Judges", step.stage if bare else ready(self._job, step).stage)

    def _ask(self, at: int, asked: Bools, found: Judged) -> None:
        """Take over a verdict on some documents."""
        self._drop(at, np.flatnonzero(asked & found.fails), found.verdicts.rule, found.verdicts.value)
        undecided = asked & found.undecided
        self.undecided |= undecided
        for name, absent in found.missing.items():
            self.lack(Gap(at, "number", name), np.flatnonzero(undecided & absent))

    def lack(self, gap: Gap, rows: I64) -> None:
        """Note that something leaves some documents open."""
        if len(rows):
            self.gaps.setdefault(gap, []).append(rows)

    def _drop(self, at: int, rows: I64, rules: pa.Array, values: pa.Array | None) -> None:
        """Let documents fall by the rules at their rows."""
        self.alive[rows] = False
        self._note(self.after, at, rows, rules)
        if values is not None and len(rows):
            told = values.take(pa.array(rows)).cast(pa.float64()).to_numpy(zero_copy_only=False)
            self.values.append((rows, told))

    def _note(self, codes: Codes, at: int, rows: I64, rules: pa.Array) -> None:
        if len(rows):
            codes[rows] = self.book.codes(at, rules.take(pa.array(rows)))

    def leaving(self, number: int) -> U64:
        """Return the uids of those that stayed of a group in the exchange behind a pass, and no longer come to it."""
        home = self._home(number, ["alive", "cluster_size"])
        if home is None:
            return np.empty(0, np.uint64)
        grouped = pc.greater(home.column("cluster_size"), 1).fill_null(False).to_numpy()
        rows = np.flatnonzero(home.column("alive").to_numpy() & grouped & ~self.alive)
        uids: U64 = self._shelf.record("uid").take(pa.array(rows)).to_numpy()
        return uids

    def exchange(self, number: int, leaving: U64, claimed: set[int]) -> None:
        """Let the exchange behind a pass decide as it did, and leave open what it would decide anew.

        Args:
            number: of the pass.
            leaving: uids of those that stayed of a group, and would leave before; sorted.
            claimed: those of them whose place a document of this source has taken.
        """
        home = self._home(number, ["alive", "fate", "rule", "kept_uid", "value"])
        if home is None:
            return
        at = self.bench.place_of(self.legs[number].task.work.exchange)
        copies = _equal(home.column("fate").combine_chunks(), "duplicate")
        newcomers = np.flatnonzero(self.alive & ~self.stood)
        orphans = np.flatnonzero(self.alive & copies)
        here = pc.if_else(home.column("value").is_null(), home.column("kept_uid"), None)
        kept = here.fill_null(0).take(pa.array(orphans)).to_numpy()
        orphans = _heirs(orphans, kept, leaving, claimed)
        self._leave_open(Gap(at, "newcomers"), newcomers)
        self._leave_open(Gap(at, "copies"), orphans)
        rules = home.column("rule").combine_chunks()
        self._note(self.before, at, np.flatnonzero(copies), rules)
        copies[orphans] = False
        self._drop(at, np.flatnonzero(self.alive & copies), rules, None)
        self.stood = home.column("alive").to_numpy()

    def _leave_open(self, gap: Gap, rows: I64) -> None:
        self.undecided[rows] = True
        self.lack(gap, rows)

    def _home(self, number: int, columns: Sequence[str]) -> pa.Table | None:
        home = self.legs[number].home
        return None if home is None else read_part(self._job.storage, home, columns)


def _lengths(steps: Sequence[Step], delta: Delta) -> pa.Array:
    """Return the text lengths before some last steps of a pass: known of those that stand behind it, if none edits."""
    edited = any(step.kind == "edit" for step in steps)
    return pa.nulls(len(delta.chars), pa.int64()) if edited else delta.chars


def _heirs(rows: I64, kept: U64, leaving: U64, claimed: set[int]) -> I64:
    """Return of the copies of each document that leaves the first one, unless another split has it."""
    chosen = np.flatnonzero(np.isin(kept, leaving))
    groups, first = np.unique(kept[chosen], return_index=True)
    fresh = np.array([group not in claimed for group in groups.tolist()], np.bool_)
    claimed.update(groups.tolist())
    return rows[chosen[first[fresh]]]
