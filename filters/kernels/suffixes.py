"""Repeated stretches of a sequence, from its suffix array.

In:  units (bytes, or ids of tokens) of texts that stand one behind the other with a separator between any two, and the
     suffix array of the whole.
Out: which windows of so many units stand in it before, or more than once; the spans that such windows cover.
Guaranteed: linear time and one array of the size of the suffix array, whatever repeats; no window reaches across a
     separator. Equal windows stand beside each other in a suffix array, so no more than two neighbours are compared.

Common prefixes of neighbours are found in the order of the text (Kärkkäinen, Manzini and Puglisi, "Permuted
Longest-Common-Prefix Array", CPM 2009), and counted no further than the length of a window.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Units = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
Ids = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

NONE = -1
"""In an array of places: no place."""


@leaf
def _matching(units: Units, at: int, other: int, bounds: tuple[int, int, int]) -> int:
    """Return how many units two suffixes share before a separator, given a number that they do; at most `most`."""
    shared, most, separator = bounds
    most = min(most, len(units) - max(at, other))
    while shared < most and units[at + shared] == units[other + shared] and units[at + shared] != separator:
        shared += 1
    return shared


@kernel
def shared_prefixes(units: Units, order: I32, most: int, separator: int) -> I32:
    """Return for each place what its suffix shares with the one that is sorted before it.

    Args:
        units: uint8 or uint32.
        order: int32, the suffix array of `units`.
        most: no more units than this are counted.
        separator: the unit that is like no other, itself included.

    Returns:
        int32, one value per unit; 0 for the suffix that is sorted first.
    """
    shared = np.empty(len(order), np.int32)
    shared[order[0]] = NONE
    for rank in range(1, len(order)):
        shared[order[rank]] = order[rank - 1]
    known = 0
    for at in range(len(shared)):
        before = shared[at]
        known = 0 if before == NONE else _matching(units, at, before, (known, most, separator))
        shared[at] = known
        known = max(known - 1, 0)
    return shared


@leaf
def _first_of_run(order: I32, shared: I32, start: int, length: int) -> tuple[int, int]:
    """Return the rank behind the windows that are equal to the one of rank `start`, and the first place of them all."""
    end, first = start + 1, order[start]
    while end < len(order) and shared[order[end]] >= length:
        first = min(first, order[end])
        end += 1
    return end, first


@kernel
def mark_copies(order: I32, shared: I32, length: int, first_stays: bool) -> None:
    """Put into `shared` for each place where the first window stands that is equal to the one there, and -1 for none.

    Args:
        order: int32, the suffix array.
        shared: int32, what `shared_prefixes` returned, counted at least up to `length`; it is overwritten.
        length: units of a window.
        first_stays: the first window is a copy of none, and no window is that overlaps the first; otherwise all are
            copies that are equal to another, the first one too.
    """
    start = 0
    while start < len(order):
        end, first = _first_of_run(order, shared, start, length)
        least = first + length if first_stays else 0
        for rank in range(start, end):
            copied = order[rank] >= least and end - start > 1
            shared[order[rank]] = first if copied else NONE
        start = end


@kernel
def _spans_of(copies: I32, place: tuple[int, int], length: int, out: I64) -> int:
    """Write the spans of one text from `out[0]` on, and return how many there are; `out` may be too short for them."""
    count, stop = 0, NONE
    for at in range(place[0], place[1]):
        if copies[at] == NONE:
            continue
        if at > stop:
            if count < len(out):
                out[count, 0], out[count, 2] = at, copies[at]
            count += 1
        stop = at + length
        if count <= len(out):
            out[count - 1, 1] = stop
    return count


@kernel
def covered_spans(copies: I32, first: I64, end: I64, length: int) -> tuple[I64, I64]:
    """Return the stretches of each text that windows cover which are copies.

    Args:
        copies: int32, what `mark_copies` left.
        first: int64, the place where each text begins.
        end: int64, the place behind each.
        length: units of a window.

    Returns:
        Counts, int64, the spans of each text; and int64[spans, 3]: where each begins and ends (those that touch are
        one), and the place of what its first window is a copy of.
    """
    counts = np.empty(len(first), np.int64)
    nothing = np.empty((0, 3), np.int64)
    for text in range(len(first)):
        counts[text] = _spans_of(copies, (first[text], end[text]), length, nothing)
    spans = np.empty((counts.sum(), 3), np.int64)
    at = 0
    for text in range(len(first)):
        _spans_of(copies, (first[text], end[text]), length, spans[at : at + counts[text]])
        at += counts[text]
    return counts, spans


@kernel
def between_characters(data: U8, spans: I64) -> None:
    """Shorten spans in place until they begin and end between characters; what holds no whole one is left empty.

    Args:
        data: uint8, valid UTF-8 texts, one behind the other.
        spans: int64[spans, 2], the bytes at which each begins and before which it ends.
    """
    for span in range(len(spans)):
        start, end = spans[span, 0], spans[span, 1]
        while start < end and data[start] & 0xC0 == 0x80:
            start += 1
        while end > start and end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        spans[span, 0], spans[span, 1] = start, end


@kernel
def joined_ids(ids: Ids, offsets: I64, separator: int) -> U32:
    """Return the ids of all texts (uint32), one behind the other with a separator between any two.

    Args:
        ids: uint16 or uint32.
        offsets: int64, one more than texts; text d is `ids[offsets[d]:offsets[d + 1]]`.
        separator: an id that no text has.
    """
    out = np.empty(max(len(ids) + len(offsets) - 2, 0), np.uint32)
    at = 0
    for text in range(len(offsets) - 1):
        if text:
            out[at] = separator
            at += 1
        for place in range(offsets[text], offsets[text + 1]):
            out[at] = ids[place]
            at += 1
    return out
