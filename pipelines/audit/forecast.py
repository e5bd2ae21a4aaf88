"""The forecast: all that `gristmill plan` knows before anything runs.

In:  a manifest, the build folder if there is one, and the resources of the run.
Out: a `Forecast`.
Guaranteed: nothing runs and nothing is written.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import cpu_count

from filters.top_share import TopShare
from pipelines.audit.cautions import dedup_cautions, exchange_cautions, traffic_of
from pipelines.audit.demands import Demand, budget_cautions, demands_of
from pipelines.audit.done import Standing, standing_of
from pipelines.audit.encoding import Encoding, encoding_cautions, planned_encoding
from pipelines.audit.estimates import (
    RATES,
    Counted,
    Estimate,
    Pace,
    counted_before,
    counted_by,
    estimates_of,
    paces_of,
    pass_seconds,
)
from pipelines.audit.wording import fit_words, listed, pass_words, plural, size, stage_words
from pipelines.dedup.exchanges import Comparing, ExchangeStage, Linking, Storing
from pipelines.engine.job import Job, Resources
from pipelines.engine.lock import LOCK
from pipelines.engine.plan import Plan, make_plan
from pipelines.engine.quantile import ROUNDS
from pipelines.engine.route import Fit
from pipelines.engine.session import manifest_hash
from pipelines.engine.storage import open_storage
from pipelines.manifest import Manifest
from pipelines.mix.place import shard_count
from pipelines.sources.options import chats_of


@dataclass(frozen=True)
class Planned:
    """A step of the build, in words.

    Args:
        name: what people call it.
        work: whom it concerns -> what it does for them, line by line.
        steps: the engine's own steps in it.
        seconds: how long what is left of it takes; None where that is not known.
        counted: whether that rests on the last run's own time.
    """

    name: str
    work: Mapping[str, Sequence[str]]
    steps: tuple[str, ...]
    seconds: float | None = None
    counted: bool = False


@dataclass(frozen=True)
class Forecast:
    """What will be done.

    Args:
        manifest: what is asked for.
        plan: its splits and routes.
        folder: URL of the build folder; "" where none was named.
        begun: whether there is a build in it.
        standing: how far it has come.
        estimates: per source.
        demands: per pool.
        steps: in order.
        cautions: what to look at.
        cores: tasks at a time.
        encoding: whose code makes tokens; None where none are made.
    """

    manifest: Manifest
    plan: Plan
    folder: str
    begun: bool
    standing: Standing
    estimates: Sequence[Estimate]
    demands: Sequence[Demand]
    steps: Sequence[Planned]
    cautions: Sequence[str]
    cores: int
    encoding: Encoding | None


@dataclass(frozen=True)
class _Past:
    """What the build folder knows."""

    begun: bool = False
    standing: Standing = field(default_factory=Standing)
    counted: Counted = field(default_factory=Counted)
    paces: Mapping[str, Pace] = field(default_factory=dict)


def forecast(manifest: Manifest, out: str, resources: Resources) -> Forecast:
    """Return what a build of the manifest will do; `out` is its folder, or ""."""
    plan = make_plan(manifest)
    past = _past(Job(open_storage(out), manifest, manifest_hash(manifest), resources), plan) if out else _Past()
    estimates = estimates_of(manifest, plan, past.counted)
    demands = demands_of(manifest, estimates, past.standing)
    cores = resources.workers or cpu_count() or 1
    spec = manifest.tokenizer
    encoding = None if spec is None else planned_encoding(spec, chats_of(manifest.sources))
    works = _Works(plan, estimates, cores, RATES if encoding is None else {**RATES, "tokenize": encoding.rate})
    steps = [_timed(step, works, past) for step in _steps(manifest, plan)]
    traffic = traffic_of(plan, past.standing, estimates, resources)
    cautions = [caution for each in traffic for caution in exchange_cautions(each)]
    cautions += [*dedup_cautions(manifest), *budget_cautions(manifest, demands)]
    cautions += [] if encoding is None else encoding_cautions(encoding)
    return Forecast(
        manifest, plan, out, past.begun, past.standing, estimates, demands, steps, cautions, cores, encoding
    )


def _past(job: Job, plan: Plan) -> _Past:
    standing = standing_of(job, plan)
    counted = _counted(plan, standing) or counted_before(job.storage)
    return _Past(job.storage.exists(LOCK), standing, counted, paces_of(job.storage))


def _counted(plan: Plan, standing: Standing) -> Counted | None:
    """Return what this very build has counted, where all its passes are done."""
    first, last = (standing.receipts.get(pass_name(plan, number)) for number in (0, plan.passes - 1))
    if first is None or last is None:
        return None
    places = [(split.source, split.file.path, split.start, split.end) for split in plan.splits]
    return replace(counted_by(places, first, last), current=True)


def pass_name(plan: Plan, number: int) -> str:
    """Return the engine's name of pass `number`, from 0."""
    return f"pass {number + 1} of {plan.passes}"


def _steps(manifest: Manifest, plan: Plan) -> Iterator[Planned]:
    """Yield all steps of a build, in order."""
    for number in range(plan.passes):
        yield _pass(plan, number)
        yield from _exchange(plan, number)
        for fit in next(iter(plan.routes.values()))[number].fits:
            yield _fit(manifest, fit)
    if manifest.tokenizer is not None:
        yield Planned("passport", {"all": ["tokens by source and by language"]}, ("passport",))
    if manifest.mix is not None:
        yield from _mixing(manifest)
    yield Planned("ledger", {"all": ["a verdict per record, signals, ids"]}, ("ledger", "ledger: ids"))


