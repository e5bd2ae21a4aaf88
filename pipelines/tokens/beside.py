"""Beside the ids: the per-token columns of some documents, computed from what their records say.

In:  documents, their tokens, and the names of columns.
Out: by name, a number per token; and counts of documents for receipts.
Guaranteed: every column that is named, and no other.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.spelling import Borders
from pipelines.engine.keys import U64, text_hashes
from pipelines.sources.options import LOSS_SPANS, REF_LOSS
from pipelines.tokens.columns import LOSS_MASK, REFERENCE
from pipelines.tokens.encode import Encoder
from pipelines.tokens.loss import loss_mask
from pipelines.tokens.ref_loss import ref_loss
from pipelines.tokens.runs import Runs

Numbers: TypeAlias = npt.NDArray[Any]
Counts: TypeAlias = Mapping[str, int]


@dataclass(frozen=True)
class Encoded:
    """Some documents, and what became of them.

    Args:
        documents: their columns, text included.
        read: uint64, the hash of the text of each as it was read.
        runs: their tokens.
        encoder: made them.
        marks: special tokens among them that the template of a chat wrote.
    """

    documents: pa.RecordBatch
    read: U64
    runs: Runs
    encoder: Encoder
    marks: Borders


def columns_beside(encoded: Encoded, names: Sequence[str]) -> tuple[dict[str, Numbers], Counts]:
    """Return the columns of some names, and how many documents they are counted under what."""
    columns: dict[str, Numbers] = {}
    counts: Counter[str] = Counter()
    for name in names:
        columns[name], counted = _MAKERS[name](encoded)
        counts.update(counted)
    return columns, counts


def _loss_mask(encoded: Encoded) -> tuple[Numbers, Counts]:
    documents = encoded.documents
    spelling, spans = encoded.encoder.spelling, documents.column(LOSS_SPANS)
    found = loss_mask(documents.column("text"), spans, encoded.runs, spelling, encoded.marks)
    return found.mask, {"loss_unplaced": found.unplaced}


def _ref_loss(encoded: Encoded) -> tuple[Numbers, Counts]:
    unedited = np.equal(text_hashes(encoded.documents.column("text")), encoded.read)
    found = ref_loss(encoded.documents.column(REF_LOSS), unedited, encoded.runs, encoded.encoder.frame)
    return found.values, {
        "ref_loss_given": found.given,
        "ref_loss_edited": found.edited,
        "ref_loss_misfit": found.misfit,
    }


_MAKERS: dict[str, Callable[[Encoded], tuple[Numbers, Counts]]] = {LOSS_MASK: _loss_mask, REFERENCE: _ref_loss}
"""Column -> what makes it."""
