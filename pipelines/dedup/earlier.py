"""Earlier builds: what a stage may be told to compare with, and how their documents are numbered beside its own.

In:  the option `against` of a manifest.
Out: `EarlierBuild`s; numbers of splits, and from addresses the build that a document belongs to.
Guaranteed: every document of an earlier build has a greater address than any of this one.
"""

from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipelines.sequences import as_tuple

U64 = npt.NDArray[np.uint64]

SPLIT_BITS = 26
"""Split s of the n-th earlier build, n from 1, has the number n << 26 | s among all that meet in an exchange."""

MOST_BUILDS = (1 << 32 - SPLIT_BITS) - 1

FIRST_EARLIER = np.uint64(1 << SPLIT_BITS + 32)
"""The smallest address of a document of an earlier build."""


class EarlierBuild(BaseModel):
    """A finished build whose documents this one is compared with; a manifest writes its folder alone.

    Args:
        path: the build folder. It never enters identity.
        content: hash of the keys that are read of it, set when the manifest is loaded; this is what identity sees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"type": ["object", "string"]})
    path: str = Field(exclude=True)
    content: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


EarlierBuilds: TypeAlias = Annotated[EarlierBuild | tuple[EarlierBuild, ...], BeforeValidator(as_tuple)]
"""One build, or several."""


def listed(against: EarlierBuilds) -> tuple[EarlierBuild, ...]:
    """Return the builds that an option names, in its order."""
    return (against,) if isinstance(against, EarlierBuild) else against


def split_number(build: int, split: int) -> int:
    """Return the number of a split of an earlier build, the first of which is 1."""
    return build << SPLIT_BITS | split


def build_numbers(address: U64) -> U64:
    """Return which earlier build each document belongs to, from 1; 0 is the build that compares."""
    return address >> np.uint64(SPLIT_BITS + 32)
