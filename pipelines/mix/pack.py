"""Packing: which tokens of which fragments make up each training sequence.

In:  the lengths of a shard's fragments, in order, and the length of a sequence.
Out: a plan: for every sequence, the stretches of fragments it holds. Tokens are not looked at.
Guaranteed: stretches keep the order of the fragments; no token is used twice; no sequence is empty or longer than
    `sequence_length`. No Python loop runs over tokens, fragments or sequences.

A packer is a function (lengths, sequence_length) -> Plan. To add one, write it here and name it in `PACKERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.mix.pools import I64


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


def concat(lengths: I64, sequence_length: int) -> Plan:
    """Pack fragments one after another, cut where a sequence is full; only the last sequence may be short."""
    ends = np.cumsum(lengths)
    starts = ends - lengths
    first = starts // sequence_length
    touched = np.where(lengths > 0, -(-ends // sequence_length) - first, 0)
    fragment = np.repeat(np.arange(len(lengths)), touched)
    sequence = first[fragment] + _count_within(touched)
    begin = np.maximum(starts[fragment], sequence * sequence_length)
    end = np.minimum(ends[fragment], (sequence + 1) * sequence_length)
    sequences = -(-int(lengths.sum()) // sequence_length)
    bounds = np.searchsorted(sequence, np.arange(sequences + 1))
    return Plan(bounds, fragment, begin - starts[fragment], end - begin)


def pad_truncate(lengths: I64, sequence_length: int) -> Plan:
    """Give each fragment a sequence of its own; what does not fit in it is lost."""
    fragment = np.flatnonzero(lengths)
    kept = np.minimum(lengths[fragment], sequence_length)
    return Plan(np.arange(len(fragment) + 1), fragment, np.zeros(len(fragment), np.int64), kept)


Packer = Callable[[I64, int], Plan]
PACKERS: Mapping[str, Packer] = {"concat": concat, "pad_truncate": pad_truncate}


def _count_within(counts: I64) -> I64:
    """Return 0, 1, ..., count - 1 for each count, one after another."""
    before = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) - np.repeat(before, counts)
