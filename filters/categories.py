"""Characters by general category, as the running Python's `unicodedata` has them, and patterns of them.

In:  names of general categories.
Out: the code points that have them; a regular expression of characters.
Guaranteed: every character is asked for at most once in a process. Not looked at are blocks without marks, controls and
     format characters, whatever version of Unicode: ideographs, Hangul syllables, surrogates, private use.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]

PLANE = 0x10000

LOOKED_AT = (range(0x3400), range(0xA000, 0xAC00), range(0xF900, 0x20000), range(0xE0000, 0xE01F0))
"""Code points that may be what is looked for: of planes 0, 1 and 14 (Unicode 14.0, 2.8; Blocks.txt)."""


@cache
def looked_at() -> I64:
    """Return the code points that may be marks, controls or format characters, ascending."""
    return np.concatenate([np.arange(part.start, part.stop) for part in LOOKED_AT])


def codes_of(*names: str) -> I64:
    """Return the code points looked at whose general category is one of some, ascending."""
    return looked_at()[np.isin(_categories(), [name.encode() for name in names])]


@cache
def _categories() -> npt.NDArray[np.bytes_]:
    """Return the general category of each code point looked at."""
    names = "".join(map(unicodedata.category, map(chr, looked_at().tolist())))
    return np.frombuffer(names.encode(), "S2")


@cache
def combining_marks() -> I64:
    """Return the code points whose canonical combining class is not 0, ascending; all of them are marks."""
    marks = codes_of("Mn", "Mc", "Me")
    return marks[[unicodedata.combining(chr(code)) != 0 for code in marks.tolist()]]


def one_of(codes: Sequence[int] | I64) -> str:
    """Return a regular expression of one of some characters, ascending, none of which is ASCII."""
    ranges = np.split(codes, np.flatnonzero(np.diff(codes) != 1) + 1)
    return "[" + "".join(f"{chr(part[0])}-{chr(part[-1])}" for part in ranges) + "]"
