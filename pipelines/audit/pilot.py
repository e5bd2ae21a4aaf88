"""The pilot: what each pool of a mix will hold, and whether the phases can be met, before weeks are spent.

In:  a manifest with a mix, and how much of each source is read.
Out: per pool documents and tokens with their 95 % intervals; per phase what it could take; what a sample cannot tell.
Guaranteed: what is counted was counted by the passes of a build; where all of every source is read, it is what the
    build's pools hold. Nothing is written but to a temporary folder.

Intervals say how far the sample may be off by chance (`pipelines/audit/spread.py`). They say nothing of copies: of two
that lie just anywhere in a source of which the share p is read, both are read with chance p * p, so a sample loses
fewer documents to duplicates than the whole, and its pools are too large by that.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from filters.classifier import Classifier
from filters.top_share import TopShare
from pipelines.audit.pilot_run import Held, Ran, run_pilot
from pipelines.audit.pilot_sample import Stratum, wanted_of
from pipelines.audit.spread import Looked, estimate
from pipelines.audit.wording import listed
from pipelines.dedup.exchanges import ExchangeStage
from pipelines.engine.budgeting import phases_of
from pipelines.engine.session import Settings
from pipelines.errors import RequestError, ShortPool
from pipelines.manifest import Manifest, Pool
from pipelines.mix.budgets import Interval, intervals
from pipelines.mixture import Mix

FEW = 50
"""Documents of a pool, below which a few long ones decide its tokens, and the interval may miss that there are such."""


@dataclass(frozen=True)
class Amount:
    """A number of documents or tokens.

    Args:
        likely: the estimate.
        low: where its 95 % interval begins; None where there is none.
        high: where that ends.
    """

    likely: int
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Foreseen:
    """What a pool will hold.

    Args:
        pool: its name.
        seen: documents of it in the sample.
        documents: that it will hold.
        tokens: that it will hold in one epoch.
        outside: documents of the sample that are not in the pool of its `subset_of`.
    """

    pool: str
    seen: int
    documents: Amount
    tokens: Amount
    outside: int


@dataclass(frozen=True)
class Met:
    """Whether a phase can be met.

    Args:
        phase: its name.
        asked: tokens.
        could: tokens that it could take, at most what is asked; low and high where all its pools are.
        verdict: `yes` where even the low numbers suffice, `no` where the high ones do not.
    """

    phase: str
    asked: int
    could: Amount
    verdict: Literal["yes", "perhaps", "no"]


@dataclass(frozen=True)
class Read:
    """What was read of a source: records from some places (splits) of all that it was cut into, or all of it."""

    source: str
    records: int
    places: int
    splits: int
    whole: bool


@dataclass(frozen=True)
class Pilot:
    """What a pilot says.

    Args:
        manifest: its name.
        wanted: what was asked to be read, as it was written.
        sources: what was read.
        pools: what they will hold, by name.
        phases: whether they can be met, in order.
        stops: why the build would stop at the likely numbers; "" where it would not.
        notes: what the numbers do not say.
    """

    manifest: str
    wanted: str
    sources: list[Read]
    pools: list[Foreseen]
    phases: list[Met]
    stops: str
    notes: list[str]


def pilot(manifest: Manifest, wanted: str, settings: Settings) -> Pilot:
    """Run a manifest on a sample, and foresee its pools and phases.

    Args:
        manifest: what is asked for.
        wanted: `1%`, `0.01`, or documents of each source, such as `20000`.
        settings: where to run; who is told.

    Raises:
        RequestError: the manifest has no mix, or `wanted` is no amount.
        BuildError: a stage cannot do its work on the sample.
    """
    amount = wanted_of(wanted)
    if manifest.mix is None:
        raise RequestError(
            f"{manifest.name} has no mix, so there are no pools to foresee: write `mix`, or leave --pilot"
        )
    ran = run_pilot(manifest, amount, settings)
    pools = [_foreseen(pool, ran) for pool in manifest.pools]
    return Pilot(
        manifest.name,
        wanted,
        [_read(name, ran) for name in sorted(ran.strata)],
        pools,
        _phases(manifest, manifest.mix, pools),
        _stops(manifest, manifest.mix, {each.pool: each.tokens.likely for each in pools}),
        list(_notes(manifest, ran, pools)),
    )


def _read(name: str, ran: Ran) -> Read:
    stratum = ran.strata[name]
    return Read(name, ran.records[name], len(stratum.places), stratum.splits, stratum.whole)


def _foreseen(pool: Pool, ran: Ran) -> Foreseen:
    strata = [ran.strata[source] for source in pool.sources]
    held = {place.split.number: _at(ran, pool, place.split.number) for each in strata for place in each.places}
    return Foreseen(
        pool.name,
        sum(each.documents for each in held.values()),
        _amount(strata, {number: each.documents for number, each in held.items()}),
        _amount(strata, {number: each.tokens for number, each in held.items()}),
        sum(each.outside for each in held.values()),
    )


def _at(ran: Ran, pool: Pool, number: int) -> Held:
    return ran.held.get((number, pool.name), Held())


def _amount(strata: list[Stratum], counts: Mapping[int, int]) -> Amount:
    """Return what several sources hold together; their errors are independent, so their squares add up."""
    found = [estimate(_looked(stratum, counts)) for stratum in strata]
    likely, widths = sum(each for each, _ in found), [width for _, width in found if width is not None]
    if len(widths) < len(found):
        return Amount(round(likely), None, None)
    width = math.hypot(*widths)
    return Amount(round(likely), max(0, math.floor(likely - width)), math.ceil(likely + width))


def _looked(stratum: Stratum, counts: Mapping[int, int]) -> Looked:
    return Looked(
        [place.size for place in stratum.places],
        [counts[place.split.number] * place.scale for place in stratum.places],
        stratum.size,
        stratum.splits,
        all(place.whole for place in stratum.places),
    )


def _phases(manifest: Manifest, mix: Mix, pools: list[Foreseen]) -> list[Met]:
    """Return what each phase could take where all pools hold the low, the likely and the high numbers."""
    ends = [{each.pool: getattr(each.tokens, end) for each in pools} for end in ("low", "likely", "high")]
    low, likely, high = ([] if None in held.values() else _taken(manifest, mix, held) for held in ends)
    found = []
    for at, phase in enumerate(mix.phases):
        could = Amount(likely[at], low[at] if low else None, high[at] if high else None)
        found.append(Met(phase.name, phase.tokens, could, _verdict(phase.tokens, could)))
    return found


def _verdict(asked: int, could: Amount) -> Literal["yes", "perhaps", "no"]:
    if (could.high if could.high is not None else could.likely) < asked:
        return "no" if could.high is not None else "perhaps"
    return "yes" if could.low is not None and could.low >= asked else "perhaps"


def _taken(manifest: Manifest, mix: Mix, held: Mapping[str, int]) -> list[int]:
    """Return the tokens that each phase takes at most; those behind an empty pool none."""
    count = next((at for at in range(len(mix.phases), 0, -1) if _laid(manifest, mix, held, at) is not None), 0)
    spans = _laid(manifest, mix, held, count) or []
    return [sum(span.tokens for span in spans if span.phase == phase.name) for phase in mix.phases]


def _laid(manifest: Manifest, mix: Mix, held: Mapping[str, int], count: int) -> list[Interval] | None:
    """Return what the first phases take, made shorter where they must be; None where a pool is empty or used up."""
    phases = [replace(phase, short="scale") for phase in phases_of(mix)[:count]]
    try:
        return intervals(phases, held, _epochs(manifest), mix.shared)
    except ShortPool:
        return None


def _stops(manifest: Manifest, mix: Mix, held: Mapping[str, int]) -> str:
    try:
        intervals(phases_of(mix), held, _epochs(manifest), mix.shared)
    except ShortPool as error:
        return str(error)
    return ""


def _epochs(manifest: Manifest) -> dict[str, float]:
    return {pool.name: manifest.max_epochs_of(pool.name) for pool in manifest.pools}


def _notes(manifest: Manifest, ran: Ran, pools: list[Foreseen]) -> Iterator[str]:
    """Yield what the numbers do not say."""
    whole = all(stratum.whole for stratum in ran.strata.values())
    alone = [name for name, each in sorted(ran.strata.items()) if len(each.places) == 1 and not each.whole]
    if alone:
        yield f"{listed(alone)}: one file that cannot be cut, and its beginning stands for all of it: no interval"
    if not whole and any(isinstance(entry.stage, ExchangeStage) for entry in manifest.stages):
        yield (
            "duplicates: a sample sees fewer copies than there are (of two that lie anywhere, both are read with the "
            "square of the share), and the intervals do not know it: where sources repeat, pools will hold less"
        )
    if not whole and _fits(manifest):
        yield "what is trained or fitted in the build was so on the sample, and will differ somewhat on the whole"
    few = [each.pool for each in pools if 0 < each.seen < FEW and not whole]
    if few:
        yield f"pool {listed(few)}: fewer than {FEW} documents seen, too few to trust an interval; read more"
    if unseen := [each.pool for each in pools if not each.seen and not whole]:
        yield f"pool {listed(unseen)}: no document of it in the sample; it may be empty, or too rare for so few records"
    for each in (each for each in pools if each.outside):
        wider = manifest.mix.subsets[each.pool] if manifest.mix is not None else ""
        yield f"pool {each.pool} is no subset of {wider}: {each.outside:,} documents here, and the build will stop"


def _fits(manifest: Manifest) -> bool:
    trained = manifest.tokenizer is not None and manifest.tokenizer.train is not None
    return trained or any(isinstance(entry.stage, Classifier | TopShare) for entry in manifest.stages)
