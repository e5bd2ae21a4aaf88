"""Packing: which tokens of which fragments make up each training sequence.

In:  the lengths of a shard's fragments, in order, and the length of a sequence.
Out: a plan: for every sequence, the stretches of fragments it holds. Tokens are not looked at.
Guaranteed: stretches of a sequence keep the order of the fragments; no sequence is empty or longer than it may be. No
    token is used twice, but where sequences overlap. No Python loop runs over tokens, fragments or sequences.

With an overlap of 1 (`next_token: true`), a sequence has one token more than its length: the target of its last input.
A sequence that begins inside a document, or in `concat` inside the joined tokens, then begins with the token that the
one before ended with; so each token but a document's first is the target of exactly one input.

A packer is a function (lengths, sequence_length, overlap) -> Plan. To add one, write it here and name it in `PACKERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from filters.kernels.best_fit import counting_order, fill_bins
from pipelines.engine.keys import U64
from pipelines.mix.pools import I64

_FACTORS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))


@dataclass(frozen=True)
class Plan:
    """The stretches that sequences are made of.

    Args:
        bounds: int64[sequences + 1]; sequence i holds the stretches bounds[i] to bounds[i + 1].
        fragment: int64 per stretch, the fragment it is cut from.
        skip: int64 per stretch, tokens of the fragment before it.
        length: int64 per stretch, tokens, at least 1.
    """

    bounds: I64
    fragment: I64
    skip: I64
    length: I64

    @property
    def sequences(self) -> int:
        """Number of sequences."""
        return len(self.bounds) - 1

    def part(self, first: int, last: int) -> "Plan":
        """Return the plan of the sequences from `first` to before `last` (or the end)."""
        bounds = self.bounds[first : last + 1]
        held = slice(int(bounds[0]), int(bounds[-1]))
        return Plan(bounds - bounds[0], self.fragment[held], self.skip[held], self.length[held])


def concat(lengths: I64, sequence_length: int, overlap: int = 0) -> Plan:
    """Pack fragments one after another, cut where a sequence is full; only the last sequence may be short.

    Sequence i holds the joined tokens from i * sequence_length on, `sequence_length + overlap` of them.
    """
    ends = np.cumsum(lengths)
    starts = ends - lengths
    sequences = int(_sequences_of(lengths.sum(keepdims=True), sequence_length, overlap)[0])
    first = np.maximum(starts - overlap, 0) // sequence_length
    last = np.minimum((ends - 1) // sequence_length, sequences - 1)
    touched = np.where(lengths > 0, last + 1 - first, 0)
    fragment = np.repeat(np.arange(len(lengths)), touched)
    sequence = first[fragment] + _count_within(touched)
    begin = np.maximum(starts[fragment], sequence * sequence_length)
    end = np.minimum(ends[fragment], (sequence + 1) * sequence_length + overlap)
    bounds = np.searchsorted(sequence, np.arange(sequences + 1))
    return Plan(bounds, fragment, begin - starts[fragment], end - begin)


def pad_truncate(lengths: I64, sequence_length: int, overlap: int = 0) -> Plan:
    """Give each fragment a sequence of its own; what does not fit in it is lost.

    OpenELM reads its documents so (corenet, `general_lm.py`): of each piece of 2,048 words the first 2,049 tokens, then
    padding. That is `overlap` 1, though no sequence shares a token with another here.
    """
    fragment = np.flatnonzero(lengths)
    kept = np.minimum(lengths[fragment], sequence_length + overlap)
    return Plan(np.arange(len(fragment) + 1), fragment, np.zeros(len(fragment), np.int64), kept)


def best_fit(lengths: I64, sequence_length: int, overlap: int = 0) -> Plan:
    """Put whole fragments together so that little room is left; only those longer than a sequence are cut.

    Ding et al. 2024, "Fewer Truncations Improve Language Modeling": what is longer than a sequence is cut into whole
    sequences and a rest, and all of it is packed by best-fit decreasing. Sequences are then shuffled: they come in the
    order of a hash of the number of their longest piece, so that their order says nothing of how full they are.
    """
    pieces = _cut(lengths, sequence_length, overlap)
    capacity = max(min(sequence_length + overlap, int(pieces.length.sum())), 1)
    bins, openers = fill_bins(pieces.length, counting_order(capacity - pieces.length, capacity), capacity)
    rank = np.empty(len(openers), np.int64)
    rank[np.argsort(_mixed(openers))] = np.arange(len(openers))
    sequence = rank[bins]
    order = counting_order(sequence, len(openers))
    bounds = np.concatenate([[0], np.cumsum(np.bincount(sequence, minlength=len(openers)))])
    return Plan(bounds, pieces.fragment[order], pieces.skip[order], pieces.length[order])


Packer = Callable[[I64, int, int], Plan]
PACKERS: Mapping[str, Packer] = {"concat": concat, "best_fit": best_fit, "pad_truncate": pad_truncate}


def _cut(lengths: I64, sequence_length: int, overlap: int) -> Plan:
    """Return each fragment as a run of sequences of its own: all full but the last."""
    counts = _sequences_of(lengths, sequence_length, overlap)
    fragment = np.repeat(np.arange(len(lengths)), counts)
    skip = _count_within(counts) * sequence_length
    length = np.minimum(lengths[fragment] - skip, sequence_length + overlap)
    return Plan(np.arange(len(fragment) + 1), fragment, skip, length)


def _sequences_of(tokens: I64, sequence_length: int, overlap: int) -> I64:
    """Return into how many sequences so many tokens go, one after another: none gives none."""
    return np.where(tokens > 0, np.maximum(-(-(tokens - overlap) // sequence_length), 1), 0)


def _mixed(numbers: I64) -> U64:
    """Return another number for each, in no order: fmix64 of MurmurHash3, of one more (0 would stay 0)."""
    mixed = numbers.astype(np.uint64) + np.uint64(1)
    for factor in _FACTORS:
        mixed = (mixed ^ (mixed >> np.uint64(33))) * factor
    return mixed ^ (mixed >> np.uint64(33))


def _count_within(counts: I64) -> I64:
    """Return 0, 1, ..., count - 1 for each count, one after another."""
    before = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) - np.repeat(before, counts)
