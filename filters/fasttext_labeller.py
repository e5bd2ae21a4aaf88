"""Labels of documents by a fastText model, batch after batch.

In:  the bytes of a model, and the scans of texts.
Out: a label and a score per text.
Guaranteed: a text has the same label and score whatever was labelled before it, and in whichever thread.
"""

from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.fasttext_format import FastTextModel, read_fasttext
from filters.kernels.fasttext import Cache, label_documents, new_cache, spans_of
from filters.kernels.scans import Scans

CACHE_BYTES = 24 << 20
"""Of a cache: room for 2^18 words with 16 numbers each, as lid.176 has them."""

WHOLE = -1

Array = TypeVar("Array", bound=npt.NDArray[Any])


def _read_only(array: Array) -> Array:
    """Return an array as one that cannot be written: kernels are compiled for such and for others apart."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Labeller:
    """A model at work.

    Args:
        model: the model.
        spare: caches that no thread is using.
    """

    model: FastTextModel
    spare: list[Cache] = field(default_factory=list)

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Take a model file to work.

        Raises:
            ValueError: it is no supervised fastText model, or uses what is not supported.
        """
        return cls(read_fasttext(data))

    def label(self, scans: Scans, first_chars: int | None = None) -> tuple[pa.StringArray, pa.FloatArray]:
        """Return label and score of each text, or of its first code points; "" and 0 where the model knows nothing."""
        data = _read_only(scans.data)
        spans = spans_of(data, _read_only(scans.offsets), WHOLE if first_chars is None else first_chars)
        cache = self._cache()
        numbers, scores = label_documents(data, spans, self.model.arrays, cache)
        self.spare.append(cache)
        names = pa.array(["", *self.model.labels], pa.string())
        return names.take(pa.array(numbers + np.int64(1))), pa.array(scores)

    def _cache(self) -> Cache:
        """Return a cache for one thread alone; taking the last one out of a list is safe in any thread."""
        try:
            return self.spare.pop()
        except IndexError:
            return new_cache(CACHE_BYTES, self.model.arrays)
