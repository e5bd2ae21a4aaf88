"""What a function from text to text makes of many characters, each by itself, asked for once.

In:  a function that treats a letter without case or decomposition as one that stays and parts its neighbours, and code
     points.
Out: the answers, one behind the other, and where each lies.
Guaranteed: one call of the function; no Python object per character.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

BETWEEN = 0xA4D0
"""A letter without case or decomposition, which no function changes: put between characters to part them."""


class Answers(NamedTuple):
    """What characters become.

    Args:
        codes: uint32, code points: `BETWEEN`, and behind each answer `BETWEEN` again.
        first: int64, one more than characters; answer i is `codes[first[i] : first[i + 1] - 1]`.
    """

    codes: U32
    first: I64


def ask(plain: Callable[[str], str], codes: U32 | I64) -> Answers:
    """Return what a function makes of characters.

    Args:
        plain: the function.
        codes: the characters' code points; neither `BETWEEN` nor a surrogate among them.
    """
    asked = np.full(2 * len(codes) + 1, BETWEEN, "<u4")
    asked[1::2] = codes
    answer = plain(asked.tobytes().decode("utf-32-le"))
    became = np.frombuffer(answer.encode("utf-32-le"), "<u4")
    return Answers(became, np.flatnonzero(became == BETWEEN) + 1)


def utf8_sizes(codes: U32 | I64) -> I64:
    """Return how many bytes each code point takes."""
    return 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
