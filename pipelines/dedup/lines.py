"""Duplicate lines, paragraphs and spans of sentences, cut out where other documents, or the same one, have them.

In:  documents' texts.
Out: per document the (start, end) byte pairs that are cut, or that it falls.
Guaranteed: cut by position, never by string replacement; what is cut follows from the documents alone. Two units are
     called the same only if the 128-bit hashes of their normal forms agree.

A unit that occurs more than `max_count` times within the scope, repetitions within a document counted, is cut
everywhere but at its first `keep_count` places, which are the first by: place of the source in `keep`, source, path,
ordinal, place in the text. As published:

    Llama 3   lines that occur more than 6 times in a bucket of 30 M documents, everywhere, "ccNet-like" (The Llama 3
              Herd of Models, 3.1.1): the defaults
    CCNet     {max_count: 1, keep_count: 0, normalize: ccnet}: a paragraph that occurs twice is cut everywhere
              (facebookresearch/cc_net, cc_net/dedup.py, `deduplicate_two_pass`, as in the paper); their scope is a few
              of a snapshot's shards. Its paragraphs are our lines, and it cuts blank ones as well
    Dolma     {max_count: 1, keep_count: 1, normalize: none}: all but the first (allenai/dolma, src/deduper.rs); its
              paragraphs are our lines, too, unless `paragraph_separator` is given
    C4        {max_count: 1, keep_count: 1, normalize: lower}. The paper (Raffel et al., 2020, 2.2) speaks of spans of
              three sentences, unit `three_sentences` here, which overlap; the released code (tensorflow/datasets,
              text/c4_utils.py, `remove_duplicate_text`) compares single lines, unit `line`

With a unit goes the separator before it, or at the beginning of a text the one behind it, as if what stays were joined
anew; so no blank line takes its place. Blank units are neither counted nor cut.
"""

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import PrivateAttr

