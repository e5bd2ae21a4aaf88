"""What packing did to a shard's fragments: its books, and who stayed whole.

In:  the lengths of the fragments, and a plan of them.
Out: counts.
Guaranteed: tokens in = real + lost; ids in all sequences = real + repeated + padded.
"""

import msgspec
import numpy as np

from pipelines.mix.pack import Plan
from pipelines.mix.pools import I64


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The books of a shard.

    Args:
        sequences: rows.
        real: tokens that are in them, each counted once.
        padded: ids that fill rows up.
        lost: tokens that are in none.
        repeated: tokens that stand in two rows, since rows overlap; stored where there are any.
    """

    sequences: int
    real: int
    padded: int
    lost: int
    repeated: int = 0


class Whole(msgspec.Struct, frozen=True):
    """How many fragments a plan leaves whole.

    Args:
        fragments: how many there are, empty ones aside.
        cut: those that no sequence holds from beginning to end.
    """

    fragments: int
    cut: int


def counts_of(lengths: I64, plan: Plan, row_length: int) -> Counts:
    """Return the books of a plan whose sequences are filled up to `row_length` ids."""
    held, repeated = int(plan.length.sum()), _repeated(plan)
    padded = plan.sequences * row_length - held
    return Counts(plan.sequences, held - repeated, padded, int(lengths.sum()) - (held - repeated), repeated)


def whole_of(lengths: I64, plan: Plan) -> Whole:
    """Return how many fragments a plan leaves whole."""
    whole = np.zeros(len(lengths), np.bool_)
    whole[plan.fragment[plan.length == lengths[plan.fragment]]] = True
    fragments = int(np.count_nonzero(lengths))
    return Whole(fragments, fragments - int(np.count_nonzero(whole)))


def _repeated(plan: Plan) -> int:
    """Return how many tokens stretches share with the one before of the same fragment."""
    order = np.lexsort((plan.length, plan.skip, plan.fragment))
    fragment, begin = plan.fragment[order], plan.skip[order]
    shared = np.maximum((begin + plan.length[order])[:-1] - begin[1:], 0)
    return int(shared[fragment[1:] == fragment[:-1]].sum())
