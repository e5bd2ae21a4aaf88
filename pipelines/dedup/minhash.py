"""Near duplicates: documents whose shingles agree to a threshold, found by MinHash and then verified.

In:  documents, and the band keys of their MinHash signatures.
Out: one survivor per group; the others are duplicates, each with its survivor's uid and their Jaccard similarity.
Guaranteed: nobody is dropped on a band match alone. Documents that share a band are candidates; candidates of
     candidates are a component; within it each document is compared, best first, with those that stay, on its real
     shingles. One that reaches `jaccard` with none of them stays, too. `verify: false` gives that up, as the published
     pipelines did: of a component, one document stays.

Two exchanges do it. The first is by band: `DedupMinhash` emits a row per document and band, and answers with edges; of
these the engine makes components. The second is by component: `minhash_survivors.py` emits the shingles of their
members alone, and answers who stays.

Documents that stayed in an earlier build (`against`) come to the second exchange with the shingles that were stored of
them (`store_shingles`); they are best of all, and stay.

The chance that two documents with Jaccard similarity s share a band is 1 - (1 - s^rows)^bands (Broder 1997; Leskovec,
Rajaraman and Ullman, Mining of Massive Datasets, section 3.4). The default, 14 bands of 8 rows over 5-grams, is
FineWeb's (datatrove, `examples/fineweb.py`).
"""

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import PrivateAttr

from filters.batch import Batch, Columns, Outcome, run_stage
from filters.kernels.shingles import word_runs
from pipelines.dedup.exchanges import EDGES, Documents, Standing
from pipelines.dedup.groups import bounds_of, changes, first_rows
from pipelines.dedup.minhash_options import MinhashOptions
from pipelines.dedup.minhash_survivors import MinhashSurvivors
from pipelines.dedup.published import published_bands
from pipelines.dedup.ranking import addresses
from pipelines.dedup.scope import ODD, BucketSize, bucket_count, buckets_told, document_scopes, mix
from pipelines.engine.exchange import Layout, Rows
from pipelines.engine.keys import draw

F32 = npt.NDArray[np.float32]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

HALF = np.uint64(32)
NOBODY = np.uint32(0xFFFFFFFF)
"""A row of a band that is not linked to another one of its split."""


class DedupMinhash(MinhashOptions):
    """Keep one document of each group whose shingles are alike."""

    version: ClassVar[int] = 1
    layout: ClassVar[Layout] = Layout((("drawn", "u4"), ("first", "u4")))
    cuts: ClassVar[bool] = False
    reads_text: ClassVar[bool] = False

    _buckets: int = PrivateAttr(default=0)

    def __call__(self, batch: Batch) -> Outcome:
        """Return the band keys of a batch."""
        return run_stage(self, batch)

    @property
    def then(self) -> MinhashSurvivors:
        """The exchange by component."""
        return MinhashSurvivors(**dict(self))

    def measure(self, batch: Batch) -> Columns:
        """Return `minhash_bands`, list<uint64>: a key per band; an empty list for a text without words."""
        if self.published is not None:
            return {"minhash_bands": published_bands(batch, self.published)}
        found = word_runs(batch.scans, self.words, self.ngram, self.normalization)
        keys = self.band_keys_of(found)
        keyed = np.diff(found.first) > 0
        offsets = np.concatenate([[0], np.cumsum(keyed * self.bands)]).astype(np.int32)
        return {"minhash_bands": pa.ListArray.from_arrays(pa.array(offsets), pa.array(keys[keyed].reshape(-1)))}

    def emit(self, documents: Documents, standing: Standing) -> Rows:
        """Return a row per document and band."""
        del standing
        bands = documents.signals["minhash_bands"]
        scopes = document_scopes(self.scope, documents.signals, len(bands))
        counts = np.asarray(bands.value_lengths()).astype(np.int64)
        keys = mix(np.asarray(bands.flatten()), np.repeat(scopes, counts))
        rows = np.repeat(documents["row"], counts)
        return Rows.build(
            self.layout,
            key=keys,
            row=rows,
            slot=_numbers_within(counts),
            drawn=np.repeat(draw("scope", 0, documents["uid"].astype(np.uint64)) >> HALF, counts).astype(np.uint32),
            first=np.full(len(rows), NOBODY, np.uint32),
        )

    def combine(self, rows: Rows) -> Rows:
        """Keep one row per key; the others say only that they belong to its document, and spread over all partitions.

        So a band that millions of documents share is one row per split. Where the scope counts documents, who is
        compared with whom is not known yet, and all rows stay.
        """
        if isinstance(self.scope, BucketSize):
            return rows
        head = rows.header.copy()
        first = first_rows(bounds_of(head["key"]))
        others = (np.arange(len(head)) != first) & (head["first"] == NOBODY)
        head["first"][others] = head["row"][first[others]]
        head["key"][others] ^= (head["row"][others].astype(np.uint64) + np.uint64(1)) * ODD
        return Rows(head, rows.payload)

    def reduce(self, rows: Rows) -> Rows:
        """Return edges: of each band, from every document to the first."""
        address, linked = addresses(rows), rows["first"] != NOBODY
        met, key, bucket = address[~linked], rows["key"][~linked], self._bucket(rows["drawn"][~linked])
        order = np.lexsort((met, bucket, key))
        met, key, bucket = met[order], key[order], bucket[order]
        first = met[first_rows(bounds_of(key, bucket))]
        left = np.concatenate([met, address[linked]])
        right = np.concatenate([first, (address[linked] >> HALF << HALF) | rows["first"][linked].astype(np.uint64)])
        return _edges(left[left != right], right[left != right])

    def for_documents(self, count: int) -> Self:
        """Return the stage as it decides about `count` documents."""
        told = self.model_copy()
        told._buckets = bucket_count(self.scope, count)  # noqa: SLF001 - another object of this class
        return told

    def _bucket(self, drawn: U32) -> U64:
        """Return the bucket of each row's document, by the first half of its draw."""
        return drawn.astype(np.uint64) * np.uint64(buckets_told(self.scope, self._buckets)) >> HALF


def _edges(left: U64, right: U64) -> Rows:
    """Return rows of edges, each pair once."""
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    fresh = changes(left) | changes(right)
    left, right = left[fresh], right[fresh]
    row = (left & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    return Rows.build(EDGES, key=left, row=row, slot=np.zeros(len(row), np.uint32), other=right)


def _numbers_within(counts: I64) -> U32:
    """Return 0, 1, ... for each of `counts` groups, one after another."""
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return (np.arange(len(starts)) - starts).astype(np.uint32)