def _pass(plan: Plan, number: int) -> Planned:
    """Return a pass: sources for which it does the same stand together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for source, route in plan.routes.items():
        groups.setdefault(tuple(pass_words(route[number])), []).append(source)
    reads = "reads the source" if number == 0 else "reads the survivors"
    work = {_among(plan, sources): words or (f"{reads}, no more",) for words, sources in groups.items()}
    return Planned(f"pass {number + 1}", work, (pass_name(plan, number),))


def _exchange(plan: Plan, number: int) -> Iterator[Planned]:
    works = {source: route[number] for source, route in plan.routes.items() if route[number].exchange is not None}
    for label, stage in {work.exchange_label: work.exchange for work in works.values()}.items():
        if stage is not None:
            does = "finds candidates among" if isinstance(stage, Linking) else "decides over"
            words = {_among(plan, works): [f"{stage_words(label, stage)}: {does} all splits{_beside(stage)}"]}
            yield Planned("exchange", words, tuple(f"{label} {number + 1}: {name}" for name in _exchange_steps(stage)))


def _exchange_steps(stage: ExchangeStage) -> tuple[str, ...]:
    """Return the engine's names of the steps of an exchange."""
    if isinstance(stage, Linking):
        recalls = ("recall",) if isinstance(stage, Comparing) and stage.earlier else ()
        return ("decide", "components", "bring home", *recalls)
    stores = ("store shingles",) if isinstance(stage, Storing) and stage.store_shingles else ()
    return ("decide", "bring home", *stores)


def _beside(stage: ExchangeStage) -> str:
    """Return how many earlier builds take part in an exchange, in words."""
    count = len(stage.earlier) if isinstance(stage, Comparing) else 0
    return f", beside {plural(count, 'earlier build')}" if count else ""


def _among(plan: Plan, sources: Collection[str]) -> str:
    return "all" if len(sources) == len(plan.routes) else listed(sources, 3)


def _fit(manifest: Manifest, fit: Fit) -> Planned:
    """Return what is fitted."""
    if fit.stage is None:
        return _tokenizer(manifest)
    if isinstance(fit.stage, TopShare):
        rounds = tuple(f"{fit.name}: count {number + 1}" for number in range(ROUNDS))
        return Planned("quantile", {listed(fit.sources, 3): [fit_words(fit)]}, rounds)
    steps = tuple(f"{fit.name}: {step}" for step in ("weigh", "sample", "train"))
    return Planned("classifier", {"all": [fit_words(fit)]}, steps)


def _tokenizer(manifest: Manifest) -> Planned:
    spec = manifest.tokenizer
    train = spec.train if spec is not None else None
    words = f"trained on {size(train.sample_bytes)}B of survivors, {train.vocab_size:,} tokens" if train else ""
    weights = (train.weights if train else None) or {}
    shares = [f"{weight:.3g} of {source}" for source, weight in weights.items() if weight]
    words += f"; {listed(shares, 3)}" if shares else ""
    return Planned("tokenizer", {"all": [words]}, ("tokenizer: weigh", "tokenizer: sample", "tokenizer: train"))


def _mixing(manifest: Manifest) -> Iterator[Planned]:
    mix = manifest.mix
    if mix is None:
        return
    yield Planned("budgets", {"all": ["pools, and where each phase cuts them"]}, ("pools", "budgets"))
    shards = sum(shard_count(phase.tokens, mix.shard_tokens) for phase in mix.phases)
    length = f"{mix.sequence_length:,}{' + 1' if mix.next_token else ''}"
    packing = "" if mix.pack == "concat" else f", {mix.pack}"
    words = f"{plural(shards, 'shard')} of {size(mix.shard_tokens)} tokens, sequences of {length}{packing}"
    yield Planned("shards", {"all": [words]}, ("place", "pack"))


@dataclass(frozen=True)
class _Works:
    """What passes do, to how much text, and how fast."""

    plan: Plan
    estimates: Sequence[Estimate]
    cores: int
    rates: Mapping[str, float]


def _timed(step: Planned, works: _Works, past: _Past) -> Planned:
    """Return a step with the time that what is left of it takes."""
    shares = [_left(past.standing, name) for name in step.steps]
    if any(shares) and all(name in past.paces for name in step.steps):
        times = (past.paces[name].seconds * _tasks(past, name) for name in step.steps)
        seconds = sum(whole * left for whole, left in zip(times, shares, strict=True))
        return replace(step, seconds=seconds, counted=True)
    if step.name.startswith("pass ") and any(shares):
        done = {source: route[int(step.name.split()[1]) - 1] for source, route in works.plan.routes.items()}
        return replace(step, seconds=pass_seconds(done, works.estimates, works.cores, works.rates) * shares[0])
    return step


def _left(standing: Standing, name: str) -> float:
    """Return the share of a step's tasks that is left to do; all of it where that is not known."""
    known = standing.of(name)
    return 1.0 if known is None else (known.tasks - known.done) / max(known.tasks, 1)


def _tasks(past: _Past, name: str) -> int:
    known = past.standing.of(name)
    return past.paces[name].tasks if known is None else known.tasks
