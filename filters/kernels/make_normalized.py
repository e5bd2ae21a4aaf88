"""Makes `normalized.npz`, how RedPajama v2 normalizes characters: `python -m filters.kernels.make_normalized`.

In:  `unicodedata` and `str.lower` of Python 3.11, which are Unicode 14.0.
Out: the characters whose lower-case NFD form is not themselves, with that form; the canonical combining class of every
     character, and what it is to the rule of the final sigma, as a two-stage table.
Guaranteed: characters that Unicode 14.0 does not have stay themselves. Hangul syllables, whose decomposition is
     arithmetic (Unicode 14.0, section 3.12), are not stored.
"""

import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from filters.kernels.make_codepoints import two_stage

U32 = npt.NDArray[np.uint32]

CASED = 1 << 8
CASE_IGNORABLE = 1 << 9
"""Bits of the context table above the canonical combining class."""

HANGUL = range(0xAC00, 0xD7A4)


def normal_form(char: str) -> str:
    """Return the canonical decomposition of the lower case of a character."""
    return unicodedata.normalize("NFD", char.lower())


def context_of(char: str) -> int:
    """Return a character's combining class and what `str.lower` thinks of it beside a capital sigma."""
    cased = CASED if (char + "\u03a3").lower()[-1] == "\u03c2" else 0
    passed_over = not cased and ("A" + char + "\u03a3").lower()[-1] == "\u03c2"
    return unicodedata.combining(char) | cased | (CASE_IGNORABLE if passed_over else 0)


def _known() -> list[int]:
    codes = (code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    return [code for code in codes if unicodedata.category(chr(code)) != "Cn"]


def _context(known: list[int]) -> U32:
    table = np.zeros(sys.maxunicode + 1, np.uint32)
    for code in known:
        table[code] = context_of(chr(code))
    return table


def _mapped(known: list[int]) -> dict[str, U32]:
    forms = {code: normal_form(chr(code)) for code in known if code not in HANGUL}
    changed = {code: form for code, form in forms.items() if form != chr(code)}
    columns = {
        "codes": list(changed),
        "sizes": [len(form) for form in changed.values()],
        "forms": [ord(char) for form in changed.values() for char in form],
    }
    return {name: np.array(column, np.uint32) for name, column in columns.items()}


def tables() -> dict[str, U32]:
    """Return what is stored: numbers and blocks of the context table; codes, and the sizes and characters of forms."""
    known = _known()
    numbers, blocks = two_stage(_context(known))
    return {"numbers": numbers, "blocks": blocks, **_mapped(known)}


if __name__ == "__main__":
    if unicodedata.unidata_version != "14.0.0":
        raise SystemExit(f"needs Python 3.11: this one has Unicode {unicodedata.unidata_version}")
    arrays: dict[str, Any] = {**tables()}
    np.savez_compressed(Path(__file__).with_name("normalized.npz"), **arrays)
