"""Exact duplicates: documents with the same text, or the same URL.

In:  documents, by content hash or normalized URL.
Out: one survivor per group; the others are duplicates, each with its survivor's uid.
Guaranteed: two documents are called the same only if 128 bits agree; who stays depends on the documents alone.
"""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.batch import Batch, Columns, Outcome, Stage, judging, measuring, run_stage
from pipelines.dedup.exchanges import HOME, Documents, Standing
from pipelines.dedup.keys import text_hashes, url_hashes
from pipelines.engine.exchange import Layout, Rows

I64 = npt.NDArray[np.int64]


class DedupExact(Stage):
    """Keep one document of all that have the same text, or the same URL.

    The survivor is the first by: place of its source in `keep`, then `prefer`, then content hash, then uid, then
    (source, path, ordinal). Documents without a URL are never duplicates by URL.
    """

    version: ClassVar[int] = 1
    layout: ClassVar[Layout] = Layout(
        (
            ("low", "u8"),
            ("content_high", "u8"),
            ("content_low", "u8"),
            ("uid", "u8"),
            ("preference", "i8"),
            ("position", "u4"),
            ("exempt", "u1"),
        )
    )
    cuts: ClassVar[bool] = False
    reads_text: ClassVar[bool] = False

    by: Literal["content", "url"] = measuring("content", "What two duplicates share: their text or their URL.")
    keep: list[str] = judging([], "Sources or tags in the order in which they keep their copy.", names="sources")
    prefer: Literal["first", "longest", "most_recent"] = judging("first", "Who stays among equals of `keep`.")
    exempt: list[str] = judging([], "Sources or tags that lose nothing to this stage.", names="sources")
    max_loss: float = judging(0.9, "The build stops when a source loses a larger share than this.", ge=0, le=1)

    def __call__(self, batch: Batch) -> Outcome:
        """Return the key columns of a batch."""
        return run_stage(self, batch)

    @property
    def rule(self) -> str:
        """What the ledger says of a duplicate: `same_content` or `same_url`."""
        return f"same_{self.by}"

    def measure(self, batch: Batch) -> Columns:
        """Return `content_high`, `content_low` (uint64, xxh3_128 of the text) and, by URL, `url_high`, `url_low`."""
        high, low = text_hashes(batch.text)
        columns = {"content_high": high, "content_low": low}
        if self.by == "url":
            columns["url_high"], columns["url_low"] = url_hashes(batch.documents.column("url").cast(pa.string()))
        return columns

    def emit(self, documents: Documents, standing: Standing) -> Rows:
        """Return one row per document that has a key."""
        high, low = documents[f"{self.by}_high"], documents[f"{self.by}_low"]
        keyed = np.flatnonzero((high != 0) | (low != 0)) if self.by == "url" else np.arange(len(high))
        return Rows.build(
            self.layout,
            key=high[keyed],
            row=documents["row"][keyed],
            slot=np.zeros(len(keyed), np.uint32),
            low=low[keyed],
            content_high=documents["content_high"][keyed],
            content_low=documents["content_low"][keyed],
            uid=documents["uid"][keyed],
            preference=self._preference(documents)[keyed],
            position=np.full(len(keyed), standing.position, np.uint32),
            exempt=np.full(len(keyed), standing.exempt, np.uint8),
        )

    def _preference(self, documents: Documents) -> I64:
        """Return the number by which the smallest is preferred."""
        if self.prefer == "longest":
            return -documents["chars"].astype(np.int64)
        if self.prefer == "most_recent":
            return ~documents["date"].astype(np.int64)
        return np.zeros(len(documents["row"]), np.int64)

    def reduce(self, rows: Rows) -> Rows:
        """Return a row home for every document of a group of two or more."""
        head = rows.header
        address = rows["split"].astype(np.uint64) << np.uint64(32) | head["row"].astype(np.uint64)
        order = np.lexsort((*self._ranking(head, address), head["low"], head["key"]))
        head, address = head[order], address[order]
        starts = np.flatnonzero(_changes(head["key"]) | _changes(head["low"]))
        sizes = np.diff(np.append(starts, len(head)))
        survivor = np.repeat(starts, sizes)
        dropped = (np.arange(len(head)) != survivor) & (head["exempt"] == 0)
        members = np.flatnonzero(np.repeat(sizes, sizes) > 1)
        return Rows.build(
            HOME,
            key=address[members],
            row=head["row"][members],
            slot=np.zeros(len(members), np.uint32),
            kept_uid=head["uid"][survivor][members],
            similarity=np.ones(len(members), np.float32),
            cluster=np.repeat(sizes, sizes)[members].astype(np.uint32),
            dropped=dropped[members].astype(np.uint8),
        )

    def _ranking(
        self, head: npt.NDArray[np.void], address: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.generic], ...]:
        """Return the sort keys that choose the survivor, least significant first."""
        if self.prefer == "first":
            return address, head["position"]
        content = (head["uid"], head["content_low"], head["content_high"])
        return address, *content, head["preference"], head["position"]


def _changes(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Return where a sorted array begins a new value; the first element does."""
    changed = np.ones(len(values), np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed
