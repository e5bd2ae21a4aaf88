"""The tally of a bench: what is counted of the members of components, many at a time.

In:  members with their shingles, as they come to the exchange that decides.
Out: sizes before and after verification, who falls with it and who would without, how alike candidates are, and some
     pairs of each kind.
Guaranteed: decisions are the exchange's own; what is counted does not depend on how many members come at a time.
"""

from collections import Counter

import numpy as np
import numpy.typing as npt

from filters.kernels.shingles import Shingles
from pipelines.audit.bench_pairs import Pairs, candidates, drawn_for, joined, similarities_of, thinned
from pipelines.dedup.groups import bounds_of
from pipelines.dedup.minhash_survivors import MinhashSurvivors
from pipelines.dedup.ranking import addresses, ranking
from pipelines.engine.exchange import Rows

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

LARGEST = 5
"""Components that are named."""

PARTS = 1000
"""Similarities are counted by thousandths."""

Large = tuple[int, int, int]
"""Members of a component, how many of them fall, and the address of the best."""


class Tally:
    """Counts.

    Args:
        stage: decides; it verifies.
        pairs: of each kind that may be shown of one similarity.
    """

    def __init__(self, stage: MinhashSurvivors, pairs: int) -> None:
        self._stage = stage
        self._transitive = stage.model_copy(update={"verify": False})
        self._each = pairs
        self.components: Counter[int] = Counter()
        self.clusters: Counter[int] = Counter()
        self.largest: list[Large] = []
        self.fallen: list[U64] = []
        self.unverified: list[U64] = []
        self.similarities: list[npt.NDArray[np.float32]] = []
        self.verified = joined([])
        self.rejected = joined([])

    def add(self, rows: Rows) -> None:
        """Count members; all of a component come at once."""
        rows = rows.take(np.lexsort((*ranking(rows, self._stage.prefer), rows["key"])))
        if not len(rows):
            return
        home = self._stage.reduce(rows)
        fell = np.isin(addresses(rows), home["key"][home["dropped"] != 0])
        self._count_sizes(rows, home, fell)
        self.fallen.append(addresses(rows)[fell])
        without = self._transitive.reduce(rows)
        self.unverified.append(without["key"][without["dropped"] != 0])
        self._keep_verified(rows, home)
        self._keep_candidates(rows)

    def _count_sizes(self, rows: Rows, home: Rows, fell: npt.NDArray[np.bool_]) -> None:
        starts = bounds_of(rows["key"])
        sizes = np.diff(starts)
        self.components.update(sizes.tolist())
        for size, members in Counter(home["cluster"].tolist()).items():
            self.clusters[size] += members // size
        falls = np.add.reduceat(fell.astype(np.int64), starts[:-1])
        best = addresses(rows)[starts[:-1]]
        order = np.lexsort((best, -sizes))[:LARGEST]
        large = zip(sizes[order].tolist(), falls[order].tolist(), best[order].tolist(), strict=True)
        self.largest = sorted([*self.largest, *large], key=lambda each: (-each[0], each[2]))[:LARGEST]

    def _keep_verified(self, rows: Rows, home: Rows) -> None:
        """Keep some of the pairs by which a document falls."""
        falls = home.take(np.flatnonzero(home["dropped"] != 0))
        right = _places(addresses(rows), falls["key"])
        left = _places(rows["uid"], falls["kept_uid"])
        self.verified = self._thinned([self.verified, self._pairs(rows, left, right, falls["similarity"])])

    def _keep_candidates(self, rows: Rows) -> None:
        """Measure all pairs that share a band, and keep some of those that are not alike enough."""
        found = Shingles(rows.offsets // 8, rows.payload.view(np.uint64))
        left, right = candidates(rows["key"], self._stage.band_keys_of(found))
        similarity = similarities_of(found, left, right)
        self.similarities.append(similarity)
        low = np.flatnonzero(similarity < np.float32(self._stage.jaccard))
        pairs = self._pairs(rows, left[low], right[low], similarity[low])
        self.rejected = self._thinned([self.rejected, pairs])

    def _pairs(self, rows: Rows, left: I64, right: I64, similarity: npt.NDArray[np.float32]) -> Pairs:
        at = addresses(rows)
        return Pairs(similarity, at[left], at[right], rows["key"][left], drawn_for(rows["uid"], left, right))

    def _thinned(self, pairs: list[Pairs]) -> Pairs:
        return thinned(joined(pairs), self._each)


def _places(values: U64, wanted: U64) -> I64:
    """Return where each of some values stands."""
    order = np.argsort(values, kind="stable")
    return np.asarray(order[np.searchsorted(values[order], wanted)])
