"""Documents become tokens: of chats part by part, with the special tokens of their templates between.

In:  documents, and the special tokens that the template of their source writes.
Out: their token runs, and what says which of those tokens stand for which stretch of a text.
Guaranteed: where no template writes a special token, texts are encoded as they are, and nothing else is done.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from filters.kernels.spelling import Borders
from pipelines.sources.options import TEMPLATE_SPANS
from pipelines.tokens.encode import Encoder
from pipelines.tokens.marks import Cut, Marks, borders_of, cut_at_marks
from pipelines.tokens.runs import Runs


@dataclass(frozen=True)
class Tokens:
    """What documents became.

    Args:
        runs: their tokens.
        cut: their texts, where marks cut them.
        borders: which tokens are marks, and which stretches they stand for.
    """

    runs: Runs
    cut: Cut | None
    borders: Borders


def cut_documents(documents: pa.RecordBatch, marks: Marks) -> Cut | None:
    """Return the texts of documents, cut at marks; None where there are none."""
    if not marks.ids:
        return None
    return cut_at_marks(documents.column("text"), documents.column(TEMPLATE_SPANS), marks)


def tokens_of(encoder: Encoder, documents: pa.RecordBatch, marks: Marks) -> Tokens:
    """Return the tokens of documents, framed.

    Args:
        encoder: of the build.
        documents: have `text`; where there are marks, `template:spans`.
        marks: what the template of their source writes.
    """
    cut = cut_documents(documents, marks)
    if cut is None:
        runs, places = encoder.encode(documents.column("text")), np.zeros(0, np.int64)
    else:
        runs, places = encoder.encode_cut(cut)
    return Tokens(runs, cut, borders_of(cut, runs, places))


def parts_of(documents: pa.RecordBatch, cut: Cut) -> pa.RecordBatch:
    """Return a row for every part of cut documents: its text, and what else is known of the document."""
    owner = pa.array(np.repeat(np.arange(len(cut.firsts) - 1), np.diff(cut.firsts)))
    parts = documents.take(owner)
    return parts.set_column(parts.schema.get_field_index("text"), parts.schema.field("text"), cut.parts)
