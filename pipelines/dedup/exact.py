"""Exact duplicates: documents with the same text, or the same URL.

In:  documents, by content hash or normalized URL.
Out: one survivor per group; the others are duplicates, each with its survivor's uid.
Guaranteed: two documents are called the same only if 128 bits agree; who stays depends on the documents alone.
"""

from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import PrivateAttr

from filters.batch import Batch, Columns, Outcome, Stage, judging, measuring, run_stage
from pipelines.dedup.earlier import EarlierBuild, EarlierBuilds, build_numbers, listed
from pipelines.dedup.exchanges import HOME, Documents, Standing
from pipelines.dedup.groups import bounds_of, first_rows, group_sizes
from pipelines.dedup.keys import NormalForm, text_hashes, url_hashes
from pipelines.dedup.options import against_option, exempt_option, keep_option, max_loss_option
from pipelines.dedup.ranking import RANKED, Preference, addresses, ranked_columns, ranking
from pipelines.dedup.scope import Scope, bucket_count, document_scopes, mix, row_buckets
from pipelines.engine.exchange import Layout, Rows


class DedupExact(Stage):
    """Keep one document of all that have the same text, or the same URL.

    The survivor is the first by: place of its source in `keep`, then `prefer`, then content hash, then uid, then
    (source, path, ordinal). Documents without a URL are never duplicates by URL. Texts are compared byte for byte, or
    in a normal form (`pipelines/dedup/keys.py`). What one of the builds `against` had already falls, whatever it is.
    """

    version: ClassVar[int] = 1
    layout: ClassVar[Layout] = Layout((("low", "u8"), *RANKED, ("exempt", "u1")))
    cuts: ClassVar[bool] = False
    reads_text: ClassVar[bool] = False

    by: Literal["content", "url"] = measuring("content", "What two duplicates share: their text or their URL.")
    normalize: NormalForm = measuring("none", "The form in which texts are compared; URLs have their own.")
    scope: Scope = judging(
        "global", "Where duplicates are looked for: `global`, columns, or {documents: N}.", names="columns"
    )
    keep: list[str] = keep_option("copy")
    prefer: Preference = judging("first", "Who stays among equals of `keep`.")
    exempt: list[str] = exempt_option()
    max_loss: float = max_loss_option()
    against: EarlierBuilds = against_option()

    _buckets: int = PrivateAttr(default=0)

    def __call__(self, batch: Batch) -> Outcome:
        """Return the key columns of a batch."""
        return run_stage(self, batch)

    @property
    def rule(self) -> str:
        """What the ledger says of a duplicate: `same_content` or `same_url`."""
        return f"same_{self.by}"

    @property
    def earlier(self) -> tuple[EarlierBuild, ...]:
        """The earlier builds that documents are compared with."""
        return listed(self.against)

    @property
    def compares_texts(self) -> bool:
        """Whether texts are compared, and not URLs."""
        return self.by == "content"

    @property
    def needs_shingles(self) -> bool:
        """Whole texts are compared, by keys that every build keeps."""
        return False

    def measure(self, batch: Batch) -> Columns:
        """Return the uint64 columns `content_high`, `content_low` (xxh3_128 of the text), and `url_high`, `url_low`."""
        high, low = text_hashes(batch.text, self.normalize)
        columns = {"content_high": high, "content_low": low}
        if self.by == "url":
            columns["url_high"], columns["url_low"] = url_hashes(batch.documents.column("url").cast(pa.string()))
        return columns

    def for_documents(self, count: int) -> Self:
        """Return the stage as it decides about `count` documents."""
        told = self.model_copy()
        told._buckets = bucket_count(self.scope, count)  # noqa: SLF001 - another object of this class
        return told

    def emit(self, documents: Documents, standing: Standing) -> Rows:
        """Return one row per document that has a key."""
        high, low = documents[f"{self.by}_high"], documents[f"{self.by}_low"]
        keyed = np.flatnonzero((high != 0) | (low != 0)) if self.by == "url" else np.arange(len(high))
        scope = document_scopes(self.scope, documents.signals, len(high))
        ranked = ranked_columns(documents, standing, self.prefer)
        return Rows.build(
            self.layout,
            key=mix(high.astype(np.uint64), scope)[keyed],
            row=documents["row"][keyed],
            slot=np.zeros(len(keyed), np.uint32),
            low=low[keyed],
            exempt=np.full(len(keyed), standing.exempt, np.uint8),
            **{name: values[keyed] for name, values in ranked.items()},
        )

    def reduce(self, rows: Rows) -> Rows:
        """Return a row home for every document of a group of two or more."""
        head = rows.header
        bucket = row_buckets(self.scope, self._buckets, rows)
        order = np.lexsort((*ranking(rows, self.prefer), bucket, head["low"], head["key"]))
        head, address = head[order], addresses(rows)[order]
        bounds = bounds_of(head["key"], head["low"], bucket[order])
        survivor, size = first_rows(bounds), group_sizes(bounds)
        dropped = (np.arange(len(head)) != survivor) & (head["exempt"] == 0)
        members = np.flatnonzero(size > 1)
        return Rows.build(
            HOME,
            key=address[members],
            row=head["row"][members],
            slot=np.zeros(len(members), np.uint32),
            kept_uid=head["uid"][survivor][members],
            similarity=np.ones(len(members), np.float32),
            cluster=size[members].astype(np.uint32),
            dropped=(dropped * (1 + build_numbers(address[survivor])))[members].astype(np.uint8),
        )
