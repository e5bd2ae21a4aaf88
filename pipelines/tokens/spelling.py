"""Spelling: the bytes of every id of a vocabulary, as arrays.

In:  a vocabulary's table.
Out: the bytes of all ids, one behind the other, and where each id's begin.
Guaranteed: the bytes of id i are `data[offsets[i]:offsets[i + 1]]`; special tokens have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Spelling:
    """The bytes of every id.

    Args:
        data: uint8, the bytes of all ids.
        offsets: int64, one more than ids.
    """

    data: U8
    offsets: I64


def spelling_of(table: Sequence[bytes]) -> Spelling:
    """Return the spelling of a vocabulary whose id i stands for `table[i]`."""
    ends = np.cumsum([0, *map(len, table)], dtype=np.int64)
    return Spelling(np.frombuffer(b"".join(table), np.uint8), ends)
