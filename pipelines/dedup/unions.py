"""Unions: the spans that leave a text when some of its units are cut.

In:  places of cut units (`pipelines/dedup/units.py`), by text, in order.
Out: per text disjoint ascending spans in bytes, and how many of its characters are cut.
Guaranteed: what stays reads as if its pieces were joined by the separators that stood before them: each run of cut
     units takes the separator before it, or at the beginning of a text the one behind it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Union:
    """What leaves some texts.

    Args:
        first: int64, one more than texts; the spans of text d are numbers `first[d]` to `first[d + 1]`.
        spans: uint32[spans, 2], the bytes from which and before which each is cut, from the beginning of its text.
        cut: int64, characters of each text that are cut.
        chars: int64, characters that each text has.
    """

    first: I64
    spans: U32
    cut: I64
    chars: I64


def union_of(places: I64, numbers: U32, starts: I64) -> Union:
    """Unite cut units that touch or overlap.

    Args:
        places: int64[units, 6], see `PLACE`.
        numbers: uint32, the number in its text of the piece that each begins with.
        starts: int64, the first unit of each text, ascending from 0; every text has one.
    """
    before, end, after, chars_before, chars_end, chars = places.T
    begins = np.ones(len(places), np.bool_)
    begins[1:] = before[1:] > end[:-1]
    begins[starts] = True
    opens = np.flatnonzero(begins)
    closes = np.append(opens[1:], len(places)) - 1
    leading = numbers[opens] == 0
    spans = np.stack([before[opens], np.where(leading, after[closes], end[closes])], axis=1)
    runs = np.searchsorted(opens, starts)
    cut = np.add.reduceat(chars_end[closes] - chars_before[opens], runs)
    return Union(np.append(runs, len(opens)), spans.astype(np.uint32), cut, chars[starts])
