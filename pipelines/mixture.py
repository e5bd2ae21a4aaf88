"""The mix: how many tokens of which pool each phase of training reads.

In:  `mix:` of a manifest.
Out: a frozen `Mix` with whole numbers of tokens and weights that sum to 1.
Guaranteed: weights are finite, not negative and sum to 1 within 1e-9; phases and pools have names fit for folders.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from pipelines.amounts import Count
from pipelines.expressions import Expression, parse

MOST_EPOCHS = 255
"""Shards note epochs in eight bits."""


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


class Phase(BaseModel):
    """A stretch of training with one set of weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ItemName = Field(description="Name of the phase; its shards are in a folder of that name.")
    tokens: Count = Field(description="Tokens handed to the packer, BOS and EOS included.")
    normalize: bool = Field(False, description="Scale the weights so that they sum to 1.")
    weights: dict[str, Weight] = Field(min_length=1, description="Share of each pool; a source is its own pool.")
    start: Literal["continue", "restart"] = Field("continue", description="Where in each pool the phase begins.")
    short: Literal["error", "scale"] = Field("error", description="What to do where a pool holds too few tokens.")

    @field_validator("weights")
    @classmethod
    def _sum_to_one(cls, weights: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        total = math.fsum(weights.values())
        if total == 0:
            raise ValueError("all weights are 0; give some pool a share")
        if abs(total - 1) > 1e-9:
            if info.data.get("normalize") and total < math.inf:
                return {pool: weights[pool] / total for pool in sorted(weights)}
            raise ValueError(f"the weights sum to {total:.12g}; make them sum to 1, or write `normalize: true`")
        return {pool: weights[pool] for pool in sorted(weights)}


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
    phases: tuple[Phase, ...] = Field(min_length=1, description="Phases, in order.")
    max_epochs: Epochs | dict[str, Epochs] = Field(
        1.0, description="How often a pool may be read, over all phases: one number, or one for each pool."
    )

    def max_epochs_of(self, pool: str) -> float:
        """Return how often a pool may be read over all phases; once where nothing is said."""
        return self.max_epochs.get(pool, 1.0) if isinstance(self.max_epochs, dict) else self.max_epochs

    def declared_pools(self, sources: Mapping[str, tuple[str, ...]]) -> tuple[Pool, ...]:
        """Return the pools under `pools`, sorted by name; `sources`: a source's name or a tag -> what it stands for."""
        return tuple(_resolve(name, self.pools[name], sources) for name in sorted(self.pools))

    def all_pools(self, sources: Mapping[str, tuple[str, ...]]) -> tuple[Pool, ...]:
        """Return the declared pools and the sources that phases draw from, sorted by name."""
        drawn = {pool for phase in self.phases for pool in phase.weights} - self.pools.keys()
        pools = [*self.declared_pools(sources), *(Pool(name, sources[name]) for name in drawn)]
        return tuple(sorted(pools, key=lambda pool: pool.name))


def _resolve(name: str, options: PoolOptions, sources: Mapping[str, tuple[str, ...]]) -> Pool:
    members = {source for member in options.sources for source in sources[member]}
    return Pool(name, tuple(sorted(members)), None if options.where is None else parse(options.where))
