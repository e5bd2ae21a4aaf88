"""Who stays of near duplicates: the second exchange of `dedup_minhash`, by component.

In:  members of components, with their shingles; those of earlier builds with the shingles that were stored of them.
Out: per member whether it stays, or for whom it falls.
Guaranteed: each member is compared, best first, with those that stay; documents of earlier builds are best of all, and
     stay. With `verify: false` the first of each component stays for all.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.batch import Batch, Columns
from pipelines.dedup.earlier import build_numbers
from pipelines.dedup.exchanges import HOME, Documents, Standing
from pipelines.dedup.groups import bounds_of, first_rows
from pipelines.dedup.keys import text_hashes
from pipelines.dedup.minhash_options import MinhashOptions
from pipelines.dedup.ranking import RANKED, addresses, ranked_columns, ranking
from pipelines.dedup.scope import ODD
from pipelines.dedup.verify import verify_all
from pipelines.engine.exchange import Layout, Rows

F32 = npt.NDArray[np.float32]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


class MinhashSurvivors(MinhashOptions):
    """Decides within components; `DedupMinhash` makes it."""

    version: ClassVar[int] = 1
    layout: ClassVar[Layout] = Layout((*RANKED, ("exempt", "u1")))
    cuts: ClassVar[bool] = False
    reads_text: ClassVar[bool] = True

    def measure(self, batch: Batch) -> Columns:
        """Return nothing: what is needed was measured for the first exchange."""
        del batch
        return {}

    def emit(self, documents: Documents, standing: Standing) -> Rows:
        """Return a row per member of a component, with its shingles as payload."""
        component = documents.component
        places = np.flatnonzero(component.is_valid()) if component is not None else np.arange(0)
        if component is None or not len(places):
            return Rows.empty(self.layout.dtype)
        members = _with_content(documents, places)
        return Rows.build(
            self.layout,
            key=component.take(pa.array(places)).to_numpy() * ODD,
            row=members["row"],
            slot=np.zeros(len(places), np.uint32),
            payloads=self.shingle_bytes(members.text) if self.verify else None,
            exempt=np.full(len(places), standing.exempt, np.uint8),
            **ranked_columns(members, standing, self.prefer),
        )

    def recall(self, members: Rows, uids: U64, shingles: pa.Array | None) -> Rows:
        """Return the rows of earlier documents that are members of components, which never fall.

        Which of two that are equally similar stays for a document follows from the order of builds and documents alone.
        """
        return Rows.build(
            self.layout,
            key=members["component"] * ODD,
            row=members["row"],
            payloads=shingles,
            content_high=np.zeros(len(members), np.uint64),
            content_low=np.zeros(len(members), np.uint64),
            uid=uids,
            preference=np.zeros(len(members), np.int64),
            position=np.zeros(len(members), np.uint32),
            exempt=np.ones(len(members), np.uint8),
        )

    def reduce(self, rows: Rows) -> Rows:
        """Return a row home for every document of a group of two or more."""
        rows = rows.take(np.lexsort((*ranking(rows, self.prefer), rows["key"])))
        starts = bounds_of(rows["key"])
        kept, similarity, cluster = self._decide(rows, starts) if len(rows) else _nobody()
        falls = (kept != np.arange(len(rows))) & (rows["exempt"] == 0)
        members, address = np.flatnonzero(cluster > 1), addresses(rows)
        return Rows.build(
            HOME,
            key=address[members],
            row=rows["row"][members],
            slot=np.zeros(len(members), np.uint32),
            kept_uid=rows["uid"][kept][members],
            similarity=similarity[members],
            cluster=cluster[members],
            dropped=(falls * (1 + build_numbers(address[kept])))[members].astype(np.uint8),
        )

    def _decide(self, rows: Rows, starts: I64) -> tuple[I64, F32, U32]:
        """Return for each member who stays for it, how alike they are, and how many that one stays for.

        Args:
            rows: members of components, one component after another, best first.
            starts: where each component begins, and the end.
        """
        exempt = rows["exempt"] != 0
        if not self.verify:
            return _first_stays(starts, exempt)
        return verify_all(starts, rows.offsets // 8, rows.payload.view(np.uint64), exempt, self.jaccard)


def _with_content(documents: Documents, places: I64) -> Documents:
    """Return some documents, with the hashes of their texts."""
    text = documents.text.take(pa.array(places))
    high, low = (np.asarray(half) for half in text_hashes(text))
    columns = {name: values[places] for name, values in documents.columns.items()}
    return Documents({**columns, "content_high": high, "content_low": low}, text)


def _first_stays(starts: I64, exempt: npt.NDArray[np.bool_]) -> tuple[I64, F32, U32]:
    """Let the first of each component stay for all that are not exempt; nobody has measured how alike they are."""
    kept = first_rows(starts)
    kept[exempt] = np.flatnonzero(exempt)
    cluster = np.bincount(kept, minlength=len(kept)).astype(np.uint32)[kept]
    similarity = np.where(kept == np.arange(len(kept)), 1.0, np.nan).astype(np.float32)
    return kept, similarity, cluster


def _nobody() -> tuple[I64, F32, U32]:
    return np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.uint32)
