"""Fits of a what-if: bounds that follow from all documents, found again where other documents would stand.

In:  a fit, and the splits that take part in it, at the end of the pass behind which it is made.
Out: the stage that waits for it, with the bound that it would have; or a note that it cannot be told.
Guaranteed: a bound is the number that a build would find, if every document that stands there has one.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.top_share import QUANTILE_FILE, TopShare
from pipelines.audit.opened import Opened
from pipelines.audit.whatif_walk import Gap, SplitWalk
from pipelines.engine.route import Fit
from pipelines.engine.sealing import read_input


def refit(build: Opened, fit: Fit, walks: Sequence[SplitWalk]) -> None:
    """Fit again what is fitted behind a pass, as far as kept numbers can.

    Args:
        build: the build.
        fit: what is fitted.
        walks: the splits that take part, at the end of the pass.
    """
    if isinstance(fit.stage, TopShare):
        _refit_share(build, fit, fit.stage, walks)
    elif fit.stage is not None:
        for walk in walks:
            walk.lack(Gap(walk.bench.place_of(fit.stage), "fit"), np.flatnonzero(walk.alive != walk.stood))


def _refit_share(build: Opened, fit: Fit, stage: TopShare, walks: Sequence[SplitWalk]) -> None:
    """Find the bound again; where it is the old one, the old verdicts hold."""
    for walk in walks:
        lacking = walk.alive & (walk.undecided | walk.numbers.missing(stage.signal))
        walk.lack(Gap(walk.bench.place_of(stage), "fit"), np.flatnonzero(lacking))
    numbers = [walk.numbers[stage.signal].filter(pa.array(walk.alive)) for walk in walks]
    found = msgspec.json.encode(bound_of(pa.chunked_array(numbers), stage))
    if found != _found_before(build, fit):
        for walk in walks:
            walk.fits[fit.name] = stage.fitted({QUANTILE_FILE: found})


def _found_before(build: Opened, fit: Fit) -> bytes | None:
    """Return the bound that the build found; None where it looked for no such one."""
    content = build.lock.fits.get(fit.name)
    return None if content is None else read_input(build.storage, content)[QUANTILE_FILE]


def bound_of(numbers: pa.ChunkedArray, stage: TopShare) -> int | float | None:
    """Return the number of the last document of the stage's share; None where no document has one."""
    values: npt.NDArray[np.generic] = numbers.drop_null().to_numpy()
    known = np.sort(values[values == values])  # noqa: PLR0124 - NaN is no number
    if len(known) == 0:
        return None
    wanted = ceil(Fraction(repr(stage.share)) * len(known))
    bound: int | float = known[-wanted if stage.highest else wanted - 1].item()
    return bound + 0
