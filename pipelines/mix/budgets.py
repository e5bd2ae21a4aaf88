"""Budgets: how many tokens each phase takes from each pool, and where in the pool's stream they lie.

In:  phases (tokens, weights), groups of pools, the tokens that every pool holds, and how often a pool may be read.
Out: intervals: a phase takes `tokens` tokens of a pool from position `start` of its stream.
Guaranteed: the intervals of a phase sum to its tokens, exactly; no two intervals of a pool overlap; none ends beyond
    `max_epochs`, so that no document is drawn more often than `max_epochs`, rounded up. All arithmetic is in integers.

A pool is an endless stream, epoch after epoch; position x lies in epoch x // total. Each pool has its own position.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from pipelines.errors import ShortPool
from pipelines.mix.groups import Groups, Sharing, share_out, sharing_of, whole_weights

MOST_EPOCHS = 255
"""How often a pool may be read at most: shards count epochs in uint8."""

MaxEpochs = float | Mapping[str, float]
"""How often a pool may be read over the whole build: one number for all pools, or one by pool name (1 where absent)."""


@dataclass(frozen=True)
class Phase:
    """What a phase asks for.

    Args:
        name: its name, unique in the build.
        tokens: tokens to take, of all pools together.
        weights: share of each pool or group; only their proportions count.
        start: `continue` goes on where the pool's previous phase stopped; `restart` begins at the pool's first
            document again, in the next epoch that no phase has touched.
        short: where a pool holds too little, `error` stops the build and `scale` takes fewer tokens of every pool.
    """

    name: str
    tokens: int
    weights: Mapping[str, float]
    start: Literal["continue", "restart"] = "continue"
    short: Literal["error", "scale"] = "error"


@dataclass(frozen=True)
class Interval:
    """The tokens [start, start + tokens) of a pool's stream, taken by a phase; never empty."""

    phase: str
    pool: str
    start: int
    tokens: int

    @property
    def end(self) -> int:
        """The position after the last token."""
        return self.start + self.tokens


@dataclass(frozen=True)
class _Share:
    """What one pool can give a phase: the stream's positions [start, limit) of `held` tokens an epoch."""

    pool: str
    held: int
    epochs: float
    start: int

    @property
    def limit(self) -> int:
        return math.floor(self.held * Fraction(str(self.epochs)))

    @property
    def room(self) -> int:
        return max(self.limit - self.start, 0)


def phase_tokens(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Share `total` tokens out by largest remainder; equal remainders go by pool name.

    Args:
        total: tokens to share, at least 0.
        weights: one number per pool, none negative, not all 0, read as the decimal it is written as (0.1 is a tenth).

    Returns:
        Tokens per pool, in the order of `weights`; they sum to `total`, each within one token of its exact share.
    """
    return share_out(total, whole_weights(weights))


def intervals(
    phases: Sequence[Phase],
    pool_totals: Mapping[str, int],
    max_epochs: MaxEpochs = 1,
    groups: Groups = MappingProxyType({}),
) -> list[Interval]:
    """Lay the phases, in their order, along the streams of their pools.

    Args:
        phases: what to take; a weight of 0, or one too small for a single token, gives no interval.
        pool_totals: tokens in one epoch of each pool.
        max_epochs: how often each pool may be read over the whole build; may be fractional. A `restart` begins a new
            epoch, and what it leaves unread of the last one counts as read.
        groups: what names in the weights stand for that are no pools; a phase reaches no pool by two ways.

    Returns:
        Intervals by phase, then in the order of the phase's weights and of the members of groups.

    Raises:
        ShortPool: a pool is empty, or holds too few tokens and the phase does not scale. The message names every
            short pool of the phase, what it needs and holds, and the remedy.
    """
    positions: dict[str, int] = {}
    laid: list[Interval] = []
    for phase in phases:
        sharing = sharing_of(phase.weights, groups, pool_totals)
        shares = [_share(phase, pool, pool_totals, max_epochs, positions) for pool, _, _ in sharing.shares()]
        taken = _fit(phase, sharing, shares)
        spans = [Interval(phase.name, share.pool, share.start, taken[share.pool]) for share in shares]
        laid += [span for span in spans if span.tokens]
        positions |= {span.pool: span.end for span in spans if span.tokens}
    return laid


def once(phase: str, pool: str, pool_totals: Mapping[str, int]) -> list[Interval]:
    """Return the interval of a phase that reads a whole pool once and nothing else; none of an empty pool."""
    held = pool_totals.get(pool, 0)
    return [Interval(phase, pool, 0, held)] if held else []


def _share(
    phase: Phase, pool: str, totals: Mapping[str, int], max_epochs: MaxEpochs, positions: Mapping[str, int]
) -> _Share:
    held = totals.get(pool, 0)
    epochs = max_epochs.get(pool, 1) if isinstance(max_epochs, Mapping) else max_epochs
    position = positions.get(pool, 0)
    if phase.start == "restart" and held:
        position = -(-position // held) * held
    return _Share(pool, held, epochs, position)


def _fit(phase: Phase, sharing: Sharing, shares: Sequence[_Share]) -> dict[str, int]:
    """Return what the phase takes of each pool, scaled down where it says so."""
    wanted = sharing.of(phase.tokens)
    short = [share for share in shares if wanted[share.pool] > share.room]
    if not short:
        return wanted
    if phase.short == "error" or any(share.room == 0 for share in short):
        raise ShortPool("\n".join(_complaint(phase, share, wanted[share.pool]) for share in short))
    return _scaled(phase.tokens, sharing, {share.pool: share.room for share in shares})


def _scaled(total: int, sharing: Sharing, room: Mapping[str, int]) -> dict[str, int]:
    """Return the shares of the largest total, at most `total`, that leaves no pool short.

    Each level of groups takes less than a token off a pool's exact share, so no total of (room + levels) / share or
    more of any pool can do. Below it, one pool's share may still be rounded up past its room (and, largest remainder
    not being monotone, may not be at the next total), so totals are tried downwards: at most (2 levels - 1) /
    (smallest share) of them. A single token goes to the pool that comes first at each level, and that one has room.
    """
    bounds = [math.ceil((room[pool] + levels) / share) - 1 for pool, share, levels in sharing.shares() if share]
    candidates = (sharing.of(candidate) for candidate in range(min(total, *bounds), 0, -1))
    return next(shares for shares in candidates if all(shares[pool] <= room[pool] for pool in shares))


def _complaint(phase: Phase, share: _Share, wanted: int) -> str:
    if share.held == 0:
        return (
            f"pool {share.pool!r} is empty, and phase {phase.name!r} takes {wanted:,} tokens of it: no document that "
            f"survived and is not held out belongs to it; widen mix.pools.{share.pool} or sources.{share.pool}, loosen "
            "the stages before it, or drop its weight"
        )
    needed = math.ceil(Fraction(share.start + wanted, share.held) * 100) / 100
    longer = f"set mix.max_epochs.{share.pool} to {needed:g} or more, " if needed <= MOST_EPOCHS else ""
    return (
        f"pool {share.pool!r} is short: phase {phase.name!r} takes {wanted:,} tokens from position {share.start:,}, "
        f"but {share.held:,} tokens x {share.epochs:g} epochs end at {share.limit:,}; {longer}take fewer tokens, lower "
        "its weight, or say `short: scale`"
    )
