"""The mix: how many tokens of which pool each phase of training reads.

In:  `mix:` of a manifest.
Out: a frozen `Mix` with whole numbers of tokens and weights that sum to 1.
Guaranteed: weights are finite, not negative and sum to 1 within 1e-9; phases and pools have names fit for folders.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipelines.amounts import Count
from pipelines.expressions import Expression, parse
from pipelines.mix.budgets import MOST_EPOCHS
from pipelines.mix.groups import Group, pools_below

HOLDOUT = "holdout"
"""What the pool of held-out documents, the folder of its shards and the draw that chooses them are called."""


def check_name(name: str) -> str:
    """Return a name that can be a folder's; raise ValueError for any other."""
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", name):
        raise ValueError("a name has letters, digits, _ . and -, does not begin with a dot, and is at most 100 long")
    return name


def check_expression(text: str) -> str:
    """Return the text of an expression that can be read; raise ExpressionError for any other."""
    parse(text)
    return text


ItemName = Annotated[str, AfterValidator(check_name)]

ExpressionText = Annotated[str, AfterValidator(check_expression)]

Method = Literal["concat", "best_fit", "pad_truncate"]
"""Ways of packing; `pipelines/mix/pack.py` has a function for each."""

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]

Epochs = Annotated[float, Field(gt=0, le=MOST_EPOCHS, allow_inf_nan=False)]


@dataclass(frozen=True)
class Pool:
    """A stream of documents that phases draw from.

    Args:
        name: in the manifest.
        sources: names of the sources in it, sorted.
        where: which of their documents are in it; None for all.
    """

    name: str
    sources: tuple[str, ...]
    where: Expression | None = None