from filters.batch import Batch, Columns, Outcome, Stage, judging, run_stage
from pipelines.dedup.cuts import Application, binary, cuts_home
from pipelines.dedup.exchanges import HOME, Documents, Standing
from pipelines.dedup.groups import bounds_of, first_rows, group_sizes
from pipelines.dedup.keys import NormalForm
from pipelines.dedup.options import exempt_option, keep_option, max_loss_option
from pipelines.dedup.ranking import addresses
from pipelines.dedup.scope import BucketSize, Scope, bucket_count, document_scopes, mix, row_buckets
from pipelines.dedup.unions import union_of
from pipelines.dedup.units import PLACE, Unit, units_of
from pipelines.engine.exchange import Layout, Rows

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class DedupLines(Stage):
    """Cut lines, paragraphs or spans of three sentences that occur too often, or drop documents made of them.

    By `apply: cut`, a document of which no unit is left falls by rule `no_lines_left`. By `apply: drop` nothing is cut:
    a document falls by rule `repeated_lines` if more than `drop_share` of its units' characters would be. In the
    ledger, its `similarity` is that share, and `kept_uid` the document that keeps its first cut unit, if one does.
    """

    version: ClassVar[int] = 1
    layout: ClassVar[Layout] = Layout(
        (("low", "u8"), ("uid", "u8"), ("position", "u4"), ("exempt", "u1"), *((name, "u4") for name in PLACE))
    )
    cuts: ClassVar[bool] = True
    reads_text: ClassVar[bool] = True

    unit: Unit = judging(
        "line", "What is compared: stretches between line feeds, or between blank lines, or sentences."
    )
    normalize: NormalForm = judging("ccnet", "The form in which units are compared; see `pipelines/dedup/keys.py`.")
    min_length: int = judging(1, "Units of fewer characters are neither counted nor cut.", ge=1)
    max_count: int = judging(6, "A unit that occurs more often than this in the scope is cut.", ge=1)
    keep_count: int = judging(0, "Of a unit that is cut, so many stay, the first ones.", ge=0)
    scope: Scope = judging(
        BucketSize(documents=30_000_000),
        "Where units are counted: `global`, columns, or {documents: N}.",
        names="columns",
    )
    apply: Application = judging("cut", "Cut units out of texts, or drop documents that hold many of them.")
    drop_share: float = judging(
        0.5, "By `apply: drop`, a document falls if more of its characters than this would be cut.", ge=0, le=1
    )
    keep: list[str] = keep_option("units")
    exempt: list[str] = exempt_option()
    max_loss: float = max_loss_option()

    _buckets: int = PrivateAttr(default=0)

    def __call__(self, batch: Batch) -> Outcome:
        """Return an outcome that says nothing: what is cut is decided among all documents."""
        return run_stage(self, batch)

    @property
    def rule(self) -> str:
        """What the ledger says of a document that falls: `no_lines_left` or `repeated_lines`."""
        return "no_lines_left" if self.apply == "cut" else "repeated_lines"

    def measure(self, batch: Batch) -> Columns:
        """Return nothing: keys of lines are too many to be stored beside documents."""
        del batch
        return {}

    def for_documents(self, count: int) -> Self:
        """Return the stage as it decides about `count` documents."""
        told = self.model_copy()
        told._buckets = bucket_count(self.scope, count)  # noqa: SLF001 - another object of this class
        return told

    def emit(self, documents: Documents, standing: Standing) -> Rows:
        """Return one row per unit that counts."""
        units = units_of(documents.text, self.unit, self.normalize, self.min_length)
        scope = document_scopes(self.scope, documents.signals, len(documents.text))
        return Rows.build(
            self.layout,
            key=mix(units.high, scope[units.text]),
            row=documents["row"][units.text],
            slot=units.number,
            low=units.low,
            uid=documents["uid"][units.text],
            position=np.full(len(units.text), standing.position, np.uint32),
            exempt=np.full(len(units.text), standing.exempt, np.uint8),
            **dict(zip(PLACE, units.place.T, strict=True)),
        )

    def reduce(self, rows: Rows) -> Rows:
        """Return a row home for every unit that is cut; its payload is its place (`PLACE`, uint32 each)."""
        rows = rows.take(_frequent(rows["key"], self.max_count))
        bucket = row_buckets(self.scope, self._buckets, rows)
        order = np.lexsort((rows["slot"], addresses(rows), rows["position"], bucket, rows["low"], rows["key"]))
        rows, bucket = rows.take(order), bucket[order]
        bounds = bounds_of(rows["key"], rows["low"], bucket)
        group, size = first_rows(bounds), group_sizes(bounds)
        spared = (np.arange(len(rows)) - group < self.keep_count) | (rows["exempt"] != 0)
        cut = np.flatnonzero((size > self.max_count) & ~spared)
        kept = rows["uid"][group[cut]] if self.keep_count else np.zeros(len(cut), np.uint64)
        return _home(rows.take(cut), kept)

    def settle(self, rows: Rows) -> Rows:
        """Return one row per document, given the rows home of all its units in order.

        Args:
            rows: rows that `reduce` returned, sorted by (key, slot).

        Returns:
            Rows in the layout `HOME`: `kept_uid` of the first cut unit, `similarity` the share of characters cut;
            payload: the spans that are cut of a document that does not fall.
        """
        starts = bounds_of(rows["key"])[:-1]
        if not len(starts):
            return rows
        places = np.frombuffer(rows.payload, "<u4").reshape(-1, len(PLACE)).astype(np.int64)
        union = union_of(places, rows["slot"], starts)
        about = {name: rows.header[name][starts] for name in ("key", "row", "kept_uid")}
        return cuts_home(union, about, self.apply, self.drop_share)


def _frequent(key: U64, most: int) -> Bools:
    """Return which of sorted keys occur more than `most` times."""
    return group_sizes(bounds_of(key)) > most


def _home(rows: Rows, kept: U64) -> Rows:
    """Return what is said of units that are cut."""
    places = np.stack([rows[name] for name in PLACE], axis=1).astype("<u4")
    offsets = np.arange(len(rows) + 1, dtype=np.int64) * places.itemsize * len(PLACE)
    return Rows.build(
        HOME,
        key=addresses(rows),
        row=rows["row"],
        slot=rows["slot"],
        kept_uid=kept,
        similarity=np.full(len(rows), np.nan, np.float32),
        cluster=np.zeros(len(rows), np.uint32),
        dropped=np.zeros(len(rows), np.uint8),
        payloads=binary(places, offsets),
    )
