"""Punctuation as datatrove has it: the characters of which a word may be made and yet be no word.

In:  the ends of sentences, which `filters/sentences.py` lists.
Out: `PUNCTUATION`, bool by code point.
Guaranteed: the set `PUNCTUATION_SET` of datatrove 0.10 (`utils/text.py`): all that ends a sentence in some script, most
     of ASCII punctuation, some of its full-width and typographic kin, and control characters.
"""

import sys

import numpy as np

from filters.sentences import TERMINALS

_OTHERS = (
    *((0x00, 0x08), (0x0B, 0x1F), (0x22, 0x2D), (0x2F, 0x2F), (0x3A, 0x3E), (0x40, 0x40), (0x5B, 0x60), (0x7B, 0x9F)),
    *((0xAB, 0xAB), (0xB4, 0xB4), (0xBB, 0xBB), (0x2013, 0x2014), (0x2019, 0x2019), (0x201C, 0x201E)),
    *((0x2026, 0x2026), (0x2236, 0x2236), (0x2501, 0x2501), (0x25BA, 0x25BA), (0x3001, 0x3001), (0x3008, 0x300D)),
    *((0x3010, 0x3011), (0xFF05, 0xFF05), (0xFF08, 0xFF09), (0xFF0C, 0xFF0C), (0xFF11, 0xFF11), (0xFF1A, 0xFF1B)),
    (0xFF5E, 0xFF5E),
)
"""First and last code points of what ends no sentence."""

PUNCTUATION = np.zeros(sys.maxunicode + 1, np.bool_)
PUNCTUATION[[ord(char) for char in TERMINALS]] = True
for _first, _last in _OTHERS:
    PUNCTUATION[_first : _last + 1] = True
