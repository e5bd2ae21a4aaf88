"""Token runs from plain lists of ids."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from pipelines.tokens.runs import Runs


def runs_from(documents: Sequence[Sequence[int]], dtype: str = "uint16") -> Runs:
    """Return the runs of documents whose ids are these."""
    offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
    return Runs(np.array(list(chain.from_iterable(documents)), dtype), offsets)
