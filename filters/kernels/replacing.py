"""Texts with something else in the place of what was found in them.

In:  UTF-8 bytes, the stretches to be replaced, and what comes into their places.
Out: the bytes of the new texts, and where each text begins.
Guaranteed: stretches and replacements that begin and end between characters give valid UTF-8; what is not replaced is
     copied as it is.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


@kernel
def disjoint(start: I64, end: I64) -> npt.NDArray[np.bool_]:
    """Tell which of the stretches, in the order of their starts, begin behind the end of the last one told."""
    kept = np.zeros(len(start), np.bool_)
    behind = np.int64(-1)
    for number in range(len(start)):
        kept[number] = start[number] >= behind
        if kept[number]:
            behind = end[number]
    return kept


@kernel
def _copied(source: U8, target: U8, at: int) -> int:
    """Copy `source` to place `at` of `target`; return the place behind it."""
    for place in range(len(source)):
        target[at + place] = source[place]
    return at + len(source)


@kernel
def replaced(data: U8, offsets: I64, spans: tuple[I64, I64], masks: tuple[U8, I64], choice: I64) -> tuple[U8, I64]:
    """Replace stretches of texts.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts.
        spans: start and end (int64) of each stretch, ascending, disjoint, each inside one text.
        masks: bytes (uint8) of all replacements, and their offsets (int64, one more than replacements).
        choice: int64, the number of the replacement of each stretch.

    Returns:
        The bytes (uint8) and the offsets (int64, one more than texts) of the new texts.
    """
    start, end = spans
    words, bounds = masks
    size = offsets[-1] - offsets[0] - np.sum(end - start) + np.sum(bounds[choice + 1] - bounds[choice])
    out, out_offsets = np.empty(size, np.uint8), np.zeros_like(offsets)
    at, number = 0, 0
    for text in range(len(offsets) - 1):
        read = offsets[text]
        while number < len(start) and start[number] < offsets[text + 1]:
            at = _copied(data[read : start[number]], out, at)
            at = _copied(words[bounds[choice[number]] : bounds[choice[number] + 1]], out, at)
            read = end[number]
            number += 1
        at = _copied(data[read : offsets[text + 1]], out, at)
        out_offsets[text + 1] = at
    return out, out_offsets
