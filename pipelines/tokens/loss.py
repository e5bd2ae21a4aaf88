"""The loss mask: which tokens of a document count for the loss.

In:  texts, the spans of each that count (in characters), and their tokens.
Out: uint8 per token, 1 where it counts.
Guaranteed: a token counts if a byte of it lies in a span, as Hugging Face's `return_assistant_tokens_mask` has it; one
     that stands for no bytes counts if the one before it does, so EOS counts where the last word does, and BOS never.
     A special token that a chat's template wrote stands for its name. A text that its tokens do not spell (the
     tokenizer has normalized it) has no token that counts, and is counted.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.char_places import byte_places
from filters.kernels.copying import bytes_of
from filters.kernels.spelling import Borders, Ends, mark_tokens
from pipelines.tokens.marks import borders_of
from pipelines.tokens.runs import I64, Runs
from pipelines.tokens.spelling import Spelling

U8 = npt.NDArray[np.uint8]
I8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class LossMask:
    """What counts of some runs.

    Args:
        mask: uint8 per token, 1 or 0.
        unplaced: documents whose tokens do not spell their text.
    """

    mask: U8
    unplaced: int


def loss_mask(
    texts: pa.LargeStringArray, spans: pa.ListArray, runs: Runs, spelling: Spelling, marks: Borders | None = None
) -> LossMask:
    """Return which tokens count for the loss.

    Args:
        texts: large_string, no nulls.
        spans: list<uint32>: start, end, start, end ... in characters, in any order; null: all of the text counts.
        runs: their tokens.
        spelling: of the encoder that made them.
        marks: special tokens that stand for stretches of the texts; None is none.
    """
    held = bytes_of(texts)
    mask = np.zeros(len(runs.ids), np.uint8)
    tokens, letters = (runs.ids, runs.offsets, mask), (spelling.data, spelling.offsets)
    borders = borders_of(None, runs, np.zeros(0, np.int64)) if marks is None else marks
    unplaced = mark_tokens(held, _ends(*held, spans), tokens, letters, borders)
    return LossMask(mask, unplaced)


def _ends(data: U8, offsets: I64, spans: pa.ListArray) -> Ends:
    """Return where spans begin and end in the bytes of the texts, in order; null is one over all of a text."""
    document = np.repeat(np.arange(len(spans)), spans.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    chars = spans.flatten().to_numpy().astype(np.int64)
    order = np.lexsort((chars, document))
    places, steps = byte_places(data, offsets, document, chars[order]), _steps(len(chars))[order]
    whole = np.flatnonzero(spans.is_null().to_numpy(zero_copy_only=False))
    document = np.concatenate([document, np.repeat(whole, 2)])
    order = np.argsort(document, kind="stable")
    places = np.concatenate([places, np.stack([offsets[whole], offsets[whole + 1]], 1).reshape(-1)])
    steps = np.concatenate([steps, _steps(2 * len(whole))])
    return places[order], steps[order], np.searchsorted(document[order], np.arange(len(spans) + 1))


def _steps(count: int) -> I8:
    """Return 1, -1, 1, -1, ...: spans begin and end."""
    return np.tile(np.array([1, -1], np.int8), count // 2)
