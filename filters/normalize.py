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
from functools import cache
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.batch import Batch, Outcome, Stage, run_stage
from filters.categories import PLANE, combining_marks, one_of

LONG_RUN = 64
"""Combining marks in a row from which on they are put in order here, since `unicodedata` takes quadratic time."""


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
    return _suspects().sub(_mended, text)


@cache
def _suspects() -> re.Pattern[str]:
    """Return a pattern that all long runs match, and few other texts: fast, for it tells but marks of plane 0."""
    marks = combining_marks()
    return _runs_of(one_of(np.concatenate((marks[marks < PLANE], np.arange(PLANE, 2 * PLANE)))))


@cache
def _long_runs() -> re.Pattern[str]:
    """Return a pattern of long runs of characters whose canonical combining class is not 0."""
    return _runs_of(one_of(combining_marks()))


def _runs_of(member: str) -> re.Pattern[str]:
    """Return a pattern of long runs; `re` skips fast to what its first item, not repeated, may match."""
    return re.compile(f"{member}{member}{{{LONG_RUN - 1},}}")


def _mended(suspect: re.Match[str]) -> str:
    """Return text with its long runs in canonical order."""
    return _long_runs().sub(_ordered, suspect[0])


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
