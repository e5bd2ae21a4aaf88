"""Back-ends: what turns texts into ids, before anything frames or stores them.

In:  texts, and the ids before and behind each.
Out: ids.
Guaranteed: ids equal those of the reference library.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.tokens.runs import Runs

U32 = npt.NDArray[np.uint32]

Frame: TypeAlias = tuple[U32, U32]
"""Ids before and behind each text."""

NO_FRAME: Frame = np.empty(0, np.uint32), np.empty(0, np.uint32)


class Backend(Protocol):
    """What encodes texts."""

    @property
    def name(self) -> str:
        """Whose code it is: `gristmill`, or a library."""

    def encode(self, texts: pa.LargeStringArray, frame: Frame) -> Runs:
        """Return the ids of each text, uint32, framed."""


@dataclass(frozen=True)
class Library:
    """A library that takes one text at a time.

    Args:
        name: of the library.
        encode_text: gives the ids of a text.
    """

    name: str
    encode_text: Callable[[str], Sequence[int] | U32]

    def encode(self, texts: pa.LargeStringArray, frame: Frame) -> Runs:
        """Return the ids of each text, framed."""
        head, tail = frame
        pieces = [np.empty(0, np.uint32)]
        lengths = [0]
        for text in texts:
            ids = np.asarray(self.encode_text(text.as_py()), np.uint32)
            pieces += [head, ids, tail]
            lengths.append(len(head) + len(ids) + len(tail))
        return Runs(np.concatenate(pieces), np.cumsum(lengths, dtype=np.int64))


@dataclass(frozen=True)
class Careful:
    """Two back-ends: texts in which symbols stand that the first does not know go to the second.

    Args:
        fast: the first.
        sure: the second.
        symbols: strings that are never empty.
    """

    fast: Backend
    sure: Backend
    symbols: tuple[str, ...]

    @property
    def name(self) -> str:
        """Whose code most texts see."""
        return self.fast.name

    def encode(self, texts: pa.LargeStringArray, frame: Frame) -> Runs:
        """Return the ids of each text, framed."""
        held = pc.match_substring_regex(texts, "|".join(map(re.escape, self.symbols)))
        if not pc.any(held).as_py():
            return self.fast.encode(texts, frame)
        known, others = (
            backend.encode(texts.filter(mask), frame)
            for backend, mask in ((self.fast, pc.invert(held)), (self.sure, held))
        )
        return interleaved(held.to_pylist(), known, others)


def interleaved(second: Sequence[bool], known: Runs, others: Runs) -> Runs:
    """Return the runs of two sets of texts in order; `second` says of each text whether it is one of `others`."""
    places = {True: iter(range(len(others))), False: iter(range(len(known)))}
    pieces = [(others if late else known)[next(places[late])] for late in second]
    ids: U32 = np.concatenate(pieces)
    return Runs(ids, np.cumsum([0, *map(len, pieces)], dtype=np.int64))
