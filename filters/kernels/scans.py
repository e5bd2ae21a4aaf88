"""Scans of a batch of texts: its words and its lines, looked for once, whoever asks.

In:  texts as an Arrow array.
Out: where the words and the lines lie in its bytes.
Guaranteed: the bytes are not copied; a scan is made when it is first asked for, and never again.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.code_points import text_code_points
from filters.kernels.lines import room_for_lines, text_lines
from filters.kernels.newlines import line_feed_lines
from filters.kernels.repeats import stood_before
from filters.kernels.uax29_words import uax29_words
from filters.kernels.unicode import CLASSES
from filters.kernels.words import room_for_words, whitespace_words

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

Found: TypeAlias = tuple[npt.NDArray[Any], ...]

WordDefinition: TypeAlias = Literal["whitespace", "uax29"]

BYTES_PER_WORD = 4
"""Room is made for a word every so many bytes (English has one every six): too much room costs time, too."""

BYTES_PER_LINE = 32
"""Likewise for lines."""

SCANNERS = {"whitespace": whitespace_words, "uax29": uax29_words}


@dataclass(frozen=True)
class Words:
    """Words of texts, in order.

    Args:
        first: int64, one more than texts; the words of text d are numbers `first[d]` to `first[d + 1]`.
        start: int64, the byte at which each begins.
        end: int64, the byte behind each.
        chars: int32, code points of each.
        hashes: uint64, hash of the bytes of each (`filters/kernels/hashing.py`).
        letters: bool, whether each holds a letter (general category L).
    """

    first: I64
    start: I64
    end: I64
    chars: I32
    hashes: U64
    letters: npt.NDArray[np.bool_]

    @property
    def counts(self) -> I64:
        """Words of each text."""
        return np.diff(self.first)


@dataclass(frozen=True)
class Lines:
    """Lines of texts, as `str.splitlines` has them, in order.

    Args:
        first: int64, one more than texts; the lines of text d are numbers `first[d]` to `first[d + 1]`.
        start: int64, the byte at which each begins.
        end: int64, the byte behind its last character; its line end is not part of it.
        chars: int32, code points of each.
    """

    first: I64
    start: I64
    end: I64
    chars: I32

    @property
    def counts(self) -> I64:
        """Lines of each text."""
        return np.diff(self.first)


class Scans:
    """What was found in texts so far.

    Args:
        text: large string array without nulls.
        part_of: the scans of more texts, of which these were taken, and the numbers of these among them.

    Attributes:
        notes: what a stage found beside words and lines and wants to have at hand when it edits, by a key of its own.
    """

    def __init__(self, text: pa.LargeStringArray, part_of: tuple["Scans", I64] | None = None) -> None:
        _, bounds, data = text.buffers()
        self.text = text
        self.part_of = part_of
        self.notes: dict[Hashable, Any] = {}
        self.offsets: I64 = _read_only(bounds or bytes(8), np.int64)[text.offset : text.offset + len(text) + 1]
        self.data: U8 = _read_only(data or b"", np.uint8)
        self._words: dict[WordDefinition, Words] = {}

    def __len__(self) -> int:
        return len(self.text)

    def words(self, definition: WordDefinition) -> Words:
        """Return the words of all texts."""
        if definition not in self._words:
            self._words[definition] = Words(*self._scan(SCANNERS[definition], room_for_words, BYTES_PER_WORD))
        return self._words[definition]

    @cached_property
    def lines(self) -> Lines:
        """The lines of all texts."""
        return Lines(*self._scan(text_lines, room_for_lines, BYTES_PER_LINE))

    @cached_property
    def line_feed_lines(self) -> tuple[I64, I64, I64]:
        """The lines between line feeds (`filters/kernels/newlines.py`): first, start and end."""
        return line_feed_lines(self.data, self.offsets, self.lines.first, self.lines.end)

    @cached_property
    def stood_before(self) -> npt.NDArray[np.bool_]:
        """Whether each line between line feeds stood earlier in its text."""
        return stood_before(self.data, self.line_feed_lines)

    def _scan(self, scan: Callable[..., None], room: Callable[[int, int], Found], bytes_each: int) -> Found:
        """Scan with room for as many as are usual, and again where there were more."""
        most = int(self.offsets[-1] - self.offsets[0]) // bytes_each + len(self) + 1
        found = room(len(self), most)
        scan(self.data, self.offsets, CLASSES, found)
        count = int(found[0][-1])
        if count > most:
            found = room(len(self), count)
            scan(self.data, self.offsets, CLASSES, found)
        return found[0], *(each[:count] for each in found[1:])

    @cached_property
    def chars(self) -> I64:
        """Code points of each text."""
        return text_code_points(self.data, self.offsets)

    @cached_property
    def sizes(self) -> I64:
        """Bytes of each text."""
        return np.diff(self.offsets)


def _read_only(buffer: pa.Buffer | bytes, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a buffer as an array that kernels may not write to: of one type, whoever made the buffer."""
    array = np.frombuffer(buffer, dtype)
    array.flags.writeable = False
    return array
