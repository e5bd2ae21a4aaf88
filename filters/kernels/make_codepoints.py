"""Makes `codepoints.npy`, the pinned table of Unicode 14.0: `python -m filters.kernels.make_codepoints`.

In:  `unicodedata` of Python 3.11, which is Unicode 14.0, and Word_Break and Extended_Pictographic from `uniseg`.
Out: a two-stage table: 4,352 block numbers, the blocks of flags, then the blocks of lower-case distances.
Guaranteed: characters that Unicode 14.0 does not have are of no class at all, whatever newer data say of them.

`uniseg` 0.10.1 has the Word_Break values of Unicode 16.0; of the characters that Unicode 14.0 has, few have changed.
"""

import sys
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt

from filters.kernels.flags import BLOCK, FLAGS, PICTOGRAPHIC, WORD_BREAK_SHIFT, WORD_BREAKS

U32 = npt.NDArray[np.uint32]

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
LINE_ENDS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"


def flags_of(char: str) -> int:
    """Return the flags of a character that Unicode 14.0 has."""
    category = unicodedata.category(char)
    held = {
        "WHITE_SPACE": char in WHITE_SPACE,
        "STRIPPED": char.isspace(),
        "LINE_END": char in LINE_ENDS,
        "LETTER": category[0] == "L",
        "MARK": category[0] == "M",
        "PUNCTUATION": category[0] == "P",
        "SYMBOL": category[0] == "S",
        "DECIMAL": category == "Nd",
        "ALNUM": char.isalnum(),
        "UPPER": char.isupper(),
        "LOWER": char.islower(),
        "DIGIT": char.isdigit(),
        "NUMERIC": char.isnumeric(),
    }
    return sum(FLAGS[name] for name, holds in held.items() if holds)


def word_break_of(char: str) -> int:
    """Return the bits of a character's Word_Break value and of Extended_Pictographic."""
    from uniseg.emoji import extended_pictographic  # noqa: PLC0415 - needed only to make the table
    from uniseg.wordbreak import word_break  # noqa: PLC0415 - likewise

    pictographic = PICTOGRAPHIC if extended_pictographic(char) else 0
    return WORD_BREAKS.index(str(word_break(char).value)) << WORD_BREAK_SHIFT | pictographic


def _flags() -> U32:
    table = np.zeros(sys.maxunicode + 1, np.uint32)
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) != "Cn" and not 0xD800 <= code < 0xE000:
            table[code] = flags_of(char) | word_break_of(char)
        elif code < sys.maxunicode and unicodedata.category(char) == "Cn":
            table[code] = word_break_of(char) & PICTOGRAPHIC
    return table


def _lower() -> U32:
    """Return what is added, modulo 2^32, to a character to make it lower case, where that is one character."""
    table = np.zeros(sys.maxunicode + 1, np.uint32)
    for code in range(sys.maxunicode + 1):
        lowered = chr(code).lower()
        if len(lowered) == 1:
            table[code] = (ord(lowered) - code) & 0xFFFFFFFF
    return table


def two_stage(table: U32) -> tuple[U32, U32]:
    """Return block numbers and different blocks of a table."""
    blocks, numbers = np.unique(table.reshape(-1, BLOCK), axis=0, return_inverse=True)
    return numbers.reshape(-1).astype(np.uint32), blocks.reshape(-1)


if __name__ == "__main__":
    if unicodedata.unidata_version != "14.0.0":
        raise SystemExit(f"needs Python 3.11: this one has Unicode {unicodedata.unidata_version}")
    stages = [*two_stage(_flags()), *two_stage(_lower())]
    sizes = np.array([len(stage) for stage in stages], np.uint32)
    np.save(Path(__file__).with_name("codepoints.npy"), np.concatenate([sizes, *stages]))
