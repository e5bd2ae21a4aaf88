"""How much two sets have in common: their exact Jaccard similarity, or that it stays below what is asked for.

In:  sets as ascending runs of one array.
Out: how many values two of them share; the least number that reaches a similarity; the similarities of pairs.
Guaranteed: exact in integers; a merge ends as soon as what is asked for is out of reach.

A similarity is the float32 nearest to shared / united, and reaches a threshold if it is at least the float32 nearest
to that, so that 4 of 5 reach 0.8, and the stored number says who fell. Bounds are kept as fractions of integers.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed

Values = npt.NDArray[np.uint64] | npt.NDArray[np.int32]

Fraction = tuple[int, int]
"""Numerator and denominator, neither of them above 2^31."""

PARTS = 1 << 24
"""Denominator of a threshold's lower bound: what rounds to a float32 up to 1 lies less than one part below it."""


def threshold_floor(threshold: float) -> Fraction:
    """Return a fraction that is at most each similarity that reaches the threshold, and less than 2 parts below."""
    return max(int(np.floor(np.float64(np.float32(threshold)) * PARTS)) - 1, 1), PARTS


@leaf
def least_shared(sizes: int, similarity: Fraction) -> int:
    """Return how many values two sets must share to be so similar; at least 1.

    Args:
        sizes: number of values of both together, those that they share counted twice.
        similarity: shared / (sizes - shared) must reach it.
    """
    shared, united = similarity
    return max((shared * sizes + shared + united - 1) // (shared + united), 1)


@leaf
def largest_partner(within: int, size: int, similarity: Fraction) -> int:
    """Return the largest size of a set that can be so similar to one of `size` by sharing at most `within` of it."""
    shared, united = similarity
    return within * (shared + united) // shared - size


@leaf
def shared_values(values: Values, one: tuple[int, int], other: tuple[int, int], least: int) -> int:
    """Return how many values two ascending runs share, or -1 if it is fewer than `least`.

    Args:
        values: holds both runs.
        one: place of the first value of a run, and the place after its last.
        other: the same of the other run.
        least: how many are asked for, at least 1.
    """
    here, end = np.uint64(one[0]), np.uint64(one[1])
    there, other_end = np.uint64(other[0]), np.uint64(other[1])
    count, needed = np.uint64(0), np.uint64(least)
    while count + min(end - here, other_end - there) >= needed:
        if here == end or there == other_end:
            return signed(count)
        left, right = values[here], values[there]
        here += np.uint64(left <= right)
        there += np.uint64(right <= left)
        count += np.uint64(left == right)
    return -1


@leaf
def beats(similarity: Fraction, best: Fraction, earlier: bool) -> bool:
    """Return whether a similarity is greater than the best so far, or equal to it and of an earlier set."""
    left, right = similarity[0] * best[1], best[0] * similarity[1]
    return left > right or (left == right and earlier)


@leaf
def as_stored(similarity: Fraction) -> np.float32:
    """Return the float32 nearest to a similarity."""
    return np.float32(similarity[0] / similarity[1])


@kernel
def similarities(
    sets: tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    out: npt.NDArray[np.float32],
) -> None:
    """Write the Jaccard similarity of each pair of sets, as it is stored; of two empty sets it is 1.

    Args:
        sets: where each set begins, and after them the end; their values, ascending in each set.
        left: number of one set of each pair.
        right: number of the other.
        out: float32, one per pair.
    """
    first, values = sets
    for pair in range(len(left)):
        here, end = first[left[pair]], first[left[pair] + 1]
        there, other_end = first[right[pair]], first[right[pair] + 1]
        sizes = end - here + other_end - there
        shared = max(shared_values(values, (here, end), (there, other_end), 1), 0)
        out[pair] = as_stored((shared, sizes - shared)) if sizes else np.float32(1)
