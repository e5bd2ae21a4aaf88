"""The loss mask: which tokens of a document count for the loss.

In:  texts, the spans of each that count (in characters), and their tokens.
Out: uint8 per token, 1 where it counts.
Guaranteed: a token counts if a byte of it lies in a span, as Hugging Face's `return_assistant_tokens_mask` has it; one
     that stands for no bytes counts if the one before it does, so EOS counts where the last word does, and BOS never.
     A text that its tokens do not spell (the tokenizer has normalized it) has no token that counts, and is counted.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.char_places import byte_places
from pipelines.tokens.encode import Encoder
from pipelines.tokens.runs import I64, Ids, Runs

U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LossMask:
    """What counts of some runs.

    Args:
        mask: uint8 per token, 1 or 0.
        unplaced: documents whose tokens do not spell their text.
    """

    mask: U8
    unplaced: int


def loss_mask(texts: pa.LargeStringArray, spans: pa.ListArray, runs: Runs, encoder: Encoder) -> LossMask:
    """Return which tokens count for the loss.

    Args:
        texts: large_string, no nulls.
        spans: list<uint32>: start, end, start, end ... in characters, in any order; null: all of the text counts.
        runs: their tokens.
        encoder: made them.
    """
    data, offsets = _bytes_of(texts)
    counting = np.concatenate([[0], np.cumsum(_counting(data, offsets, spans))])
    begin, end = _places(runs, _sizes(runs, encoder))
    document = np.repeat(np.arange(len(runs)), runs.lengths)
    shift = np.array(
        [_shift(data[offsets[at] : offsets[at + 1]], runs[at], encoder) for at in range(len(runs))], np.int64
    )
    inside = [
        np.clip(place - shift[document], 0, np.diff(offsets)[document]) + offsets[document] for place in (begin, end)
    ]
    mask = (counting[inside[1]] > counting[inside[0]]) & (shift >= 0)[document]
    return LossMask(_carried(mask, end > begin, runs).astype(np.uint8), int((shift < 0).sum()))


def _bytes_of(texts: pa.LargeStringArray) -> tuple[U8, I64]:
    """Return the bytes of all texts, and where each begins."""
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    held = np.frombuffer(data if data is not None else b"", np.uint8)[bounds[0] : bounds[-1]]
    return held, bounds - bounds[0]


def _counting(data: U8, offsets: I64, spans: pa.ListArray) -> npt.NDArray[np.bool_]:
    """Return per byte whether a span holds it."""
    every = spans.is_null().to_numpy(zero_copy_only=False)
    lengths = spans.value_lengths().fill_null(0).to_numpy(zero_copy_only=False) // 2
    pairs = spans.flatten().to_numpy().astype(np.int64).reshape(-1, 2)
    document = np.repeat(np.arange(len(spans)), lengths)
    depth = np.zeros(len(data) + 1, np.int64)
    for places, step in ((pairs[:, 0], 1), (pairs[:, 1], -1)):
        order = np.lexsort((places, document))
        np.add.at(depth, byte_places(data, offsets, document[order], places[order]), step)
    np.add.at(depth, offsets[:-1][every], 1)
    np.add.at(depth, offsets[1:][every], -1)
    return np.cumsum(depth)[:-1] > 0


def _sizes(runs: Runs, encoder: Encoder) -> I64:
    """Return the bytes that each token stands for."""
    _, first, which = np.unique(runs.ids, return_index=True, return_inverse=True)
    sizes = [len(encoder.token_bytes(runs.ids[at : at + 1])) for at in first.tolist()]
    return np.array(sizes, np.int64)[which]


def _places(runs: Runs, sizes: I64) -> tuple[I64, I64]:
    """Return where the bytes of each token begin and end, counted from the first byte of its document's tokens."""
    ends = np.concatenate([[0], np.cumsum(sizes)])
    first = np.repeat(ends[runs.offsets[:-1]], runs.lengths)
    return ends[:-1] - first, ends[1:] - first


def _shift(text: U8, run: Ids, encoder: Encoder) -> int:
    """Return how many bytes the tokens have before the text, 0 or 1 (a blank); -1 where they do not spell it."""
    spelt, wanted = encoder.token_bytes(run), text.tobytes()
    if spelt == wanted:
        return 0
    return 1 if spelt == b" " + wanted else -1


def _carried(mask: npt.NDArray[np.bool_], spelling: npt.NDArray[np.bool_], runs: Runs) -> npt.NDArray[np.bool_]:
    """Give tokens that stand for no bytes what the last one before them in their document has that does."""
    place = np.maximum.accumulate(np.where(spelling, np.arange(len(mask)), -1)) if len(mask) else np.zeros(0, np.int64)
    known = place >= np.repeat(runs.offsets[:-1], runs.lengths)
    return np.where(known, mask[place], False)
