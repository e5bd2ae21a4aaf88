"""Routes: what each pass does to the documents of one source.

In:  the manifest's stage entries.
Out: per source a list of passes, each a list of steps; the same passes for all sources, other steps for each.
Guaranteed: adjacent map stages share a pass; an exchange or a fit ends one; a step names the text it sees.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from filters.batch import Edits, Judges, Measures, Stage, measuring_options
from filters.fitting import Fitted, NamesSignals
from filters.top_share import TopShare
from pipelines.catalog import SIGNAL_PROVIDERS, stage_name
from pipelines.dedup.exchanges import LATER_OPTIONS, ExchangeStage, Linking, rounds_of
from pipelines.engine.keys import free_name, key_of
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, StageEntry

Kind = Literal["measure", "judge", "edit"]

SOURCE_TEXT = "source"
"""The first text version: as the source gives it."""

TOKENIZER = "tokenizer"
"""Name of the fit that trains the manifest's tokenizer."""


@dataclass(frozen=True)
class Step:
    """One thing that a pass does with every document it holds.

    Args:
        kind: what of the stage is run.
        label: the stage's name in the manifest and the ledger.
        stage: its options.
        text: name of the text version that the step sees (a hash of the editors before it).
        suffix: what is put behind the names of signals measured on this text, such as `@normalize`.
        fit: name of the fit that the stage works with; "" is none.
        fitted: content of what was fitted; "" before it is.
    """

    kind: Kind
    label: str
    stage: Stage
    text: str
    suffix: str
    fit: str = ""
    fitted: str = ""

    @property
    def waits(self) -> bool:
        """Whether the stage cannot work yet, since what it works with is not fitted."""
        return bool(self.fit) and not self.fitted

    @cached_property
    def signals_key(self) -> str:
        """Name of what this step measures: stage, version, measuring options, text and fit, never thresholds."""
        options = measuring_options(self.stage)
        return key_of([self.label, type(self.stage).version, options, self.text, *self._fitted()])

    @property
    def identity(self) -> list[object]:
        """Everything that decides what the step does: thresholds count where it judges by them."""
        options = self.stage.model_dump(mode="json") if self.kind == "judge" else measuring_options(self.stage)
        return [self.kind, self.label, type(self.stage).version, options, self.text, *self._fitted()]

    def _fitted(self) -> list[str]:
        return [self.fitted] if self.fitted else []


@dataclass(frozen=True)
class Fit:
    """One small artifact that is made behind a pass, from the documents alive there, and that later passes read.

    Args:
        name: under which later steps know it: `tokenizer`, or that of the stage that waits for it.
        stage: the stage that waits; None for the tokenizer.
        sources: those whose documents take part.
        step: of this source, what measures the number that is asked for; None where nothing is measured.
    """

    name: str
    stage: Stage | None = None
    sources: tuple[str, ...] = ()
    step: Step | None = None

    @property
    def reads_text(self) -> bool:
        """Whether it is made from texts, and not from stored numbers alone."""
        return not isinstance(self.stage, TopShare)


@dataclass(frozen=True)
class Pass:
    """What one reading of the documents of one source does.

    Args:
        steps: in order.
        exchange: the exchange that ends the pass, where this source takes part in it.
        exchange_label: its name in the manifest and the ledger.
        round: number of the exchange among those that the stage is made of.
        fits: what is fitted after this pass.
        tokenize: survivors become token runs.
        text: the text version that the next pass starts from.
        suffix: what stands behind the names of signals measured on that text.
    """

    steps: tuple[Step, ...] = ()
    exchange: ExchangeStage | None = None
    exchange_label: str = ""
    round: int = 0
    fits: tuple[Fit, ...] = ()
    tokenize: bool = False
    text: str = SOURCE_TEXT
    suffix: str = ""

    @property
    def ending(self) -> ExchangeStage:
        """The exchange that ends the pass; ask only of a pass that has one."""
        if self.exchange is None:
            raise ValueError("no exchange ends this pass")
        return self.exchange

    @property
    def exchange_identity(self) -> list[object]:
        """Everything that decides what map tasks emit, and what is made of it: no `LATER_OPTIONS`."""
        if self.exchange is None:
            return []
        whole = self.exchange.model_dump(mode="json")
        options = {name: value for name, value in whole.items() if name not in LATER_OPTIONS}
        rounds = [self.round] if self.round else []
        return [self.exchange_label, type(self.exchange).version, options, *rounds]

    @property
    def reads_text(self) -> bool:
        """Whether the exchange looks at texts."""
        return self.exchange is not None and self.exchange.reads_text

    @property
    def links(self) -> bool:
        """Whether the exchange only finds candidates, for the next one to decide about."""
        return isinstance(self.exchange, Linking)

    @property
    def looks_at_linked(self) -> bool:
        """Whether the pass is there to decide within components, and so looks at no other documents' texts."""
        return self.round > 0

    @property
    def cuts(self) -> bool:
        """Whether the exchange takes spans out of texts."""
        return self.exchange is not None and self.exchange.cuts

    @property
    def measures(self) -> tuple[Step, ...]:
        """The steps that measure, each measurement once."""
        return tuple({step.signals_key: step for step in self.steps if step.kind == "measure"}.values())

    @property
    def edits(self) -> bool:
        """Whether some step gives documents a new text."""
        return any(step.kind == "edit" for step in self.steps)

    def behind(self, cut: str) -> "Pass":
        """Return the same pass over texts from which exchanges have cut what `cut` names; "" is nothing."""
        if not cut:
            return self
        steps = tuple(_behind(step, cut) for step in self.steps)
        fits = tuple(replace(fit, step=fit.step and _behind(fit.step, cut)) for fit in self.fits)
        return replace(self, steps=steps, fits=fits, text=key_of([self.text, cut]))

    def given(self, fitted: Mapping[str, str]) -> "Pass":
        """Return the same pass with the contents of what was fitted before it, by name."""
        steps = tuple(_given(step, fitted) for step in self.steps)
        fits = tuple(replace(fit, step=fit.step and _given(fit.step, fitted)) for fit in self.fits)
        return replace(self, steps=steps, fits=fits)


