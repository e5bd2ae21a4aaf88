"""Spans that others have marked, cut out of texts or replaced.

In:  documents that carry scored spans: a field holds lists of scores, another column (`spans_name`) their places,
     counted in characters of the text as the source gives it.
Out: the texts without the spans, or with something else in their places.
Guaranteed: positions decide, never string search. Of spans that overlap, the one that begins first counts (of two that
     begin together, the one named first), and the others are left alone, as Dolma's mixer does it. A span counts as far
     as it lies in the text; a document without spans keeps its text.

It does what `span_replacement` of Dolma's mixer does (allenai/dolma, src/shard.rs), whose `$.attributes.x` is a field
here. The mixer stumbles over an empty span and then ignores the spans behind it; here an empty span is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, field_validator

from filters.batch import Batch, Outcome, Stage, measuring, run_stage
from filters.kernels.char_places import byte_places
from filters.kernels.copying import texts_of
from filters.kernels.replacing import disjoint, replaced

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]

HERE = "{}"
"""Stands in a replacement for what is replaced."""

TEXT_BITS = 33
"""Bits that hold a place in a text, so that places of different texts differ; a place takes 32."""


def spans_name(field: str) -> str:
    """Return the column that holds the spans (start, end, start, end ... in characters) of a field's scores."""
    return f"{field}:spans"


class SpanRule(BaseModel):
    """Which spans of a field are replaced, and by what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = Field(min_length=1, description="The field that holds the scores of the spans.")
    min_score: float | None = Field(None, description="Least score of a span that counts.")
    max_score: float | None = Field(None, description="A span that counts has less than this score.")
    replacement: str = Field("", description="What comes into its place; {} in it stands for what was there.")

    @field_validator("replacement")
    @classmethod
    def _check_replacement(cls, replacement: str) -> str:
        if replacement.count(HERE) > 1:
            raise ValueError("write {} once, for what was there")
        return replacement


class ReplaceSpans(Stage):
    """Edits text: spans that a source's companions have marked are cut out, or replaced."""

    version: ClassVar[int] = 1

    spans: tuple[str | SpanRule, ...] = measuring(
        ...,
        "fields whose spans are cut out, or {field, min_score, max_score, replacement}",
        min_length=1,
    )

    def __call__(self, batch: Batch) -> Outcome:
        """Edit."""
        return run_stage(self, batch)

    @property
    def rules(self) -> tuple[SpanRule, ...]:
        """What is replaced; a field alone is all of its spans, cut out."""
        return tuple(SpanRule(field=each) if isinstance(each, str) else each for each in self.spans)

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        """Return the new text, one value per document."""
        marked = _in_order([_marked(batch.documents, rule, at) for at, rule in enumerate(self.rules)])
        if not len(marked.text):
            return batch.text
        scans = batch.scans
        marked, places = _bytes(scans.data, scans.offsets, marked)
        words, choice = self._words(scans.data, marked.rule, places)
        return texts_of(*replaced(scans.data, scans.offsets, places, _table(words), choice))

    def _words(self, data: U8, rule: I64, places: tuple[I64, I64]) -> tuple[list[bytes], I64]:
        """Return replacements, and which of them each span gets: one for a rule, or one for a span that it keeps."""
        words = [each.replacement.encode() for each in self.rules]
        choice = rule.copy()
        for number in np.flatnonzero(np.array([HERE.encode() in word for word in words])[rule]):
            here = data[places[0][number] : places[1][number]].tobytes()
            choice[number] = len(words)
            words.append(words[rule[number]].replace(HERE.encode(), here))
        return words, choice


@dataclass(frozen=True)
class _Marked:
    """Spans, in no order or by text and place.

    Args:
        text: number of the text.
        start: in characters.
        end: likewise.
        rule: number of the rule that marks it.
    """

    text: I64
    start: I64
    end: I64
    rule: I64

    def take(self, places: I64) -> "_Marked":
        return _Marked(self.text[places], self.start[places], self.end[places], self.rule[places])


def _marked(documents: pa.RecordBatch, rule: SpanRule, number: int) -> _Marked:
    """Return the spans that a rule is about; documents that have no such field have none."""
    if rule.field not in documents.schema.names:
        return _Marked(*np.empty((4, 0), np.int64))
    scores, spans = documents.column(rule.field), documents.column(spans_name(rule.field))
    counts = scores.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    bounds = spans.flatten().to_numpy().astype(np.int64).reshape(-1, 2)
    score = scores.flatten().fill_null(np.nan).to_numpy(zero_copy_only=False)
    counting = (bounds[:, 0] < bounds[:, 1]) & (score == score)  # noqa: PLR0124 - NaN differs from itself
    if rule.min_score is not None:
        counting &= score >= rule.min_score
    if rule.max_score is not None:
        counting &= score < rule.max_score
    at = np.flatnonzero(counting)
    text = np.repeat(np.arange(len(scores)), counts)[at]
    return _Marked(text, bounds[at, 0], bounds[at, 1], np.full(len(at), number))


def _in_order(found: list[_Marked]) -> _Marked:
    """Return the spans of all rules by text and place, those that overlap an earlier one left out."""
    whole = _Marked(
        *(np.concatenate([getattr(each, name) for each in found]) for name in ("text", "start", "end", "rule"))
    )
    ordered = whole.take(np.lexsort((whole.start, whole.text)))
    base = ordered.text << TEXT_BITS
    return ordered.take(np.flatnonzero(disjoint(base + ordered.start, base + ordered.end)))


def _bytes(data: U8, offsets: I64, marked: _Marked) -> tuple[_Marked, tuple[I64, I64]]:
    """Return the spans that lie in their texts, and start and end of each in `data`."""
    both = np.column_stack([marked.start, marked.end]).reshape(-1)
    places = byte_places(data, offsets, np.repeat(marked.text, 2), both).reshape(-1, 2)
    inside = np.flatnonzero(places[:, 0] < places[:, 1])
    start, end = places[inside].T
    return marked.take(inside), (np.ascontiguousarray(start), np.ascontiguousarray(end))


def _table(words: Sequence[bytes]) -> tuple[U8, I64]:
    """Return words as `replaced` takes them: their bytes, and their offsets."""
    return np.frombuffer(b"".join(words), np.uint8), np.cumsum([0, *map(len, words)], dtype=np.int64)
