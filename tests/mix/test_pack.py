from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mix.pack import PACKERS, Packer, Plan, concat, pad_truncate
from pipelines.mix.pools import I64

LENGTHS = st.lists(st.integers(0, 60), max_size=40).map(lambda lengths: np.array(lengths, np.int64))
WIDTHS = st.integers(1, 25)

Stretches = list[list[tuple[int, int, int]]]


def _stretches(plan: Plan) -> Stretches:
    """(fragment, skip, length) of every stretch, by sequence."""
    columns = (plan.fragment.tolist(), plan.skip.tolist(), plan.length.tolist())
    flat = list(zip(*columns, strict=True))
    return [flat[first:last] for first, last in pairwise(plan.bounds.tolist())]


def _concat_by_token(lengths: I64, width: int) -> Stretches:
    tokens = [(fragment, token) for fragment, length in enumerate(lengths.tolist()) for token in range(length)]
    sequences = [tokens[at : at + width] for at in range(0, len(tokens), width)]
    return [_stretches_of(sequence) for sequence in sequences]


def _stretches_of(sequence: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    fragments = sorted({fragment for fragment, _ in sequence})
    held = {fragment: [token for owner, token in sequence if owner == fragment] for fragment in fragments}
    return [(fragment, tokens[0], len(tokens)) for fragment, tokens in held.items()]


@given(LENGTHS, WIDTHS)
def test_concat_equals_cutting_the_joined_tokens(lengths: I64, width: int) -> None:
    assert _stretches(concat(lengths, width)) == _concat_by_token(lengths, width)


@given(LENGTHS, WIDTHS)
def test_concat_fills_every_sequence_but_the_last(lengths: I64, width: int) -> None:
    filled = [sum(length for _, _, length in sequence) for sequence in _stretches(concat(lengths, width))]
    assert all(tokens == width for tokens in filled[:-1])
    assert sum(filled) == lengths.sum()


@given(LENGTHS, WIDTHS)
def test_pad_truncate_gives_each_fragment_a_sequence_of_its_own(lengths: I64, width: int) -> None:
    expected = [[(number, 0, min(length, width))] for number, length in enumerate(lengths.tolist()) if length]
    assert _stretches(pad_truncate(lengths, width)) == expected


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS.keys())
@given(lengths=LENGTHS, width=WIDTHS)
def test_no_sequence_is_empty_or_too_long_and_no_token_is_used_twice(packer: Packer, lengths: I64, width: int) -> None:
    sequences = _stretches(packer(lengths, width))
    assert all(1 <= sum(length for _, _, length in sequence) <= width for sequence in sequences)
    used = [
        (fragment, token)
        for sequence in sequences
        for fragment, skip, length in sequence
        for token in range(skip, skip + length)
    ]
    assert used == sorted(set(used))
    assert all(token < lengths[fragment] for fragment, token in used)


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS.keys())
@given(lengths=LENGTHS, width=WIDTHS, step=st.integers(1, 9))
def test_parts_of_a_plan_join_to_the_plan(packer: Packer, lengths: I64, width: int, step: int) -> None:
    plan = packer(lengths, width)
    parts = [plan.part(first, first + step) for first in range(0, plan.sequences, step)]
    assert [sequence for part in parts for sequence in _stretches(part)] == _stretches(plan)


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS.keys())
def test_no_fragments_make_no_sequences(packer: Packer) -> None:
    assert packer(np.zeros(0, np.int64), 8).sequences == 0


def test_a_fragment_of_a_billion_tokens_is_planned_without_looking_at_them() -> None:
    plan = concat(np.array([5, 10**9, 7], np.int64), 2048)
    assert plan.sequences == -(-(10**9 + 12) // 2048)
    assert int(plan.length.sum()) == 10**9 + 12
    assert _stretches(plan.part(0, 1)) == [[(0, 0, 5), (1, 0, 2043)]]
