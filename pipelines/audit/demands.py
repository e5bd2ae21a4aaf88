"""Demands: what the phases of a mix take of every pool, beside what the pool holds.

In:  a manifest, estimates of its sources, and what a build in the folder has counted.
Out: a `Demand` per pool, and which pools may be too small.
Guaranteed: tokens are shared out as a build does it, from what each pool holds; what was counted is not estimated.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.audit.done import Standing
from pipelines.audit.estimates import Estimate
from pipelines.audit.wording import listed, number, size
from pipelines.manifest import Manifest, Phase, Pool
from pipelines.mix.groups import sharing_of
from pipelines.mixture import HOLDOUT


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
