"""Cutting: taking spans out of texts, as an exchange decided.

In:  texts, and per text (start, end) byte offsets, sorted and apart.
Out: the texts without those bytes.
Guaranteed: positions decide, never string search; texts without spans are handed back as the very array; bytes are
     copied in runs, no text becomes a Python object.
"""

import numpy as np
import pyarrow as pa

from filters.kernels.copying import moved, texts_of, without
from filters.kernels.scans import Scans


def cut_texts(texts: pa.LargeStringArray, cuts: pa.ListArray) -> pa.LargeStringArray:
    """Return each text without its spans.

    Args:
        texts: large_string array without nulls.
        cuts: list<uint32> array of the same length: start, end, start, end ... in bytes; null or empty cuts nothing.
    """
    bounds = cuts.flatten().to_numpy().astype(np.int64).reshape(-1, 2)
    if not len(bounds):
        return texts
    scans = Scans(texts)
    begin, stop = int(scans.offsets[0]), int(scans.offsets[-1])
    offsets = scans.offsets - begin
    counts = cuts.value_lengths().fill_null(0).to_numpy() // 2
    placed = bounds + np.repeat(offsets[:-1], counts)[:, np.newaxis]
    start, end = np.ascontiguousarray(placed[:, 0]), np.ascontiguousarray(placed[:, 1])
    return texts_of(without(scans.data[begin:stop], start, end), moved(offsets, start, end))
