"""Cautions: what a plan is warned of before it runs.

In:  a plan, how far it has come, estimates, and the resources it will have.
Out: sentences, each with what can be done.
Guaranteed: a caution refuses nothing; what cannot be is refused when the manifest is read or the budgets are cut.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.audit.done import Standing
from pipelines.audit.estimates import Estimate
from pipelines.audit.wording import listed, number, plural, size
from pipelines.dedup.curve import Banded, curve_cautions
from pipelines.dedup.earlier import EarlierBuild
from pipelines.dedup.exchanges import Comparing, Counting, Dividing, ExchangeStage, ranges_of
from pipelines.dedup.minhash import DedupMinhash
from pipelines.dedup.published import published_cautions
from pipelines.engine.earlier import compared_with
from pipelines.engine.job import Resources
from pipelines.engine.plan import Plan
from pipelines.manifest import Manifest, Phase, Pool
from pipelines.mix.groups import sharing_of
from pipelines.mixture import HOLDOUT

MOST_READS = 10_000_000
"""Segments times partitions: each pair costs a read."""

LEAST_RUN = 64 << 10
"""Bytes that a reduce task should find at a time."""


@dataclass(frozen=True)
class Traffic:
    """What an exchange carries.

    Args:
        label: its name.
        rows_bytes: of all its rows.
        segments: sorted streams that they are in.
        partitions: reduce tasks.
    """

    label: str
    rows_bytes: int
    segments: int
    partitions: int

    @property
    def reads(self) -> int:
        """Ranges that reduce tasks read, all together."""
        return self.segments * self.partitions

    @property
    def mean_run(self) -> float:
        """Bytes that a reduce task finds in a segment."""
        return self.rows_bytes / max(self.reads, 1)


def traffic_of(
    plan: Plan, standing: Standing, estimates: Sequence[Estimate], resources: Resources
) -> Iterator[Traffic]:
    """Yield what each exchange carries: as its pass counted, or a row for each document that there may be."""
    for number_ in range(plan.passes):
        works = {source: route[number_] for source, route in plan.routes.items()}
        stages = {work.exchange_label: work.exchange for work in works.values() if work.exchange is not None}
        for label, stage in stages.items():
            counted = _counted(standing, f"pass {number_ + 1} of {plan.passes}")
            taking_part = [each for each in estimates if works[each.source].exchange is not None]
            documents = sum(each.documents for each in taking_part)
            told = stage.for_documents(documents) if isinstance(stage, Counting) else stage
            emitted = counted or _guessed(stage, taking_part)
            partitions = ranges_of(told) or resources.partitions_for(sum(emitted))
            yield _traffic(label, emitted, partitions, resources)


def _counted(standing: Standing, step: str) -> list[int]:
    """Return the bytes of rows that each split has emitted, where the pass is done."""
    receipts = standing.receipts.get(step, ())
    return [int(receipt.info["rows_bytes"]) for receipt in receipts if receipt.info["rows"] is not None]


def _guessed(stage: ExchangeStage, estimates: Sequence[Estimate]) -> list[int]:
    """Return a row for each document; a stage that divides its keys sends the texts along."""
    width, texts = stage.layout.dtype.itemsize, isinstance(stage, Dividing)
    whole = {each.source: each.documents * width + texts * each.chars for each in estimates}
    return [whole[each.source] // max(each.splits, 1) for each in estimates for _ in range(each.splits)]


def _traffic(label: str, emitted: Sequence[int], partitions: int, resources: Resources) -> Traffic:
    segments = sum(max(1, -(-each // resources.spill_bytes)) for each in emitted)
    return Traffic(label, sum(emitted), segments, partitions)


def exchange_cautions(traffic: Traffic) -> Iterator[str]:
    """Yield what is wrong with an exchange; a single partition reads whole segments, and that is never too little."""
    what = f"{traffic.label}: {number(traffic.segments)} segments x {number(traffic.partitions)} partitions"
    remedy = "make splits larger (`split_bytes`), raise `--spill-bytes`, or give fewer `--partitions`"
    if traffic.reads > MOST_READS:
        yield f"{what} are {size(traffic.reads)} reads, more than {size(MOST_READS)}: {remedy}"
    elif traffic.partitions > 1 and traffic.mean_run < LEAST_RUN:
        yield f"{what} leave {size(traffic.mean_run)} bytes a read on average, less than 64 KiB: {remedy}"


def dedup_cautions(manifest: Manifest) -> Iterator[str]:
    """Yield which stages look for near duplicates where they find few of them, or past builds that they mean to see."""
    for name, stage in banded(manifest):
        if isinstance(stage, DedupMinhash) and stage.published is not None:
            yield from published_cautions(name, stage.published, stage.jaccard)
        else:
            yield from curve_cautions(name, stage)
    for entry in manifest.stages:
        if isinstance(entry.stage, Comparing):
            yield from _unseen(entry.name, entry.stage.earlier)


def _unseen(label: str, named: Sequence[EarlierBuild]) -> Iterator[str]:
    """Yield which earlier builds were compared with others that are not named: what stays there is only in those."""
    contents = {build.content for build in named}
    for build in named:
        if others := len(compared_with(build.path, label) - contents):
            yield (
                f"{label}: {build.path} was itself compared with {plural(others, 'earlier build')} not named here, and "
                "keeps nothing of what is in them: name them under `against`, too"
            )


def banded(manifest: Manifest) -> Iterator[tuple[str, Banded]]:
    """Yield the stages that find candidates by bands, each with its name."""
    for entry in manifest.stages:
        if isinstance(entry.stage, Banded):
            yield entry.name, entry.stage


@dataclass(frozen=True)
class Demand:
    """What all phases take of a pool.

    Args:
        pool: its name.
        asked: tokens, over all phases.
        held: tokens that it may hold.
        max_epochs: how often it may be read.
        counted: whether `held` was counted.
        narrowed: it has a condition, so that it may hold less than its sources.
    """

    pool: str
    asked: int
    held: int
    max_epochs: float
    counted: bool
    narrowed: bool

    @property
    def epochs(self) -> float:
        """How often the pool is read."""
        return self.asked / self.held if self.held else float("inf")


def demands_of(manifest: Manifest, estimates: Sequence[Estimate], standing: Standing) -> list[Demand]:
    """Return what the phases take of every pool, sorted by name; where the pools are done, what they hold is exact."""
    held = {each.source: each.tokens for each in estimates}
    counted = Counter[str]()
    for receipt in standing.receipts.get("pools", ()):
        counted.update(receipt.counts)
    holds = {
        pool.name: counted[f"pool:{pool.name}"] if counted else _foreseen(manifest, pool, held)
        for pool in manifest.pools
    }
    asked = asked_of(manifest, holds)
    return [
        Demand(
            pool.name,
            asked[pool.name],
            holds[pool.name],
            manifest.max_epochs_of(pool.name),
            counted=bool(counted),
            narrowed=pool.where is not None,
        )
        for pool in manifest.pools
    ]


def _foreseen(manifest: Manifest, pool: Pool, held: Mapping[str, int]) -> int:
    """Return the tokens that a pool may hold: those of its sources, but what is held out of them, or that alone."""
    out = {source: manifest.holdout_of(source) for source in pool.sources}
    shares = {source: share if pool.name == HOLDOUT else 1 - share for source, share in out.items()}
    return round(sum(held[source] * share for source, share in shares.items()))


def asked_of(manifest: Manifest, held: Mapping[str, int]) -> Counter[str]:
    """Return the tokens that all phases together take of each pool; groups are shared out by what pools hold."""
    asked = Counter[str]()
    for phase in manifest.phases:
        asked.update(phase_shares(manifest, phase, held))
    return asked


def phase_shares(manifest: Manifest, phase: Phase, held: Mapping[str, int]) -> dict[str, int]:
    """Return the tokens that a phase takes of each pool, where every pool holds so many."""
    groups = manifest.mix.shared if manifest.mix is not None else {}
    return sharing_of(phase.weights, groups, held).of(phase.tokens)


def budget_cautions(manifest: Manifest, demands: Sequence[Demand]) -> Iterator[str]:
    """Yield which pools may be too small for what is asked of them."""
    for each in (each for each in demands if each.epochs > each.max_epochs):
        held = f"{'' if each.counted else 'about '}{size(each.held)}"
        yield (
            f"pool {each.pool}: the phases take {size(each.asked)} tokens and it holds {held}, to be read "
            f"{number(each.max_epochs)} times at most: {_remedy(manifest, each.pool)}"
        )
    wide = sorted(each.pool for each in demands if each.narrowed and not each.counted)
    if wide and manifest.mix is not None:
        yield f"pool {listed(wide)}: what its `where` leaves out is not estimated; it may hold less than is said here"


def _remedy(manifest: Manifest, pool: str) -> str:
    """Return what can be done about a pool that is too small."""
    mix = manifest.mix
    if mix is not None and all(phase.short == "scale" for phase in mix.phases if pool in mix.pools_of(phase)):
        return "its phases are made shorter, as `short: scale` says; ask for less or allow more epochs to choose how"
    return "ask for less, allow more epochs, or write `short: scale`"
