from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mix.pack import PACKERS, Plan, best_fit, concat
from pipelines.mix.packed import Counts, Whole, counts_of, whole_of
from pipelines.mix.pools import I64
from tests.mix.plain_packing import Stretch, packed

LENGTHS = st.lists(st.integers(0, 60), max_size=40).map(lambda lengths: np.array(lengths, np.int64))
WIDTHS = st.integers(1, 25)
OVERLAPS = st.sampled_from([0, 1])
METHODS = pytest.mark.parametrize("method", PACKERS)
LOSSLESS = pytest.mark.parametrize("method", ["concat", "best_fit"])


def _stretches(plan: Plan) -> list[list[Stretch]]:
    """(fragment, skip, length) of every stretch, by sequence."""
    columns = (plan.fragment.tolist(), plan.skip.tolist(), plan.length.tolist())
    flat = list(zip(*columns, strict=True))
    return [flat[first:last] for first, last in pairwise(plan.bounds.tolist())]


def _tokens(plan: Plan) -> list[list[tuple[int, int]]]:
    """(fragment, token) of every token, by sequence."""
    return [
        [(fragment, token) for fragment, skip, length in sequence for token in range(skip, skip + length)]
        for sequence in _stretches(plan)
    ]


@METHODS
@given(lengths=LENGTHS, width=WIDTHS, overlap=OVERLAPS)
def test_sequences_are_those_of_packing_token_by_token(method: str, lengths: I64, width: int, overlap: int) -> None:
    expected = packed(method, lengths.tolist(), width, overlap)
    assert _stretches(PACKERS[method](lengths, width, overlap)) == expected


@given(LENGTHS, WIDTHS, OVERLAPS)
def test_concat_fills_every_sequence_but_the_last(lengths: I64, width: int, overlap: int) -> None:
    filled = [len(sequence) for sequence in _tokens(concat(lengths, width, overlap))]
    assert all(tokens == width + overlap for tokens in filled[:-1])
    assert sum(filled) == lengths.sum() + overlap * len(filled[1:])


@METHODS
@given(lengths=LENGTHS, width=WIDTHS)
def test_without_an_overlap_no_token_is_used_twice(method: str, lengths: I64, width: int) -> None:
    sequences = _tokens(PACKERS[method](lengths, width, 0))
    assert all(1 <= len(sequence) <= width for sequence in sequences)
    used = [token for sequence in sequences for token in sequence]
    assert len(used) == len(set(used))
    assert all(token < lengths[fragment] for fragment, token in used)


@LOSSLESS
@given(lengths=LENGTHS, width=WIDTHS)
def test_with_an_overlap_each_next_token_of_a_document_is_the_target_of_one_input(
    method: str, lengths: I64, width: int
) -> None:
    plan = PACKERS[method](lengths, width, 1)
    targets = Counter(pair for sequence in _tokens(plan) for pair in pairwise(sequence) if pair[0][0] == pair[1][0])
    wanted = [
        ((fragment, token), (fragment, token + 1))
        for fragment, length in enumerate(lengths.tolist())
        for token in range(length - 1)
    ]
    assert targets == Counter(wanted)
    assert all(len(sequence) <= width + 1 for sequence in _tokens(plan))


@LOSSLESS
@given(lengths=LENGTHS, width=WIDTHS, overlap=OVERLAPS)
def test_no_token_is_lost(method: str, lengths: I64, width: int, overlap: int) -> None:
    used = {token for sequence in _tokens(PACKERS[method](lengths, width, overlap)) for token in sequence}
    assert len(used) == lengths.sum()


@given(LENGTHS, WIDTHS, OVERLAPS)
def test_best_fit_cuts_only_what_is_longer_than_a_sequence(lengths: I64, width: int, overlap: int) -> None:
    plan = best_fit(lengths, width, overlap)
    assert whole_of(lengths, plan).cut == np.count_nonzero(lengths > width + overlap)
    cut = Counter(plan.fragment.tolist())
    assert all(cut[fragment] == 1 for fragment in np.flatnonzero((lengths > 0) & (lengths <= width + overlap)))


def test_the_order_of_best_fit_says_nothing_of_how_full_sequences_are() -> None:
    rng = np.random.default_rng(7)
    lengths = np.concatenate([rng.integers(1, 400, 4000), rng.integers(1000, 1024, 4000)])
    plan = best_fit(rng.permutation(lengths), 1024, 0)
    held = np.add.reduceat(plan.length, plan.bounds[:-1])
    stretches = np.diff(plan.bounds)
    assert len(np.unique(held)) > 20
    for values in (held, stretches):
        assert abs(np.corrcoef(values, np.arange(plan.sequences))[0, 1]) < 0.05


@METHODS
@given(lengths=LENGTHS, width=WIDTHS, overlap=OVERLAPS)
def test_the_books_of_a_plan_are_those_of_its_tokens(method: str, lengths: I64, width: int, overlap: int) -> None:
    plan = PACKERS[method](lengths, width, overlap)
    held = [token for sequence in _tokens(plan) for token in sequence]
    real = len(set(held))
    expected = Counts(
        sequences=plan.sequences,
        real=real,
        padded=plan.sequences * (width + overlap) - len(held),
        lost=int(lengths.sum()) - real,
        repeated=len(held) - real,
    )
    assert counts_of(lengths, plan, width + overlap) == expected


@METHODS
@given(lengths=LENGTHS, width=WIDTHS, overlap=OVERLAPS)
def test_a_fragment_is_cut_where_no_sequence_holds_all_of_it(
    method: str, lengths: I64, width: int, overlap: int
) -> None:
    plan = PACKERS[method](lengths, width, overlap)
    stretches = [stretch for sequence in _stretches(plan) for stretch in sequence]
    whole = {fragment for fragment, _, length in stretches if length == lengths[fragment]}
    fragments = int(np.count_nonzero(lengths))
    assert whole_of(lengths, plan) == Whole(fragments, fragments - len(whole))


@METHODS
@given(lengths=LENGTHS, width=WIDTHS, step=st.integers(1, 9))
def test_parts_of_a_plan_join_to_the_plan(method: str, lengths: I64, width: int, step: int) -> None:
    plan = PACKERS[method](lengths, width, 0)
    parts = [plan.part(first, first + step) for first in range(0, plan.sequences, step)]
    assert [sequence for part in parts for sequence in _stretches(part)] == _stretches(plan)


@METHODS
def test_no_fragments_make_no_sequences(method: str) -> None:
    for lengths in (np.zeros(0, np.int64), np.zeros(3, np.int64)):
        assert PACKERS[method](lengths, 8, 1).sequences == 0


def test_a_fragment_of_a_billion_tokens_is_planned_without_looking_at_them() -> None:
    plan = concat(np.array([5, 10**9, 7], np.int64), 2048)
    assert plan.sequences == -(-(10**9 + 12) // 2048)
    assert int(plan.length.sum()) == 10**9 + 12
    assert _stretches(plan.part(0, 1)) == [[(0, 0, 5), (1, 0, 2043)]]


def test_sequences_longer_than_all_tokens_cost_no_more_than_the_tokens() -> None:
    plan = best_fit(np.array([5, 9, 7], np.int64), 2**31 - 2, 1)
    assert _stretches(plan) == [[(0, 0, 5), (1, 0, 9), (2, 0, 7)]]
