r"""Lines between line feeds, as `str.split("\n")` has them, made of the lines of `str.splitlines`.

In:  the UTF-8 bytes of texts, and their scanned lines.
Out: where each line between line feeds begins and ends.
Guaranteed: a text has one line more than line feeds, and an empty text one empty line; other line ends are characters
     like any other, a carriage return too. FineWeb's and RefinedWeb's rules are written on these lines. Bytes are
     looked at only where a line ends.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]

LINE_FEED, CARRIAGE_RETURN = 10, 13


@leaf
def _line_feed_at(data: U8, end: int, stop: int) -> int:
    """Return the line feed that ends the line before byte `end`, behind a carriage return or not; -1 if none does."""
    place = np.uint64(end)
    if end < stop and data[place] == LINE_FEED:
        return end
    if end + 1 < stop and data[place] == CARRIAGE_RETURN and data[place + np.uint64(1)] == LINE_FEED:
        return end + 1
    return -1


@kernel
def line_feed_lines(data: U8, offsets: I64, first_scanned: I64, ends: I64) -> tuple[I64, I64, I64]:
    """Find the lines between line feeds.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        first_scanned: int64, one more than texts; the scanned lines of text d begin at number `first_scanned[d]`.
        ends: int64, the byte behind each scanned line.

    Returns:
        first (int64, one more than texts), then start and end of each line (int64, without the line feed).
    """
    texts = len(offsets) - 1
    first = np.zeros(texts + 1, np.int64)
    start, end = np.empty(len(ends) + texts, np.int64), np.empty(len(ends) + texts, np.int64)
    count = 0
    for text in range(texts):
        begin, stop = offsets[text], offsets[text + 1]
        for line in range(first_scanned[text], first_scanned[text + 1]):
            feed = _line_feed_at(data, ends[line], stop)
            if feed >= 0:
                start[count], end[count] = begin, feed
                count += 1
                begin = feed + 1
        start[count], end[count] = begin, stop
        count += 1
        first[text + 1] = count
    return first, start[:count], end[:count]
