"""The pinned table says what `unicodedata` of its version says, and hashes are functions of bytes."""

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.flags import ALNUM, LETTER, LINE_END, LOWER, MARK, PUNCTUATION, STRIPPED, UPPER, WHITE_SPACE
from filters.kernels.hashing import hash_bytes
from filters.kernels.make_codepoints import flags_of
from filters.kernels.unicode import CLASSES, LOWERCASE, decode
from filters.words import words

SURROGATES = range(0xD800, 0xE000)


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="needs the Unicode data of Python 3.11")
def test_every_character_has_the_flags_of_unicode_14() -> None:
    known = (code for code in range(sys.maxunicode + 1) if code not in SURROGATES)
    wrong = [
        code
        for code in known
        if unicodedata.category(chr(code)) != "Cn" and int(CLASSES[code]) & 0xFFFF & ~(1 << 13) != flags_of(chr(code))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("char", "flags"),
    [
        ("a", LETTER | LOWER | ALNUM),
        ("\u01c5", LETTER | ALNUM),
        ("\u3000", WHITE_SPACE | STRIPPED),
        ("\x1f", STRIPPED),
        ("\x1c", STRIPPED | LINE_END),
        ("\u0301", MARK),
        ("!", PUNCTUATION),
        ("\u00c9", LETTER | UPPER | ALNUM),
    ],
)
def test_the_classes_of_some_characters(char: str, flags: int) -> None:
    known = ALNUM | LETTER | LINE_END | LOWER | MARK | PUNCTUATION | STRIPPED | UPPER | WHITE_SPACE
    assert int(CLASSES[ord(char)]) & known == flags


def test_lower_case_is_one_character_or_the_character_itself() -> None:
    assert [chr(LOWERCASE[ord(char)]) for char in "A\u00c9\u0130\u212az!"] == ["a", "\u00e9", "\u0130", "k", "z", "!"]


def test_white_space_is_what_parts_words() -> None:
    spaces = [code for code in range(sys.maxunicode + 1) if code not in SURROGATES and not words(chr(code))]
    assert spaces == np.flatnonzero(CLASSES & WHITE_SPACE).tolist()


@given(st.characters(exclude_categories=["Cs"]))
def test_a_character_is_decoded(char: str) -> None:
    data = np.frombuffer(char.encode(), np.uint8)
    assert tuple(decode.py_func(data, 0)) == (ord(char), len(data))  # type: ignore[attr-defined] # numba's


def plain_hash(data: bytes) -> int:
    state = 0xCBF29CE484222325
    blocks = [data[at : at + 8].ljust(8, b"\0") for at in range(0, len(data), 8)]
    for block in [*blocks, len(data).to_bytes(8, "little")]:
        state = (state ^ int.from_bytes(block, "little")) * 0x9E3779B97F4A7C15 % 2**64
        state ^= state >> 29
    return state


@given(st.binary(max_size=40), st.binary(max_size=9))
def test_a_hash_is_a_function_of_the_bytes_wherever_they_lie(data: bytes, before: bytes) -> None:
    held = np.frombuffer(before + data + b"more", np.uint8)
    assert int(hash_bytes(held, len(before), len(before) + len(data))) == plain_hash(data)
