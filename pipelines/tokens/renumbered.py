"""Renumbered: a back-end whose ids have other numbers behind it.

In:  texts, and the ids before and behind each, in the new numbers.
Out: ids, in the new numbers.
Guaranteed: each id becomes the one that `forward` gives it; an id that is gone stops the build.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.errors import BuildError
from pipelines.tokens.backends import Backend, Frame
from pipelines.tokens.runs import Runs

U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

GONE = np.uint32(0xFFFFFFFF)
"""Stands in `forward` for an id that was removed."""


@dataclass(frozen=True)
class Renumbered:
    """A back-end behind which ids change.

    Args:
        inner: encodes.
        forward: uint32, its ids -> new ids; behind them one entry for each added token.
    """

    inner: Backend
    forward: U32

    @property
    def name(self) -> str:
        """Whose code it is."""
        return self.inner.name

    def encode(self, texts: pa.LargeStringArray, frame: Frame) -> Runs:
        """Return the ids of each text, framed.

        Raises:
            BuildError: a text became an id that was removed.
        """
        head, tail = (self._inner_ids(ids) for ids in frame)
        runs = self.inner.encode(texts, (head, tail))
        ids = self.forward[runs.ids]
        if len(ids) and ids.max() == GONE:
            gone = int(runs.ids[int(np.argmax(ids))])
            raise BuildError(f"a text became token {gone}, which `tokenizer.edit` removed: take it out of `remove`")
        return Runs(ids, runs.offsets)

    def _inner_ids(self, ids: U32) -> U32:
        """Return the inner ids of new ones."""
        return self._kept[np.searchsorted(self.forward[self._kept], ids)].astype(np.uint32)

    @cached_property
    def _kept(self) -> I64:
        """The inner ids that are kept, ascending, and so are the new ones."""
        return np.flatnonzero(self.forward != GONE)
