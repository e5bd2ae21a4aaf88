"""Personal data in texts: e-mail addresses, phone numbers and IPv4 addresses, masked, or dropped where there are many.

In:  documents.
Out: how many of each kind a document holds; a verdict by their sum; the text with masks in their places.
Guaranteed: what is counted is what is masked, but for spans that overlap: of those the first is masked. Sources with
     the tag `code` are left alone unless `on` names them, for what looks like an address there is part of a program.

Dolma (arXiv 2402.00159, section 5.3; configs/dolma-v1_6/mixing/cc-head.yaml): up to five spans are masked, six or more
drop the document. FineWeb (datatrove, examples/fineweb.py) masks and never drops: `{style: fineweb, max_spans: null}`.
datatrove takes its example values in turn over all documents that a process happens to see; here each document begins
with the first, so that a text depends on nothing but itself.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, measuring, run_stage
from filters.kernels.copying import texts_of
from filters.kernels.replacing import disjoint, replaced
from filters.pii_spans import Spans, find_spans
from filters.verdicts import Rule, judge_by

Bools = npt.NDArray[np.bool_]

PiiKind = Literal["email", "phone_number", "ip_address"]
PiiStyle = Literal["dolma", "dolma_v1", "fineweb"]

MEASURED = ("pii_emails", "pii_phone_numbers", "pii_ip_addresses", "pii_spans")

DOLMA_MASKS = ((" |||EMAIL_ADDRESS||| ",), (" |||PHONE_NUMBER||| ",), (" |||IP_ADDRESS||| ",))
"""By kind (allenai/dolma, configs/dolma-v1_6/mixing/cc-head.yaml)."""

FINEWEB_MASKS = (
    ("email@example.com", "firstname.lastname@example.org"),
    (),
    ("22.214.171.124", "126.96.36.199", "188.8.131.52", "184.108.40.206", "220.127.116.11", "18.104.22.168"),
)
"""By kind, used in turn (huggingface/datatrove, src/datatrove/pipeline/formatters/pii.py)."""


class Pii(Stage):
    """Masks personal data, and drops documents that hold much of it.

    The one rule, `max_spans`, bounds `pii_spans`; a bound of null turns it off; a number on the bound passes.
    """

    version: ClassVar[int] = 1
    measured: ClassVar[tuple[str, ...]] = MEASURED
    prose_only: ClassVar[bool] = True

    style: PiiStyle = measuring("dolma", "whose definition counts: dolma (fast v2), dolma_v1 (regex v1) or fineweb")
    kinds: tuple[PiiKind, ...] = measuring(
        ("email", "phone_number", "ip_address"), "what is looked for; FineWeb knows no phone numbers"
    )
    public_only: bool = measuring(False, "whether only publicly reachable addresses count; in fineweb always")
    mask: bool = measuring(True, "whether what is found is replaced in the text")
    max_spans: Annotated[int, Field(ge=0)] | None = judging(5, "most spans of a document that stays")

    def __call__(self, batch: Batch) -> Outcome:
        """Measure, judge and mask."""
        return run_stage(self, batch)

    def measure(self, batch: Batch) -> Columns:
        """Return the four counts, one value per document, none of them null."""
        found = self._find(batch, np.ones(len(batch), np.bool_))
        counts = [np.bincount(found.text[found.kind == kind], minlength=len(batch)) for kind in range(3)]
        return {name: pa.array(count, pa.int64()) for name, count in zip(MEASURED, [*counts, sum(counts)], strict=True)}

    def judge(self, signals: Columns) -> Verdicts:
        """Return the documents with more than `max_spans` spans."""
        return judge_by(self.rules, signals)

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        """Return the texts with a mask in the place of each span; where spans overlap, of the first."""
        found = self._find(batch, _holding(batch)) if self.mask else None
        return batch.text if found is None or len(found.text) == 0 else _masked(batch, found, self._masks)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The one rule."""
        return (Rule("max_spans", "pii_spans", "max", self.max_spans),)

    @property
    def _masks(self) -> tuple[tuple[str, ...], ...]:
        return FINEWEB_MASKS if self.style == "fineweb" else DOLMA_MASKS

    def _find(self, batch: Batch, among: Bools) -> Spans:
        return find_spans(batch.scans, self.style, self.kinds, public_only=self.public_only, among=among)


def _holding(batch: Batch) -> Bools:
    """Return the documents in which something was found when they were measured; all, where they were not."""
    known = batch.signals.get("pii_spans")
    if known is None:
        return np.ones(len(batch), np.bool_)
    return np.asarray(known.fill_null(1).to_numpy(zero_copy_only=False) > 0)


def _masked(batch: Batch, found: Spans, masks: tuple[tuple[str, ...], ...]) -> pa.LargeStringArray:
    spans = found.where(disjoint(found.start, found.end))
    words = [mask.encode() for kind in masks for mask in kind]
    table = np.frombuffer(b"".join(words), np.uint8), np.cumsum([0, *map(len, words)], dtype=np.int64)
    scans = batch.scans
    return texts_of(*replaced(scans.data, scans.offsets, (spans.start, spans.end), table, _choice(spans, masks)))


def _choice(spans: Spans, masks: tuple[tuple[str, ...], ...]) -> npt.NDArray[np.int64]:
    """Return the number of each span's mask, among all: those of its kind in turn, in each document from the first."""
    choice = np.zeros(len(spans.kind), np.int64)
    first = 0
    for kind, words in enumerate(masks):
        at = np.flatnonzero(spans.kind == kind)
        turn = np.arange(len(at)) - np.searchsorted(spans.text[at], spans.text[at])
        choice[at] = first + turn % max(len(words), 1)
        first += len(words)
    return choice