def _behind(step: Step, cut: str) -> Step:
    return replace(step, text=key_of([step.text, cut]))


def _given(step: Step, fitted: Mapping[str, str]) -> Step:
    return replace(step, fitted=fitted.get(step.fit, "")) if step.fit else step


@dataclass
class _Builder:
    """Adds stages to a route one by one and knows the text version and the signals at that place."""

    text: str = SOURCE_TEXT
    suffix: str = ""
    signals: dict[str, Step] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    latest: dict[type[Stage], str] = field(default_factory=dict)
    own: dict[str, tuple[str, Stage, str]] = field(default_factory=dict)

    def step(self, kind: Kind, label: str, stage: Stage, fit: str = "") -> Step:
        return Step(kind, label, stage, self.text, self.suffix, fit)

    def measure(self, label: str, stage: Stage, fit: str = "") -> Step:
        """Measure, unless the numbers at hand are these already."""
        step = self.step("measure", label, stage, fit)
        if self.latest.get(type(stage)) != step.signals_key:
            self.latest[type(stage)] = step.signals_key
            self.steps.append(step)
        return step

    def require(self, names: Iterable[str]) -> None:
        """Measure what an expression asks for, where this pass has not: as the latest stage did, or by its defaults.

        Raises:
            RequestError: a name belongs to a text version that is gone.
        """
        for name in sorted(names):
            base = name.removesuffix(self.suffix)
            provider = SIGNAL_PROVIDERS.get(base)
            at_hand = {base, name} & self.signals.keys()
            if base in self.own and not at_hand:
                self.add_measures(*self.own[base])
            elif provider is not None and not at_hand:
                self.add_measures(stage_name(provider), provider())
            elif "@" in base and name not in self.signals:
                raise RequestError(
                    f"{name!r} names a text that is no longer at hand; the current one is {self.suffix!r}"
                )

    def add_measures(self, label: str, stage: Stage, fit: str = "") -> None:
        """Measure what a stage does, and remember it: later passes and texts that ask again get the same measure."""
        step = self.measure(label, stage, fit)
        bases = set(stage.signals if isinstance(stage, NamesSignals) else type(stage).measured)
        self.own |= dict.fromkeys(bases, (label, stage, fit))
        self.signals |= dict.fromkeys([*bases, *(f"{name}{self.suffix}" for name in bases)], step)

    def add(self, entry: StageEntry, fit: str) -> None:
        """Add a stage; `fit` names what it works with."""
        stage, label = entry.stage, entry.name
        if isinstance(stage, Measures):
            self.add_measures(label, stage, fit)
        self.require(getattr(stage, "names", ()))
        if isinstance(stage, Judges):
            self.steps.append(self.step("judge", label, stage, fit))
        if isinstance(stage, Edits):
            self.edit(label, stage)

    def edit(self, label: str, stage: Stage) -> None:
        step = self.step("edit", label, stage)
        self.steps.append(step)
        self.start_text([step.label, type(stage).version, measuring_options(stage)], label)

    def start_text(self, editor: object, label: str) -> None:
        self.text = key_of([self.text, editor])
        self.suffix = f"{self.suffix}@{label}"
        self.signals = {name: step for name, step in self.signals.items() if "@" in name}

    def take(self) -> tuple[Step, ...]:
        """End the pass: the next one asks again for the numbers it needs, and finds those that were stored."""
        steps, self.steps = tuple(self.steps), []
        self.signals, self.latest = {}, {}
        return steps


@dataclass(frozen=True)
class _Segment:
    """Stages that share a pass, and what ends it.

    Args:
        entries: the stages, each with the name of the fit that it works with.
        exchange: the stage whose exchange ends the pass.
        round: number of that exchange among those that the stage is made of.
        fits: what is fitted behind it, by name, and the stages that wait.
    """

    entries: tuple[tuple[StageEntry, str], ...] = ()
    exchange: StageEntry | None = None
    round: int = 0
    fits: tuple[tuple[str, StageEntry], ...] = ()


