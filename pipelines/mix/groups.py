"""Groups: how a weight is shared out among the members of a group.

In:  a phase's weights by pool or group, the groups, and the tokens that every pool holds.
Out: a `Sharing`, which shares any number of tokens out among pools.
Guaranteed: at each level the members' tokens sum to the group's, exactly, by largest remainder; all arithmetic is in
    integers, so shares are the same on every machine.

A group is shared out by the weights of its members, or by their size: in proportion to n^alpha, where n are the tokens
that a member holds. alpha = 1 is the size itself and alpha = 0 gives all the same; between them the small ones get more
than their size (XLM-R, arXiv 1911.02116, and mT5, arXiv 2010.11934: 0.3; multilingual BERT: 0.7). A sampling
temperature T is alpha = 1 / T.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

POWER = Context(prec=50)
"""Digits in which a power is found; `DIGITS` of them count."""

DIGITS = Context(prec=30)


@dataclass(frozen=True)
class Group:
    """Pools, or other groups, that share one weight.

    Args:
        members: their names.
        weights: share of each member; only their proportions count. None: by size.
        alpha: exponent of the sizes, at least 0, read as the decimal it is written as.
    """

    members: tuple[str, ...]
    weights: Mapping[str, float] | None = None
    alpha: float = 1.0


Groups = Mapping[str, Group]
"""Groups by name; none holds itself, in however many steps."""


@dataclass(frozen=True)
class Sharing:
    """How tokens are shared out, level by level.

    Args:
        parts: whole number per member; only their proportions count, and not all are 0.
        below: of the members that are groups, how each is shared out again.
    """

    parts: Mapping[str, int]
    below: Mapping[str, "Sharing"]

    def of(self, total: int) -> dict[str, int]:
        """Return the tokens of each pool, in the order of members; they sum to `total`."""
        found: dict[str, int] = {}
        for name, tokens in share_out(total, self.parts).items():
            found |= self.below[name].of(tokens) if name in self.below else {name: tokens}
        return found

    def shares(self) -> Iterator[tuple[str, Fraction, int]]:
        """Yield per pool its exact share and how many levels of rounding lie above it."""
        whole = sum(self.parts.values())
        for name, part in self.parts.items():
            share = Fraction(part, whole)
            if name not in self.below:
                yield name, share, 1
            else:
                yield from ((pool, share * inner, depth + 1) for pool, inner, depth in self.below[name].shares())


def sharing_of(weights: Mapping[str, float], groups: Groups, held: Mapping[str, int]) -> Sharing:
    """Return how a phase is shared out.

    Args:
        weights: of pools and groups, read as the decimals they are written as (0.1 is a tenth).
        groups: by name.
        held: tokens in one epoch of each pool; 0 where absent.
    """
    return Sharing(whole_weights(weights), _below(weights, groups, held))


def _below(members: Iterable[str], groups: Groups, held: Mapping[str, int]) -> dict[str, Sharing]:
    return {name: _sharing(groups[name], groups, held) for name in members if name in groups}


def _sharing(group: Group, groups: Groups, held: Mapping[str, int]) -> Sharing:
    below = _below(group.members, groups, held)
    if group.weights is not None:
        return Sharing(whole_weights(group.weights), below)
    sizes = {name: size_of(name, groups, held) for name in group.members}
    return Sharing(_powers(sizes, group.alpha), below)


def size_of(name: str, groups: Groups, held: Mapping[str, int]) -> int:
    """Return the tokens that a pool holds, or all pools of a group together."""
    if name not in groups:
        return held.get(name, 0)
    return sum(size_of(member, groups, held) for member in groups[name].members)


def pools_below(name: str, groups: Groups) -> Iterator[str]:
    """Yield the pools that a name stands for: itself, or those of a group and of the groups in it."""
    if name not in groups:
        yield name
    else:
        for member in groups[name].members:
            yield from pools_below(member, groups)


def _powers(sizes: Mapping[str, int], alpha: float) -> dict[str, int]:
    """Return whole numbers in proportion to size^alpha; all the same where all are empty, so that each is named so."""
    if not any(sizes.values()):
        return dict.fromkeys(sizes, 1)
    exponent = Decimal(str(alpha))
    powers = {name: DIGITS.plus(POWER.power(size, exponent)) if size else Decimal(0) for name, size in sizes.items()}
    return _whole({name: Fraction(power) for name, power in powers.items()})


def whole_weights(weights: Mapping[str, float]) -> dict[str, int]:
    """Return weights, read as decimals, as integers of the same proportions."""
    return _whole({name: Fraction(str(weight)) for name, weight in weights.items()})


def _whole(exact: Mapping[str, Fraction]) -> dict[str, int]:
    scale = math.lcm(*(each.denominator for each in exact.values()))
    return {name: int(each * scale) for name, each in exact.items()}


def share_out(total: int, parts: Mapping[str, int]) -> dict[str, int]:
    """Share `total` out in proportion to `parts` by largest remainder; equal remainders go by name."""
    whole = sum(parts.values())
    floors = {name: total * part // whole for name, part in parts.items()}
    by_remainder = sorted(parts, key=lambda name: (-(total * parts[name] % whole), name))
    winners = set(by_remainder[: total - sum(floors.values())])
    return {name: tokens + (name in winners) for name, tokens in floors.items()}
