"""A batch: some training sequences as numpy arrays, and what follows from the lengths of their documents.

In:  rows of shards.
Out: ids, targets, masks, positions, and borders of documents, each computed when it is asked for.
Guaranteed: no Python loop runs over tokens, documents or sequences. Arrays may be read-only: they may lie in what was
    read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.errors import RequestError

Ids = npt.NDArray[np.unsignedinteger[Any]]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

IGNORED = -100
"""What stands where there is no target: what torch's cross entropy ignores by default."""

PER_TOKEN = ("input_ids", "targets", "labels", "loss_mask", "ref_loss", "attention_mask", "position_ids", "segment_ids")
"""Names of the arrays of a batch that have a value per sequence and token."""

BORDERS = ("cu_seqlens", "max_seqlen")
"""Names of those that have none, and say where documents begin."""


@dataclass(frozen=True)
class Batch:
    """Some consecutive sequences; B of them, of L input tokens.

    Args:
        step: number of the step that they belong to.
        first: place of the first of them in the stream of sequences.
        length: L.
        stored: uint16 or uint32 [B, L], or [B, L + 1] where shards hold the next token of every sequence, too.
        bounds: int64 [B + 1]; sequence i is made of the stretches bounds[i] to bounds[i + 1].
        documents: columns of the shard, a value per stretch of a document: `doc_lengths`, `doc_uids` and the others.
        tokens: further columns of the shard, a value per stored token.
    """

    step: int
    first: int
    length: int
    stored: Ids
    bounds: I64
    documents: Mapping[str, npt.NDArray[Any]]
    tokens: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.stored)

    def documents_of(self, row: int) -> dict[str, npt.NDArray[Any]]:
        """Return the stretches that one sequence is made of: column -> a value for each, in their order."""
        held = slice(self.bounds[row], self.bounds[row + 1])
        return {name: values[held] for name, values in self.documents.items()}

    @property
    def input_ids(self) -> Ids:
        """The tokens, and behind them padding: uint16 or uint32 [B, L]."""
        return self.stored[:, : self.length]

    @cached_property
    def targets(self) -> I64:
        """The token that follows each input, or `IGNORED`: int64 [B, L].

        Ignored is what has no real token behind it: padding, the last real token before it, and, unless shards hold
        next tokens, the last place of each sequence; and tokens whose `loss_mask` in the shard is 0. The first token of
        a document is a target of the last one of the document before it.
        """
        width = self.stored.shape[1] - 1
        targets = np.full((len(self), self.length), IGNORED, np.int64)
        np.copyto(targets[:, :width], self.stored[:, 1:], where=self._learned[:, 1:])
        return targets

    @cached_property
    def labels(self) -> I64:
        """The inputs themselves, `IGNORED` at padding and where the shard's `loss_mask` is 0: int64 [B, L].

        For models that shift labels by themselves, as those of Hugging Face's transformers do.
        """
        labels = np.full((len(self), self.length), IGNORED, np.int64)
        np.copyto(labels, self.input_ids, where=self._learned[:, : self.length])
        return labels

    @property
    def loss_mask(self) -> Mask:
        """Whether there is a target: bool [B, L], False at padding."""
        return np.not_equal(self.targets, IGNORED)

    @property
    def ref_loss(self) -> F32:
        """A reference model's loss of each target, NaN where it is not known or there is no target: float32 [B, L].

        Beside `targets`, so that an excess loss is the loss of a target less this. `tokens["ref_loss"]` has the numbers
        as they are stored, beside the inputs themselves (float16).

        Raises:
            RequestError: the shards have none.
        """
        if "ref_loss" not in self.tokens:
            raise RequestError("these shards have no ref_loss: no source of their build has it")
        losses = np.full((len(self), self.length), np.nan, np.float32)
        width = self.stored.shape[1] - 1
        np.copyto(losses[:, :width], self.tokens["ref_loss"][:, 1:], where=self._learned[:, 1:])
        return losses

    @property
    def attention_mask(self) -> Mask:
        """Whether an input is a real token: bool [B, L], False at padding."""
        return np.arange(self.length) < self._real[:, None]

    @cached_property
    def cu_seqlens(self) -> I32:
        """Where the stretches of documents begin in the inputs laid out flat, and where the last ends: int32.

        As the `varlen` functions of flash attention take it, for `input_ids.reshape(-1)`: it begins with 0 and ends
        with B * L. The padding of each sequence is a stretch of its own.
        """
        return np.append(self._starts, len(self) * self.length).astype(np.int32)

    @property
    def max_seqlen(self) -> int:
        """Length of the longest stretch of `cu_seqlens`."""
        return int(np.diff(self.cu_seqlens).max(initial=0))

    @property
    def position_ids(self) -> I32:
        """The place of each input in its stretch, from 0: int32 [B, L]; padding counts from 0, too."""
        places = np.arange(len(self) * self.length) - np.repeat(self._starts, np.diff(self.cu_seqlens))
        return places.astype(np.int32).reshape(-1, self.length)

    @property
    def segment_ids(self) -> I32:
        """Which stretch of its sequence each input is in, from 1: int32 [B, L], 0 at padding."""
        numbers = np.repeat(np.arange(len(self._starts)), np.diff(self.cu_seqlens)).reshape(-1, self.length)
        return np.where(self.attention_mask, numbers - numbers[:, :1] + 1, 0).astype(np.int32)

    @cached_property
    def _real(self) -> I64:
        """Stored tokens of each sequence that are no padding."""
        ends = np.concatenate([[0], np.cumsum(self.documents["doc_lengths"], dtype=np.int64)])
        return np.diff(ends[self.bounds])

    @property
    def _learned(self) -> Mask:
        """Whether a stored token is one to be predicted."""
        width = self.stored.shape[1]
        real: Mask = np.arange(width) < self._real[:, None]
        return real & (self.tokens["loss_mask"] != 0) if "loss_mask" in self.tokens else real

    @cached_property
    def _starts(self) -> I64:
        """Where stretches and padding begin in the inputs laid out flat, ascending.

        A stretch that is only the next token behind the inputs is none of theirs.
        """
        row = np.repeat(np.arange(len(self)), np.diff(self.bounds))
        lengths = self.documents["doc_lengths"].astype(np.int64)
        begin = np.cumsum(lengths) - lengths - (np.cumsum(self._real) - self._real)[row]
        padded = np.flatnonzero(self._real < self.length)
        inside = begin < self.length
        starts = (row * self.length + begin)[inside]
        return np.sort(np.concatenate([starts, padded * self.length + self._real[padded]]))


