"""Spread: a total estimated from a few places, and the interval that it lies in.

In:  of each place that was looked at, its size and what was found there; the size of the whole.
Out: an estimate of what the whole holds, and half the width of its 95 % interval.
Guaranteed: where all was looked at, the estimate is what was found, and the interval is nothing.

What is found goes with the size of a place, so the estimate is the ratio of both times the size of the whole, and its
error follows from how much places differ from that ratio: cluster sampling, places being the clusters, by the usual
linearized variance of a ratio (Cochran, Sampling Techniques, 3rd edition, 1977, chapters 6 and 9A), with Student's t
for so few places. Differences within a place count by what they do to its total.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's t below which 97.5 % lie, for 1 to 9 degrees of freedom."""


@dataclass(frozen=True)
class Looked:
    """Places of one whole.

    Args:
        sizes: of each place.
        found: in each place, brought up to all of it.
        size: of the whole.
        places: how many there are in the whole.
        complete: whether all of each place was looked at.
    """

    sizes: Sequence[int]
    found: Sequence[float]
    size: int
    places: int
    complete: bool


def estimate(looked: Looked) -> tuple[float, float | None]:
    """Return what the whole holds, and half the width of the interval that it lies in with 95 % confidence.

    None instead of a width: one place alone tells nothing about how they differ.
    """
    count, size = len(looked.sizes), sum(looked.sizes)
    if looked.complete and count == looked.places:
        return sum(looked.found), 0.0
    ratio = sum(looked.found) / size if size else 0.0
    if count < 2 or size == 0:
        return ratio * looked.size, None
    rests = [found - ratio * part for found, part in zip(looked.found, looked.sizes, strict=True)]
    variance = sum(rest * rest for rest in rests) / (count - 1) / count
    unseen = 1 - count / looked.places if looked.complete else 1.0
    error = math.sqrt(variance * unseen) * count / size
    return ratio * looked.size, student(count - 1) * error * looked.size


def student(freedom: int) -> float:
    """Return Student's t below which 97.5 % lie; from 10 degrees of freedom on by Cornish and Fisher's expansion."""
    if freedom <= len(STUDENT):
        return STUDENT[freedom - 1]
    z = NormalDist().inv_cdf(0.975)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
