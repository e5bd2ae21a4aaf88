"""FineWeb's counts of lines: which end in a mark, which are short, which stood before.

In:  UTF-8 bytes, the lines of texts between line feeds, and whether each stood before.
Out: five counts per text.
Guaranteed: what `filters/fineweb.py` says; the inside of a line is looked at only to count its characters, where these
     decide.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before
from filters.kernels.code_points import code_points
from filters.kernels.compiled import kernel, leaf
from filters.kernels.spaces import skip_spaces
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]

LINES, MARKED, SHORT, DUPLICATE_CHARS, LINE_FEEDS = range(5)
"""Rows of `text_counts`."""


@leaf
def _is_short(data: U8, start: int, end: int, most: int) -> bool:
    """Return whether a line has at most so many characters."""
    size = end - start
    return size <= most or (size <= 4 * most and code_points(data, start, end) <= most)


@leaf
def _ends_in_mark(data: U8, end: int, marks: BOOL) -> bool:
    """Return whether the character that ends at byte `end` is one of the marks."""
    code, _ = decode(data, before(data, end))
    return bool(marks[code])


@kernel
def text_counts(data: U8, lines: tuple[I64, I64, I64, BOOL], marks: BOOL, short: int, classes: U32) -> I64:
    """Count the lines of each text; blank ones are none.

    Args:
        data: uint8, all texts.
        lines: first, start and end of `line_feed_lines`, and `stood_before` of each.
        marks: bool by code point.
        short: a line of at most so many characters is short.
        classes: uint32 flags by code point.

    Returns:
        int64[5, texts]: lines; those that end in a mark; short ones; characters of lines that stood before in the text;
        line feeds.
    """
    first, start, end, repeated = lines
    counts = np.zeros((5, len(first) - 1), np.int64)
    for text in range(len(first) - 1):
        filled = marked = shorter = chars = 0
        for line in range(first[text], first[text + 1]):
            if skip_spaces(data, start[line], end[line], classes) == end[line]:
                continue
            filled += 1
            marked += _ends_in_mark(data, end[line], marks)
            shorter += _is_short(data, start[line], end[line], short)
            if repeated[line]:
                chars += code_points(data, start[line], end[line])
        counts[LINES, text], counts[MARKED, text], counts[SHORT, text] = filled, marked, shorter
        counts[DUPLICATE_CHARS, text], counts[LINE_FEEDS, text] = chars, first[text + 1] - first[text] - 1
    return counts
