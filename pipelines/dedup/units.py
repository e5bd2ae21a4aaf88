"""Units: the pieces of texts that are compared line by line, and what is taken out of a text with each.

In:  texts.
Out: `Units`: per unit its 128-bit key and its place in its text.
Guaranteed: blank units are left out, and units without anything to compare once they are normalized; no Python object
     per unit.

    line              what stands between line feeds
    paragraph         lines without a blank one between them
    three_sentences   three sentences in a row (`filters/sentences.py`), each sentence but the last two begins one
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.dedup_lines import Pieces, paragraphs, piece_characters, piece_hashes
from filters.kernels.scans import Scans
from filters.kernels.sentences import LEADS, MARKED, text_sentences
from filters.kernels.unicode import CLASSES
from pipelines.dedup.keys import NormalForm, piece_keys

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

Unit: TypeAlias = Literal["line", "paragraph", "three_sentences"]

WIDTHS: dict[Unit, int] = {"line": 1, "paragraph": 1, "three_sentences": 3}
"""Pieces in a row that are one unit."""

PLACE = ("before", "end", "after", "chars_before", "chars_end", "chars")
"""The place of a unit, uint32 each: bytes from the beginning of its text to the end of the piece before it, to its own
end, and to the beginning of the piece behind it (of the text, where there is none); characters of pieces before it, to
its end, and of the whole text, those of blank pieces and of separators not counted."""

KEY_BYTES = 16


@dataclass(frozen=True)
class Units:
    """The units of texts, in order.

    Args:
        text: int64, the text of each.
        number: uint32, the number in its text of the piece that it begins with.
        high: uint64, high half of its key.
        low: uint64, low half.
        place: int64[units, 6], see `PLACE`.
    """

    text: I64
    number: npt.NDArray[np.uint32]
    high: U64
    low: U64
    place: I64


def units_of(texts: pa.LargeStringArray, unit: Unit, form: NormalForm, min_length: int) -> Units:
    """Return the units of texts that have at least `min_length` characters.

    Args:
        texts: large_string array without nulls.
        unit: what a unit is.
        form: the form in which units are compared.
        min_length: in characters of the text as it is, separators between sentences not counted; at least 1.
    """
    scans, width = Scans(texts), WIDTHS[unit]
    pieces = _pieces(scans, unit)
    high, low = piece_keys(scans.data, pieces[1], pieces[2], form)
    counts = np.diff(pieces[0])
    text = np.repeat(np.arange(len(counts)), counts)
    chars = np.concatenate([[0], np.cumsum(piece_characters(scans.data, pieces[1], pieces[2], CLASSES))])
    begins = np.arange(len(text))
    begins = begins[begins + width <= pieces[0][1:][text]]
    behind = begins + width
    named = (high | low) != 0
    comparable = np.logical_or.reduce([named[begins + at] for at in range(width)])
    begins = begins[comparable & (chars[behind] - chars[begins] >= min_length)]
    high, low = _windows(high, low, begins, width)
    number = (begins - pieces[0][text[begins]]).astype(np.uint32)
    return Units(text[begins], number, high, low, _places(pieces, scans.offsets, chars, (text[begins], begins, width)))


def _pieces(scans: Scans, unit: Unit) -> Pieces:
    if unit == "line":
        return scans.line_feed_lines
    if unit == "paragraph":
        return paragraphs(scans.data, scans.line_feed_lines, CLASSES)
    return text_sentences(scans.data, scans.offsets, MARKED, LEADS)


def _windows(high: U64, low: U64, begins: I64, width: int) -> tuple[U64, U64]:
    """Return the keys of units: those of their pieces, or of several the hash of these in a row."""
    if width == 1:
        return high[begins], low[begins]
    data = np.stack([high, low], axis=1).astype("<u8").view(np.uint8).reshape(-1)
    data.flags.writeable = False
    return piece_hashes(data, begins * KEY_BYTES, (begins + width) * KEY_BYTES)


def _places(pieces: Pieces, offsets: I64, chars: I64, units: tuple[I64, I64, int]) -> I64:
    """Return the places of units, given their text, the piece that each begins with, and how many it has."""
    first, start, end = pieces
    text, begins, width = units
    origin, opening, closing = offsets[text], first[text], first[text + 1]
    previous, behind = np.maximum(begins - 1, 0), np.minimum(begins + width, len(start) - 1)
    before = np.where(begins == opening, origin, end[previous])
    after = np.where(begins + width == closing, offsets[text + 1], start[behind])
    own = [before - origin, end[begins + width - 1] - origin, after - origin]
    count = [chars[begins] - chars[opening], chars[begins + width] - chars[opening], chars[closing] - chars[opening]]
    return np.stack([*own, *count], axis=1)
