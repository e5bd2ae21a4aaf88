"""Entries counted in the lower case that `str.lower` gives.

In:  scans of texts, and a table of entries.
Out: hits per text.
Guaranteed: the counts of `text.lower()`. Kernels lower one character at a time, which is the same but for U+0130, which
     becomes two, and U+03A3, whose lower case depends on where in a word it stands: texts with these (Greek and
     Turkish ones) are lowered before.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.entries import FOLDED, Table, count_entries, special_texts
from filters.kernels.scans import Scans


def count_in_lower_case(scans: Scans, table: Table, *, whole: bool) -> npt.NDArray[np.int64]:
    """Return how often entries, in lower case themselves, occur in each text (int64)."""
    hits, _ = count_entries(scans.data, scans.offsets, FOLDED, table, whole)
    special = np.flatnonzero(special_texts(scans.data, scans.offsets))
    if len(special):
        texts = scans.text.take(pa.array(special)).to_pylist()
        lowered = Scans(pa.array([text.lower() for text in texts], pa.large_string()))
        hits[special] = count_entries(lowered.data, lowered.offsets, FOLDED, table, whole)[0]
    return hits
