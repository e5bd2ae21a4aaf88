"""Repeats: which stretches of texts stand in an earlier one, or earlier in the same one.

In:  texts as units (bytes, or ids of tokens), in the order in which they keep what they share.
Out: the stretches of each that are repeated, and where their first copy is.
Guaranteed: what is found follows from the texts and their order alone; no stretch reaches across two texts.

Of `length` units that stand in several places, the first place keeps them, and so do those that overlap the first (of
"aaaaa", which has "aaa" three times, all stays). Stretches that overlap or touch are one. So a unit is repeated if and
only if it lies in a window of `length` units which stands whole before that window begins.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.suffixes import Units, covered_spans, mark_copies, shared_prefixes
from pipelines.dedup.suffix_array import suffix_array

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Joined:
    """Texts one behind the other, with a separator between any two.

    Args:
        units: uint8 or uint32.
        lengths: int64, units of each text.
        separator: a unit that stands in no text.
    """

    units: Units
    lengths: I64
    separator: int

    @property
    def first(self) -> I64:
        """The place where each text begins, int64."""
        return np.cumsum(self.lengths + 1) - self.lengths - 1


class Repeats(NamedTuple):
    """Repeated stretches, by text and by place.

    Args:
        text: int64, the number of the text.
        start: int64, unit of the text at which each begins.
        end: int64, unit before which it ends.
        origin: int64, number of the text that holds the first copy of what it begins with.
    """

    text: I64
    start: I64
    end: I64
    origin: I64


def repeats_in(joined: Joined, length: int, looked_at: I64, *, first_stays: bool) -> Repeats:
    """Return the repeated stretches of some texts.

    Args:
        joined: at least one text.
        length: units that must agree, at least 1.
        looked_at: ascending numbers of the texts whose stretches are asked for.
        first_stays: the first place keeps what several have; otherwise all its places are repeated.
    """
    first = joined.first
    order = suffix_array(joined.units)
    copies = shared_prefixes(joined.units, order, length, joined.separator)
    mark_copies(order, copies, length, first_stays)
    del order
    end = first + joined.lengths
    counts, spans = covered_spans(copies, first[looked_at], end[looked_at], length)
    text = np.repeat(looked_at, counts)
    origin = np.searchsorted(first, spans[:, 2], side="right") - 1
    return Repeats(text, spans[:, 0] - first[text], spans[:, 1] - first[text], origin)
