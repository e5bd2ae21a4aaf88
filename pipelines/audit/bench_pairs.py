"""Pairs of a bench: who is compared with whom, how alike they are, and which of them people are shown.

In:  members of components, with the keys of their bands and their shingles; pairs with similarities.
Out: candidate pairs, their exact Jaccard similarities, and a few of them, spread over all similarities.
Guaranteed: what is shown depends on the documents alone, not on the order in which pairs come.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.jaccard import similarities
from filters.kernels.shingles import Shingles
from pipelines.dedup.groups import bounds_of
from pipelines.engine.keys import draw

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F32 = npt.NDArray[np.float32]

MOST_OF_BAND = 64
"""Documents of a band up to which all their pairs are looked at; of more, each is paired with the first alone."""

BINS = 200
"""Parts of the similarities from 0 to 1 of which each keeps some pairs that may be shown."""


class Pairs(NamedTuple):
    """Pairs of documents.

    Args:
        similarity: float32, exact Jaccard similarity of their shingles, rounded once.
        left: uint64, address of one; where one falls for the other, of the one that stays.
        right: uint64, address of the other.
        component: uint64, what both belong to.
        drawn: uint64, by which pairs of one similarity are chosen.
    """

    similarity: F32
    left: U64
    right: U64
    component: U64
    drawn: U64

    def take(self, places: I64) -> "Pairs":
        """Return some of the pairs."""
        return self._replace(**{name: column[places] for name, column in self._asdict().items()})


def joined(several: Sequence[Pairs]) -> Pairs:
    """Return pairs of several as one."""
    nothing = Pairs(np.empty(0, np.float32), *(np.empty(0, np.uint64) for _ in range(4)))
    return Pairs(*(np.concatenate(columns) for columns in zip(nothing, *several, strict=True)))


def candidates(components: U64, keys: U64) -> tuple[I64, I64]:
    """Return the pairs of members that share a band: the place of one, and that of the other behind it.

    Args:
        components: uint64[members], ascending.
        keys: uint64[members, bands].
    """
    found = [_of_band(components, keys[:, band]) for band in range(keys.shape[1])]
    count = np.int64(max(len(components), 1))
    codes = np.unique(np.concatenate([np.empty(0, np.int64), *(left * count + right for left, right in found)]))
    return codes // count, codes % count


def _of_band(components: U64, keys: U64) -> tuple[I64, I64]:
    order = np.lexsort((keys, components))
    bounds = bounds_of(components[order], keys[order])
    sizes = np.diff(bounds)
    ends = np.repeat(bounds[1:], sizes)
    firsts, large = np.repeat(bounds[:-1], sizes), np.repeat(sizes > MOST_OF_BAND, sizes)
    places = np.arange(len(order))
    far = places[large & (places > firsts)]
    found = [(firsts[far], far), *_neighbours(places[~large], ends)]
    left, right = (np.concatenate(side) for side in zip(*found, strict=True))
    return order[left], order[right]


def _neighbours(places: I64, ends: I64) -> Iterator[tuple[I64, I64]]:
    """Yield each place with the first one behind it, then with the second, and so on, up to the end of its group."""
    step = 1
    while len(places := places[places + step < ends[places]]):
        yield places, places + step
        step += 1


def similarities_of(found: Shingles, left: I64, right: I64) -> F32:
    """Return the exact Jaccard similarity of each pair of texts, as float32."""
    answer = np.empty(len(left), np.float32)
    similarities((found.first, found.hashes), left, right, answer)
    return answer


def drawn_for(uids: U64, left: I64, right: I64) -> U64:
    """Return a number of each pair that follows from its documents alone."""
    return draw("bench", 0, uids[left]) ^ draw("bench", 1, uids[right])


def thinned(pairs: Pairs, each: int) -> Pairs:
    """Return at most `each` pairs of about every similarity, of as many components as there are."""
    bins = np.minimum((pairs.similarity * BINS).astype(np.int64), BINS)
    order = np.lexsort((pairs.drawn, pairs.component, bins))
    numbers = _numbers_within(bounds_of(bins[order], pairs.component[order]))
    order = order[np.lexsort((pairs.drawn[order], numbers, bins[order]))]
    return pairs.take(order[_numbers_within(bounds_of(bins[order])) < each])


def _numbers_within(bounds: I64) -> I64:
    """Return 0, 1, ... for each group."""
    return np.arange(bounds[-1]) - np.repeat(bounds[:-1], np.diff(bounds))


def spread(pairs: Pairs, count: int) -> Pairs:
    """Return at most `count` pairs whose similarities lie about evenly between the least and the greatest of all.

    Pairs of components that are not shown yet are taken first. They come from the least similar to the most.
    """
    if not len(pairs.similarity):
        return pairs
    targets = np.linspace(pairs.similarity.min(), pairs.similarity.max(), count)
    taken: list[int] = []
    for target in targets.tolist():
        taken += _nearest(pairs, target, taken)
    places = np.array(taken, np.int64)
    return pairs.take(places[np.lexsort((pairs.drawn[places], pairs.similarity[places]))])


def _nearest(pairs: Pairs, target: float, taken: Sequence[int]) -> list[int]:
    """Return the pair that is nearest to a similarity; none where all are taken."""
    known = np.isin(pairs.component, pairs.component[list(taken)])
    order = np.lexsort((pairs.drawn, np.abs(pairs.similarity - np.float32(target)), known))
    left = order[~np.isin(order, list(taken))]
    return [int(place) for place in left[:1]]
