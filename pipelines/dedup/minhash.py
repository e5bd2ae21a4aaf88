"""Near duplicates: documents whose shingles agree to a threshold, found by MinHash and then verified.

In:  documents, and the band keys of their MinHash signatures.
Out: one survivor per group; the others are duplicates, each with its survivor's uid and their Jaccard similarity.
Guaranteed: nobody is dropped on a band match alone. Documents that share a band are candidates; candidates of
     candidates are a component; within it each document is compared, best first, with those that stay, on its real
     shingles. One that reaches `jaccard` with none of them stays, too. `verify: false` gives that up, as the published
     pipelines did: of a component, one document stays.

Two exchanges do it. The first is by band: `DedupMinhash` emits a row per document and band, and answers with edges; of
these the engine makes components. The second is by component: `MinhashSurvivors` emits the shingles of their members
alone, and answers who stays.

Documents that stayed in an earlier build (`against`) come to the second exchange with the shingles that were stored of
them (`store_shingles`); they are best of all, and stay.

The chance that two documents with Jaccard similarity s share a band is 1 - (1 - s^rows)^bands (Broder 1997; Leskovec,
Rajaraman and Ullman, Mining of Massive Datasets, section 3.4). The default, 14 bands of 8 rows over 5-grams, is
FineWeb's (datatrove, `examples/fineweb.py`).
"""

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import PrivateAttr, model_validator

from filters.batch import Batch, Columns, Outcome, Stage, judging, measuring, run_stage
from filters.kernels.minhash import Scheme, band_keys, permutations, signatures
from filters.kernels.scans import Scans, WordDefinition
from filters.kernels.shingles import VERSION, Shingles, shingles, word_runs
from filters.shingling import Normalization
from pipelines.dedup.earlier import EarlierBuild, EarlierBuilds, build_numbers, listed
from pipelines.dedup.exchanges import EDGES, HOME, Documents, Standing
from pipelines.dedup.groups import bounds_of, changes, first_rows
from pipelines.dedup.keys import text_hashes
from pipelines.dedup.options import against_option, exempt_option, keep_option, max_loss_option
from pipelines.dedup.published import as_published, published_bands
from pipelines.dedup.ranking import RANKED, Preference, addresses, ranked_columns, ranking
from pipelines.dedup.scope import BucketSize, Scope, bucket_count, buckets_told, document_scopes, mix
from pipelines.dedup.verify import verify_all
from pipelines.engine.exchange import Layout, Rows
from pipelines.engine.keys import draw
from pipelines.sources.bands import SIGNATURES, Signature

F32 = npt.NDArray[np.float32]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

HALF = np.uint64(32)
SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that different numbers stay different; small ones are spread over all 64 bits, and so over partitions."""

NOBODY = np.uint32(0xFFFFFFFF)
"""A row of a band that is not linked to another one of its split."""


class _Options(Stage):
    """What a MinHash dedup may be told; two exchanges share it."""

    ngram: int = measuring(5, "words of a shingle", ge=1, le=64)
    words: WordDefinition = measuring("whitespace", "what a word is: whitespace, or uax29")
    normalization: Normalization = measuring("none", "what is done to texts before they are cut into shingles")
    bands: int = measuring(14, "bands of a signature: two documents that share one are candidates", ge=1, le=1024)
    rows: int = measuring(8, "numbers of a signature that make one band", ge=1, le=1024)
    scheme: Scheme = measuring("affine32", "how permutations are computed; datatrove and RedPajama v2: legacy")
    seed: int = measuring(1, "seed of the permutations, as datasketch takes it", ge=0, lt=1 << 32)
    published: Signature | None = measuring(
        None, "published bands that the sources carry, to take instead of computing them"
    )
    jaccard: float = judging(
        0.8, "least Jaccard similarity, of shingles, of a duplicate with the one that stays", gt=0, le=1
    )
    verify: bool = judging(True, "whether similarity is measured; false: one document of each component stays")
    scope: Scope = judging(
        "global", "where duplicates are looked for: `global`, columns, or {documents: N}", names="columns"
    )
    keep: list[str] = keep_option("copy")
    prefer: Preference = judging("first", "Who stays among equals of `keep`.")
    exempt: list[str] = exempt_option()
    max_loss: float = max_loss_option()
    against: EarlierBuilds = against_option()
    store_shingles: bool = judging(False, "Whether later builds may be verified `against` this one: 8 bytes a shingle.")

    @property
    def earlier(self) -> tuple[EarlierBuild, ...]:
        """The earlier builds that documents are compared with."""
        return listed(self.against)

    @property
    def compares_texts(self) -> bool:
        """Shingles are made of texts."""
        return True

    @property
    def needs_shingles(self) -> bool:
        """Whether similarity is measured, also with documents of earlier builds."""
        return self.verify

    @property
    def shingling(self) -> list[object]:
        """All that decides what the shingles of a text are."""
        return [VERSION, self.ngram, self.words, self.normalization]

    @model_validator(mode="before")
    @classmethod
    def _as_published(cls, options: Any) -> Any:  # noqa: ANN401 - as pydantic hands it over
        known = isinstance(options, dict) and options.get("published") in SIGNATURES
        return as_published(options) if known else options

    @property
    def rule(self) -> str:
        """What the ledger says of a duplicate."""
        return "near_duplicate"

    def shingle_bytes(self, text: pa.LargeStringArray) -> pa.LargeBinaryArray:
        """Return the shingles of each text, ascending uint64, little-endian."""
        found = shingles(Scans(text), self.words, self.ngram, self.normalization)
        offsets, data = pa.py_buffer(found.first * 8), pa.py_buffer(np.ascontiguousarray(found.hashes))
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(text), [None, offsets, data])

    def band_keys_of(self, found: Shingles) -> U64:
        """Return uint64[texts, bands]: a key per band of the signature of each text; none counts without shingles."""
        drawn = permutations(self.bands * self.rows, self.seed, self.scheme)
        return band_keys(signatures(found, *drawn, self.scheme), self.bands, self.rows)


class DedupMinhash(_Options):
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
    def then(self) -> "MinhashSurvivors":
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
        head["key"][others] ^= (head["row"][others].astype(np.uint64) + np.uint64(1)) * SPREAD
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


class MinhashSurvivors(_Options):
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
            key=component.take(pa.array(places)).to_numpy() * SPREAD,
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
            key=members["component"] * SPREAD,
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