class PoolOptions(BaseModel):
    """An entry of `pools:`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str, ...] = Field(min_length=1, description="Names or tags of sources.")
    where: ExpressionText | None = Field(None, description="Only documents for which this expression is true.")
    subset_of: str | None = Field(
        None, description="A pool or source that must hold every document of this one; the build stops if it does not."
    )


class GroupOptions(BaseModel):
    """An entry of `groups:`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: tuple[str, ...] | dict[str, Weight] = Field(
        min_length=1, description="Pools, sources or groups: a list, shared out by size, or each with its weight."
    )
    alpha: float | None = Field(
        None,
        ge=0,
        le=1,
        description="By size: shares go by tokens^alpha; mT5 has 0.3, and 1, the size itself, is the default.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if isinstance(self.of, dict) and not any(self.of.values()):
            raise ValueError("all weights are 0; give some member a share")
        if isinstance(self.of, dict) and self.alpha is not None:
            raise ValueError("alpha is for members without weights; write a list, or leave alpha out")
        if len(set(self.of)) < len(self.of):
            raise ValueError("a member is named twice; name each once")
        return self

    @property
    def group(self) -> Group:
        """The same, as budgets read it; members sorted."""
        weights = {name: self.of[name] for name in sorted(self.of)} if isinstance(self.of, dict) else None
        return Group(tuple(sorted(self.of)), weights, 1.0 if self.alpha is None else self.alpha)


def sum_to_one(weights: Mapping[str, float], what: str, *, normalize: bool) -> dict[str, float]:
    """Return weights in order of their names, that sum to 1; raise ValueError for others.

    Args:
        weights: at least one, finite, none below 0.
        what: a name stands for.
        normalize: scale them, whatever they sum to.
    """
    total = math.fsum(weights.values())
    if total == 0:
        raise ValueError(f"all weights are 0; give some {what} a share")
    if abs(total - 1) <= 1e-9:
        return {name: weights[name] for name in sorted(weights)}
    if normalize and total < math.inf:
        return {name: weights[name] / total for name in sorted(weights)}
    raise ValueError(f"the weights sum to {total:.12g}; make them sum to 1, or write `normalize: true`")


class Phase(BaseModel):
    """A stretch of training with one set of weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ItemName = Field(description="Name of the phase; its shards are in a folder of that name.")
    tokens: Count = Field(description="Tokens handed to the packer, BOS and EOS included.")
    normalize: bool = Field(False, description="Scale the weights so that they sum to 1.")
    weights: dict[str, Weight] = Field(
        min_length=1, description="Share of each pool or group; a source is its own pool."
    )
    start: Literal["continue", "restart"] = Field("continue", description="Where in each pool the phase begins.")
    short: Literal["error", "scale"] = Field("error", description="What to do where a pool holds too few tokens.")

    @field_validator("weights")
    @classmethod
    def _sum_to_one(cls, weights: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        return sum_to_one(weights, "pool", normalize=bool(info.data.get("normalize")))


class Mix(BaseModel):
    """What training reads: phases of tokens, drawn from pools."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence_length: Count = Field(2048, description="Tokens that a training sequence trains on.", le=2**31 - 2)
    next_token: bool = Field(False, description="Rows have one token more: the target of their last input.")
    shard_tokens: Count = Field(64_000_000, description="Tokens of a shard.")
    pack: Method = Field(
        "concat", description="How documents become sequences: joined and cut, whole where they fit, or each alone."
    )
    pools: dict[ItemName, PoolOptions] = Field({}, description="Pools besides the sources themselves.")
    groups: dict[ItemName, GroupOptions] = Field({}, description="Pools that share one weight.")
    phases: tuple[Phase, ...] = Field(min_length=1, description="Phases, in order.")
    max_epochs: Epochs | dict[str, Epochs] = Field(
        1.0, description="How often a pool may be read, over all phases: one number, or one for each pool."
    )
    max_share: dict[str, Share] = Field(
        {}, description="Largest share of a phase's tokens that may come from a source, or the sources of a tag."
    )
    holdout: Share | dict[str, Share] | None = Field(
        None,
        description="Share of the documents that no phase reads: they have shards of their own, for evaluation. One "
        "number, or one for each source or tag.",
    )

    def max_epochs_of(self, pool: str) -> float:
        """Return how often a pool may be read over all phases; once where nothing is said."""
        return self.max_epochs.get(pool, 1.0) if isinstance(self.max_epochs, dict) else self.max_epochs

    def declared_pools(self, sources: Mapping[str, tuple[str, ...]]) -> tuple[Pool, ...]:
        """Return the pools under `pools`, sorted by name; `sources`: a source's name or a tag -> what it stands for."""
        return tuple(_resolve(name, self.pools[name], sources) for name in sorted(self.pools))

    @cached_property
    def shared(self) -> dict[str, Group]:
        """The groups by name, as budgets read them."""
        return {name: options.group for name, options in self.groups.items()}

    @property
    def folders(self) -> list[str]:
        """Names of the folders of shards: the phases in order, then what is held out, if anything is."""
        return [*(phase.name for phase in self.phases), *([HOLDOUT] if self.holdout is not None else [])]

    @property
    def subsets(self) -> dict[str, str]:
        """Pools that must be subsets -> the pool that must hold all of them."""
        return {name: options.subset_of for name, options in self.pools.items() if options.subset_of is not None}

    def pools_of(self, phase: Phase) -> list[str]:
        """Return the pools that a phase draws from, those of its groups among them."""
        return [pool for name in phase.weights for pool in pools_below(name, self.shared)]

    def all_pools(self, sources: Mapping[str, tuple[str, ...]]) -> tuple[Pool, ...]:
        """Return the declared pools, the sources that phases draw from and what is held out, sorted by name."""
        drawn = {pool for phase in self.phases for pool in self.pools_of(phase)} - self.pools.keys()
        pools = [*self.declared_pools(sources), *(Pool(name, sources[name]) for name in drawn)]
        if held := {each for pool in pools for each in pool.sources if self.holdout_of(each, sources)}:
            pools.append(Pool(HOLDOUT, tuple(sorted(held))))
        return tuple(sorted(pools, key=lambda pool: pool.name))

    def holdout_of(self, source: str, sources: Mapping[str, tuple[str, ...]]) -> float:
        """Return the share of a source's documents that is held out: as its own name says, or a tag of it.

        Args:
            source: its name.
            sources: a source's name or a tag -> what it stands for.
        """
        if not isinstance(self.holdout, dict):
            return self.holdout or 0.0
        own = [self.holdout[source]] if source in self.holdout else []
        tags = [self.holdout[name] for name in sorted(self.holdout) if source in sources[name]]
        return next(iter([*own, *tags]), 0.0)


def _resolve(name: str, options: PoolOptions, sources: Mapping[str, tuple[str, ...]]) -> Pool:
    members = {source for member in options.sources for source in sources[member]}
    return Pool(name, tuple(sorted(members)), None if options.where is None else parse(options.where))
