r"""Makes `pretokens.npy`, the classes by which tokenizers cut words: `python -m filters.kernels.make_pretokens`.

In:  what `\p{L}`, `\p{N}` and `\s` are to tiktoken's regular expressions.
Out: the runs of equal classes: uint32, the first code point times 8, and the class (`pretokens.py`).
Guaranteed: the tests compare it with tiktoken and with `tokenizers` as installed. A younger library may know more
letters; then ids may differ in those characters, and the table stays as it is, for ids that exist do not change.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tiktoken import Encoding

from filters.kernels.pretokens import BLANK, LETTER, NEWLINE, NUMBER

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

CODES = 0x110000
CLASSES = {r"\p{L}": LETTER, r"\p{N}": NUMBER, r"\s": BLANK, r"[\r\n]": NEWLINE}
AT_ONCE = 50_000


def found_by(pattern: str) -> Iterator[int]:
    """Yield the code points that a regular expression for one character finds."""
    encoding = Encoding("one", pat_str=f"{pattern}+", mergeable_ranks=_bytes(), special_tokens={})
    codes = (code for code in range(CODES) if not 0xD800 <= code < 0xE000)
    while some := tuple(islice(codes, AT_ONCE)):
        kept = bytes(encoding.encode_ordinary("".join(map(chr, some))))
        yield from map(ord, kept.decode())


def _bytes() -> dict[bytes, int]:
    return {bytes([byte]): byte for byte in range(256)}


def classes() -> U8:
    """Return the class of each code point: uint8[0x110000]."""
    table = np.zeros(CODES, np.uint8)
    for pattern, kind in CLASSES.items():
        table[list(found_by(pattern))] = kind
    return table


def runs_of(table: U8) -> U32:
    """Return the runs of equal classes."""
    starts = np.flatnonzero(np.append(True, np.diff(table) != 0)).astype(np.uint32)
    return starts << np.uint32(3) | table[starts]


if __name__ == "__main__":
    np.save(Path(__file__).with_name("pretokens.npy"), runs_of(classes()))
