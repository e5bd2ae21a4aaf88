"""Texts as a normalization of `filters/shingling.py` leaves them.

In:  scans of texts, and the name of a normalization.
Out: scans of the normalized texts.
Guaranteed: the texts of the plain function, but for how long a run of white space is. Most are rewritten by a table;
     those that in lower case still hold a mark that NFD may move go to the plain function.
"""

import unicodedata
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.categories import combining_marks, looked_at
from filters.kernels.asking import BETWEEN, ask
from filters.kernels.flags import DECIMAL
from filters.kernels.rewriting import Table, rewrite, table_of
from filters.kernels.scans import Scans
from filters.kernels.unicode import CLASSES
from filters.normalize import normalize_text
from filters.shingling import (
    NORMALIZATIONS,
    NUMBER_SEPARATORS,
    Normalization,
    lower_without_punctuation,
    without_ascii_punctuation,
)

CAPITAL_SIGMA = 0x3A3
"""What it becomes in lower case depends on the letters beside it."""


def normalized_scans(scans: Scans, normalization: Normalization) -> Scans:
    """Return scans of normalized texts; a run of white space may be longer there than the plain function leaves it."""
    if normalization == "none":
        return scans
    plain = NORMALIZATIONS[normalization]
    if normalization == "slimpajama":
        plain = without_ascii_punctuation
        scans = Scans(_composed(scans.text))
    before = lower_without_punctuation if normalization == "redpajama" else str.lower
    return Scans(rewrite(scans, _table(normalization), plain, before))


def _composed(text: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return texts in form NFC."""
    others = pc.invert(pc.string_is_ascii(text))
    if not pc.any(others).as_py():
        return text
    composed = [normalize_text(value) for value in text.filter(others).to_pylist()]
    return pc.replace_with_mask(text, others, pa.array(composed, pa.large_string()))


@cache
def _table(normalization: Normalization) -> Table:
    """Return what a normalization does to each character by itself."""
    special = {CAPITAL_SIGMA}
    digits: list[int] = []
    plain = NORMALIZATIONS[normalization]
    if normalization == "slimpajama":
        plain = without_ascii_punctuation
    if normalization == "redpajama":
        special |= _marks()
    if normalization == "datatrove":
        special |= {code for code in _marks() if unicodedata.category(chr(code)) != "Mn"}
        digits = np.flatnonzero(CLASSES & DECIMAL).tolist()
    return table_of(plain, special, digits, NUMBER_SEPARATORS if digits else "")


@cache
def _marks() -> set[int]:
    """Return the code points that NFD may put into another place: what they decompose to begins with a mark."""
    codes = looked_at()
    codes = codes[(CLASSES[codes] != 0) & (codes != BETWEEN)]
    became, first = ask(partial(unicodedata.normalize, "NFD"), codes)
    return set(codes[np.isin(became[first[:-1]], combining_marks())].tolist())
