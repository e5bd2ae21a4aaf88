"""A reference model's losses: a number per token, as Rho-1 selects tokens by.

In:  of each document a list of numbers, one for each token of its text, and its tokens.
Out: float16 per token; NaN is no number.
Guaranteed: a number stands beside the token that it was made for, or not at all: where a document's text is no longer
     the one that was read, or its list is not as long as its tokens are many, all of its tokens have NaN, and the
     document is counted. BOS and EOS have NaN.

Rho-1 (Lin et al. 2024, arXiv 2404.07965, section 2.2): a token is learned from where the loss of the model in training
exceeds that of the reference model most; the latter can be computed once, before training.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.tokens.runs import Runs

F16 = npt.NDArray[np.float16]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RefLoss:
    """The losses of some runs.

    Args:
        values: float16 per token.
        given: documents whose tokens have theirs.
        edited: documents that have a list, but not the text that was read.
        misfit: documents whose list has another length than their tokens.
    """

    values: F16
    given: int
    edited: int
    misfit: int


def ref_loss(lists: pa.ListArray, unedited: Bools, runs: Runs, frame: tuple[int, int]) -> RefLoss:
    """Return the reference loss of each token.

    Args:
        lists: list<float16>, one per document; null: it has none.
        unedited: bool, whether the text is the one that was read.
        runs: its tokens.
        frame: how many of each run's first and last ids are no tokens of the text.
    """
    head, tail = frame
    held = lists.is_valid().to_numpy(zero_copy_only=False)
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    fits = held & unedited & (lengths == runs.lengths - head - tail)
    values = np.full(len(runs.ids), np.nan, np.float16)
    values[_inner(runs, fits, head, tail)] = lists.filter(pa.array(fits)).flatten().to_numpy(zero_copy_only=False)
    given, edited = int(fits.sum()), int((held & ~unedited).sum())
    return RefLoss(values, given, edited, int(held.sum()) - given - edited)


def _inner(runs: Runs, chosen: Bools, head: int, tail: int) -> Bools:
    """Return which ids are tokens of the texts of chosen documents, and no frame."""
    place = np.arange(len(runs.ids)) - np.repeat(runs.offsets[:-1], runs.lengths)
    end = np.repeat(np.where(chosen, runs.lengths - tail, 0), runs.lengths)
    return (place >= head) & (place < end)