def batch_of(table: pa.Table, step: int, first: int, length: int) -> Batch:
    """Return rows of shards as a batch.

    Args:
        table: as a shard has them.
        step: number of the step.
        first: place of the first row in the stream.
        length: inputs of a sequence, as the shard's metadata say.
    """
    lists = {name: table.column(name).combine_chunks() for name in table.column_names}
    values = {name: each.flatten().to_numpy(zero_copy_only=False) for name, each in lists.items()}
    stretches = lists["doc_lengths"].value_lengths().to_numpy()
    shape = (-1, len(values["input_ids"]) // len(table) if len(table) else length)
    documents = {name: each for name, each in values.items() if _is_of_documents(name)}
    tokens = {name: each.reshape(shape) for name, each in values.items() if name not in documents}
    bounds = np.concatenate([[0], np.cumsum(stretches, dtype=np.int64)])
    return Batch(step, first, length, tokens.pop("input_ids"), bounds, documents, tokens)


def as_models_take(batch: Batch, name: str) -> npt.NDArray[Any]:
    """Return an array of a batch with the values that models take.

    They are int64, but bool in masks, int32 in `cu_seqlens` and float32 in `ref_loss`.
    """
    array: npt.NDArray[Any] = getattr(batch, name)
    kept = array.dtype.kind in "bf" or name == "cu_seqlens"
    return array if kept else array.astype(np.int64, copy=False)


def _is_of_documents(name: str) -> bool:
    """Tell whether a column of a shard has a value per stretch of a document; the others have one per token."""
    return name.startswith("doc_") or name == "source_ids"
