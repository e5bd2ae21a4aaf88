"""Groups: rows beside each other that have the same key.

In:  sorted arrays.
Out: where groups begin.
Guaranteed: an empty array has no group.
"""

import numpy as np
import numpy.typing as npt


def changes(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Return where a sorted array begins a new value; the first element does."""
    changed = np.ones(len(values), np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed
