"""Suffix arrays, by libdivsufsort (Y. Mori), which pydivsufsort binds; this module is all that knows it.

In:  a sequence of bytes, or of ids of tokens.
Out: its suffix array.
Guaranteed: the same array whatever the number of threads. It is made on one core where `OMP_NUM_THREADS` says so when
     this is first called (`engine/workers.py`). Ids of 16 or 32 bits are sorted as so many bytes, two or four for one.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.suffixes import Units

MOST_BYTES = (1 << 31) - 1
"""Bytes that can be sorted with places of 32 bits; beyond, libdivsufsort has a slower form with places of 64."""


def suffix_array(units: Units) -> npt.NDArray[np.int32]:
    """Return the places of all suffixes, sorted.

    Args:
        units: uint8 or uint32, at least one and at most `MOST_BYTES` bytes; writable, as the library asks.

    Returns:
        int32, as many as units.

    Raises:
        ValueError: there are none, or too many.
    """
    if not 0 < units.nbytes <= MOST_BYTES:
        raise ValueError(f"{units.nbytes:,} bytes; between 1 and {MOST_BYTES:,} can be sorted")
    from pydivsufsort import divsufsort  # noqa: PLC0415 - it asks for the number of threads when it is imported

    found: npt.NDArray[np.int32] = divsufsort(units)
    return found
