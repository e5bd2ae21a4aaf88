"""Repeated spans: what repeated stretches of texts are in bytes, and what each text loses with them.

In:  rows whose payloads are texts, and which stretches of them are repeated.
Out: per text that loses something disjoint spans of whole characters, how many these are, and who has the first copy.
Guaranteed: a stretch that begins or ends inside a character is shortened; one without a whole character cuts nothing.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.code_points import piece_code_points
from filters.kernels.suffixes import between_characters
from pipelines.dedup.groups import bounds_of
from pipelines.dedup.repeats import Repeats
from pipelines.dedup.text_units import TextUnits
from pipelines.dedup.unions import Union
from pipelines.engine.exchange import Rows

I64 = npt.NDArray[np.int64]


class Lost(NamedTuple):
    """What texts lose.

    Args:
        rows: int64, the rows of the texts that lose something.
        union: their spans.
        origin: int64, of each the row whose text has the first copy of what its longest span begins with.
    """

    rows: I64
    union: Union
    origin: I64


def lost_by(rows: Rows, members: I64, units: TextUnits, found: Repeats) -> Lost:
    """Return what texts lose.

    Args:
        rows: their payloads are texts.
        members: the row of each text.
        units: these texts.
        found: their repeated stretches.
    """
    spans = _byte_spans(rows, members, units, found)
    some = spans[:, 1] > spans[:, 0]
    text, origin, spans = found.text[some], found.origin[some], spans[some]
    bounds = bounds_of(text)
    losing = members[text[bounds[:-1]]]
    longest = np.lexsort((spans[:, 0] - spans[:, 1], text))[bounds[:-1]]
    return Lost(losing, _union(rows, losing, bounds, spans), members[origin[longest]])


def _byte_spans(rows: Rows, members: I64, units: TextUnits, found: Repeats) -> I64:
    """Return the bytes of the payloads from which and before which each stretch lasts, in whole characters."""
    sides = [units.byte_of(found.text, side) for side in (found.start, found.end)]
    spans = np.stack(sides, axis=1) + rows.offsets[members[found.text]][:, np.newaxis]
    between_characters(rows.payload, spans)
    return spans


def _union(rows: Rows, losing: I64, bounds: I64, spans: I64) -> Union:
    """Return what leaves each text, whose spans are those from one bound to the next."""
    begins = np.repeat(rows.offsets[losing], np.diff(bounds))[:, np.newaxis]
    chars = piece_code_points(rows.payload, rows.offsets[losing], rows.offsets[losing + 1])
    sizes = piece_code_points(rows.payload, np.ascontiguousarray(spans[:, 0]), np.ascontiguousarray(spans[:, 1]))
    cut = np.add.reduceat(sizes, bounds[:-1]) if len(sizes) else sizes
    return Union(bounds, (spans - begins).astype(np.uint32), cut, chars)
