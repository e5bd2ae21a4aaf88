"""Routes: what each pass does to the documents of one source.

In:  the manifest's stage entries.
Out: per source a list of passes, each a list of steps; the same passes for all sources, other steps for each.
Guaranteed: adjacent map stages share a pass; an exchange or a fit ends one; a step names the text it sees.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from filters.batch import Edits, Judges, Measures, Stage, measuring_options
from pipelines.catalog import SIGNAL_PROVIDERS, stage_name
from pipelines.dedup.exchanges import ExchangeStage
from pipelines.engine.keys import key_of
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, StageEntry

Kind = Literal["measure", "judge", "edit"]

SOURCE_TEXT = "source"
"""The first text version: as the source gives it."""


@dataclass(frozen=True)
class Step:
    """One thing that a pass does with every document it holds.

    Args:
        kind: what of the stage is run.
        label: the stage's name in the manifest and the ledger.
        stage: its options.
        text: name of the text version that the step sees (a hash of the editors before it).
        suffix: what is put behind the names of signals measured on this text, such as `@normalize`.
    """

    kind: Kind
    label: str
    stage: Stage
    text: str
    suffix: str

    @property
    def signals_key(self) -> str:
        """Name of what this step measures: stage, version, measuring options and text, never thresholds."""
        return key_of([self.label, type(self.stage).version, measuring_options(self.stage), self.text])

    @property
    def identity(self) -> list[object]:
        """Everything that decides what the step does: thresholds count where it judges by them."""
        options = self.stage.model_dump(mode="json") if self.kind == "judge" else measuring_options(self.stage)
        return [self.kind, self.label, type(self.stage).version, options, self.text]


@dataclass(frozen=True)
class Pass:
    """What one reading of the documents of one source does.

    Args:
        steps: in order.
        exchange: the exchange that ends the pass, where this source takes part in it.
        exchange_label: its name in the manifest and the ledger.
        fit: the tokenizer is trained after this pass.
        tokenize: survivors become token runs.
        text: the text version that the next pass starts from.
        suffix: what stands behind the names of signals measured on that text.
    """

    steps: tuple[Step, ...] = ()
    exchange: ExchangeStage | None = None
    exchange_label: str = ""
    fit: bool = False
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
        """Everything that decides what the exchange does; `max_loss` only says what is too much."""
        if self.exchange is None:
            return []
        options = self.exchange.model_dump(mode="json")
        return [self.exchange_label, type(self.exchange).version, {**options, "max_loss": None}]

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
        steps = tuple(replace(step, text=key_of([step.text, cut])) for step in self.steps)
        return replace(self, steps=steps, text=key_of([self.text, cut]))


@dataclass
class _Builder:
    """Adds stages to a route one by one and knows the text version and the signals at that place."""

    text: str = SOURCE_TEXT
    suffix: str = ""
    signals: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)
    latest: dict[type[Stage], str] = field(default_factory=dict)

    def step(self, kind: Kind, label: str, stage: Stage) -> Step:
        return Step(kind, label, stage, self.text, self.suffix)

    def measure(self, label: str, stage: Stage) -> None:
        """Measure, unless the numbers at hand are these already."""
        step = self.step("measure", label, stage)
        if self.latest.get(type(stage)) != step.signals_key:
            self.latest[type(stage)] = step.signals_key
            self.steps.append(step)

    def require(self, names: Iterable[str]) -> None:
        """Measure what an expression asks for, where no stage of this pass has, with the published defaults.

        Raises:
            RequestError: a name belongs to a text version that is gone.
        """
        for name in sorted(names):
            base = name.removesuffix(self.suffix)
            provider = SIGNAL_PROVIDERS.get(base)
            if provider is not None and not {base, name} & self.signals:
                self.add_measures(stage_name(provider), provider())
            elif "@" in base and name not in self.signals:
                raise RequestError(
                    f"{name!r} names a text that is no longer at hand; the current one is {self.suffix!r}"
                )

    def add_measures(self, label: str, stage: Stage) -> None:
        self.measure(label, stage)
        bases = {name for name, provider in SIGNAL_PROVIDERS.items() if provider is type(stage)}
        self.signals |= bases | {f"{name}{self.suffix}" for name in bases}

    def add(self, entry: StageEntry) -> None:
        stage, label = entry.stage, entry.name
        if isinstance(stage, Measures):
            self.add_measures(label, stage)
        self.require(getattr(stage, "names", ()))
        if isinstance(stage, Judges):
            self.steps.append(self.step("judge", label, stage))
        if isinstance(stage, Edits):
            self.edit(label, stage)

    def edit(self, label: str, stage: Stage) -> None:
        step = self.step("edit", label, stage)
        self.steps.append(step)
        self.start_text([step.label, type(stage).version, measuring_options(stage)], label)

    def start_text(self, editor: object, label: str) -> None:
        self.text = key_of([self.text, editor])
        self.suffix = f"{self.suffix}@{label}"
        self.signals = {name for name in self.signals if "@" in name}

    def take(self) -> tuple[Step, ...]:
        """End the pass: the next one asks again for the numbers it needs, and finds those that were stored."""
        steps, self.steps = tuple(self.steps), []
        self.signals, self.latest = set(), {}
        return steps


def _applies(entry: StageEntry, manifest: Manifest, source: str) -> bool:
    return entry.on is None or any(source in manifest.sources_of(name) for name in entry.on)


def _segments(stages: Sequence[StageEntry]) -> list[tuple[list[StageEntry], StageEntry | None]]:
    """Cut the stages behind every exchange."""
    segments: list[tuple[list[StageEntry], StageEntry | None]] = []
    current: list[StageEntry] = []
    for entry in stages:
        if isinstance(entry.stage, ExchangeStage):
            segments.append((current, entry))
            current = []
        else:
            current.append(entry)
    return [*segments, (current, None)]


def route_of(manifest: Manifest, source: str) -> tuple[Pass, ...]:
    """Return the passes of one source; every source of a build has the same number of them."""
    builder = _Builder()
    passes: list[Pass] = []
    for entries, ending in _segments(manifest.stages):
        for entry in entries:
            if _applies(entry, manifest, source):
                builder.add(entry)
        if ending is not None:
            passes.append(_exchange_pass(builder, ending, takes_part=_applies(ending, manifest, source)))
    builder.require(_pool_names(manifest, source))
    return _with_tokens(passes, builder, manifest)


def _exchange_pass(builder: _Builder, ending: StageEntry, *, takes_part: bool) -> Pass:
    stage = ending.stage
    if not takes_part or not isinstance(stage, ExchangeStage):
        return Pass(builder.take(), text=builder.text, suffix=builder.suffix)
    builder.measure(ending.name, stage)
    ended = Pass(builder.take(), stage, ending.name, text=builder.text, suffix=builder.suffix)
    if stage.cuts:
        builder.start_text(["cut", ending.name, type(stage).version, stage.model_dump(mode="json")], ending.name)
    return ended


def _with_tokens(passes: list[Pass], builder: _Builder, manifest: Manifest) -> tuple[Pass, ...]:
    """Return all passes: behind the last exchange one, or two around the training of a tokenizer."""
    last = Pass(builder.take(), text=builder.text, suffix=builder.suffix)
    if manifest.tokenizer is None or manifest.tokenizer.train is None:
        return (*passes, replace(last, tokenize=manifest.tokenizer is not None))
    tokens = Pass(tokenize=True, text=builder.text, suffix=builder.suffix)
    if passes and _nothing_follows_exchange(manifest):
        return (*passes[:-1], replace(passes[-1], fit=True), tokens)
    return (*passes, replace(last, fit=True), tokens)


def _nothing_follows_exchange(manifest: Manifest) -> bool:
    """Whether no source has anything to do between the last exchange and the training of a tokenizer."""
    entries, _ = _segments(manifest.stages)[-1]
    return not entries and all(pool.where is None for pool in manifest.pools)


def _pool_names(manifest: Manifest, source: str) -> set[str]:
    """Return the columns that the `where` of this source's pools ask for."""
    if manifest.mix is None:
        return set()
    conditions = [pool.where for pool in manifest.pools if source in pool.sources]
    return {name for where in conditions if where is not None for name in where.names}
