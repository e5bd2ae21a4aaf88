"""Numbers of documents as columns: counts in int64, ratios in float32.

In:  numpy arrays with one number per document.
Out: Arrow columns.
Guaranteed: a ratio is computed in float64 and rounded once; where there is nothing to divide by, it is 0.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.hashing import hash_bytes

Numbers = npt.NDArray[Any]


def count(numbers: Numbers) -> pa.Int64Array:
    """Return an int64 column."""
    return pa.array(np.ascontiguousarray(numbers), pa.int64())


def ratio(part: Numbers, whole: Numbers) -> pa.FloatArray:
    """Return the float32 column `part / whole`."""
    return pa.array((part / np.maximum(whole, 1)).astype(np.float32))


def text_hashes(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Return the hash that each text has as a word of `Words`."""
    data = [np.frombuffer(text.encode(), np.uint8) for text in texts]
    return np.array([hash_bytes(each, 0, len(each)) for each in data], np.uint64)
