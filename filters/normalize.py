"""One spelling for one text: Unicode normalization form C and one kind of line end.

In:  documents.
Out: their text with every CR LF and every lone CR replaced by LF, in form NFC.
Guaranteed: nothing else changes (no white space is stripped, no character removed); doing it again changes nothing; a
     batch of ASCII texts without CR is handed back as it came; the time grows with the text, whatever it holds. The
     character data is that of the running Python's `unicodedata`; Unicode keeps the normal form of every assigned
     character for ever.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import cache
from itertools import compress
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from filters.batch import Batch, Outcome, Stage, run_stage

LONG_RUN = 64
"""Combining marks in a row from which on they are put in order here, since `unicodedata` takes quadratic time."""

STEP = 8
"""Long runs are looked for among every eighth character only: there, too, those of a run stand in a row."""

MARKS_END = 0x20000
"""Combining marks lie in the first two planes; those behind hold ideographs, tags, variation selectors, private use."""


def normalize_text(text: str) -> str:
    r"""Return `text` in form NFC with LF as its only line end.

    >>> normalize_text("Cafe\u0301\r\nbar\r")
    'Café\nbar\n'
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", in_order(text))


def in_order(text: str) -> str:
    """Return text whose long runs of combining marks are decomposed and in canonical order."""
    if _long_runs(LONG_RUN // STEP).search(text[::STEP]) is None:
        return text
    return _long_runs(LONG_RUN).sub(_ordered, text)


@cache
def _long_runs(length: int) -> re.Pattern[str]:
    """Return a pattern of runs of so many combining marks, or more."""
    mark = one_of(combining_marks())
    return re.compile(f"{mark}{mark}{{{length - 1},}}")


@cache
def combining_marks() -> list[int]:
    """Return the code points whose canonical combining class is not 0, ascending."""
    return [*compress(range(MARKS_END), map(unicodedata.combining, map(chr, range(MARKS_END))))]


def one_of(codes: Collection[int]) -> str:
    """Return a regular expression of one of some characters, none of which is ASCII."""
    members = set(codes)
    firsts, lasts = (sorted(code for code in members if code + step not in members) for step in (-1, 1))
    return "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(firsts, lasts, strict=True)) + "]"


def _ordered(run: re.Match[str]) -> str:
    """Return a run of marks in canonical order: sorted by combining class, equal classes as they stood."""
    decomposed = "".join(unicodedata.normalize("NFD", mark) for mark in run[0])
    return "".join(sorted(decomposed, key=unicodedata.combining))


class Normalize(Stage):
    """Edits text: NFC, and LF for CR LF and CR."""

    version: ClassVar[int] = 1

    def __call__(self, batch: Batch) -> Outcome:
        """Edit."""
        return run_stage(self, batch)

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        """Return the new text, one value per document; ASCII text without CR is not looked at twice."""
        text = batch.text
        suspect = pc.or_(pc.invert(pc.string_is_ascii(text)), pc.match_substring(text, "\r"))
        if not pc.any(suspect).as_py():
            return text
        edited = [normalize_text(value) for value in text.filter(suspect).to_pylist()]
        return pc.replace_with_mask(text, suspect, pa.array(edited, pa.large_string()))
