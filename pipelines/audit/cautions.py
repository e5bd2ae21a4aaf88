"""Cautions: what a plan is warned of before it runs.

In:  a plan, how far it has come, estimates, and the resources it will have.
Out: sentences, each with what can be done.
Guaranteed: a caution refuses nothing; what cannot be is refused when the manifest is read or the budgets are cut.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.audit.done import Standing
from pipelines.audit.estimates import Estimate
from pipelines.audit.wording import number, plural, size
from pipelines.dedup.curve import Banded, curve_cautions
from pipelines.dedup.earlier import EarlierBuild
from pipelines.dedup.exchanges import Comparing, Counting, Dividing, ExchangeStage, ranges_of
from pipelines.dedup.minhash import DedupMinhash
from pipelines.dedup.published import published_cautions
from pipelines.engine.earlier import compared_with
from pipelines.engine.job import Resources
from pipelines.engine.plan import Plan
from pipelines.manifest import Manifest

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