def _segments(stages: Sequence[StageEntry]) -> list[_Segment]:
    """Cut the stages behind every exchange, and before every stage that waits for a fit."""
    segments, current = list[_Segment](), _Segment()
    for entry, name in zip(stages, fit_names(stages), strict=True):
        if name:
            segments.append(replace(current, fits=((name, entry),)))
            current = _Segment()
        if isinstance(entry.stage, ExchangeStage):
            for number in range(len(rounds_of(entry.stage))):
                segments.append(replace(current, exchange=entry, round=number))
                current = _Segment()
        else:
            current = replace(current, entries=(*current.entries, (entry, name)))
    return [*segments, current]


def fit_names(stages: Sequence[StageEntry]) -> list[str]:
    """Return, for each stage, the name of the fit that it waits for; "" where it waits for none."""
    taken: list[str] = []
    for entry in stages:
        stage = entry.stage
        waits = isinstance(stage, Fitted) and stage.waits
        taken.append(free_name(_fit_name(entry), taken) if waits else "")
    return taken


def _fit_name(entry: StageEntry) -> str:
    """Return a stage's name, with that of its classifier or its signal."""
    stage = entry.stage
    return "-".join(
        [entry.name, *(getattr(stage, option) for option in ("name", "signal") if option in type(stage).model_fields)]
    )


def route_of(manifest: Manifest, source: str) -> tuple[Pass, ...]:
    """Return the passes of one source; every source of a build has the same number of them."""
    builder = _Builder()
    passes: list[Pass] = []
    *ended, last = _segments(manifest.stages)
    for segment in ended:
        _add_entries(builder, segment, manifest, source)
        if segment.exchange is not None:
            takes_part = manifest.applies(segment.exchange, source)
            passes.append(_exchange_pass(builder, segment.exchange, segment.round, takes_part=takes_part))
        else:
            passes.append(_fit_pass(builder, segment, manifest, source))
    _add_entries(builder, last, manifest, source)
    builder.require(_pool_names(manifest, source))
    return _with_tokens(passes, builder, manifest)


def _add_entries(builder: _Builder, segment: _Segment, manifest: Manifest, source: str) -> None:
    for entry, fit in segment.entries:
        if manifest.applies(entry, source):
            builder.add(entry, fit)


def _exchange_pass(builder: _Builder, ending: StageEntry, number: int, *, takes_part: bool) -> Pass:
    """Return a pass that ends in an exchange of a stage; what the first one measures serves all."""
    stage = ending.stage
    if not takes_part or not isinstance(stage, ExchangeStage):
        return Pass(builder.take(), text=builder.text, suffix=builder.suffix)
    if number == 0:
        builder.measure(ending.name, stage)
    exchange = rounds_of(stage)[number]
    ended = Pass(builder.take(), exchange, ending.name, number, text=builder.text, suffix=builder.suffix)
    if exchange.cuts:
        builder.start_text(["cut", ending.name, type(stage).version, stage.model_dump(mode="json")], ending.name)
    return ended


def _fit_pass(builder: _Builder, segment: _Segment, manifest: Manifest, source: str) -> Pass:
    """Return a pass that ends in fits; it measures the numbers that they are made from."""
    fits = [_fit(builder, name, entry, manifest, source) for name, entry in segment.fits]
    return Pass(builder.take(), fits=tuple(fits), text=builder.text, suffix=builder.suffix)


def _fit(builder: _Builder, name: str, entry: StageEntry, manifest: Manifest, source: str) -> Fit:
    stage = entry.stage
    if not isinstance(stage, TopShare):
        return Fit(name, stage, tuple(sorted(manifest.sources)))
    sources = tuple(each for each in sorted(manifest.sources) if manifest.applies(entry, each))
    if source not in sources:
        return Fit(name, stage, sources)
    builder.require(stage.names)
    return Fit(name, stage, sources, builder.signals.get(stage.signal))


def _with_tokens(passes: list[Pass], builder: _Builder, manifest: Manifest) -> tuple[Pass, ...]:
    """Return all passes: behind the last exchange or fit one, or two around the training of a tokenizer."""
    last = Pass(builder.take(), text=builder.text, suffix=builder.suffix)
    if manifest.tokenizer is None or manifest.tokenizer.train is None:
        return (*passes, replace(last, tokenize=manifest.tokenizer is not None))
    tokens = Pass(tokenize=True, text=builder.text, suffix=builder.suffix)
    fits = (Fit(TOKENIZER, sources=tuple(sorted(manifest.sources))),)
    if passes and _nothing_follows_exchange(manifest):
        return (*passes[:-1], replace(passes[-1], fits=fits), tokens)
    return (*passes, replace(last, fits=fits), tokens)


def _nothing_follows_exchange(manifest: Manifest) -> bool:
    """Whether no source has anything to do between the last exchange and the training of a tokenizer."""
    return not _segments(manifest.stages)[-1].entries and all(pool.where is None for pool in manifest.pools)


def _pool_names(manifest: Manifest, source: str) -> set[str]:
    """Return the columns that the `where` of this source's pools ask for."""
    if manifest.mix is None:
        return set()
    conditions = [pool.where for pool in manifest.pools if source in pool.sources]
    return {name for where in conditions if where is not None for name in where.names}
