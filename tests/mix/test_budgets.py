from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ShortPool
from pipelines.mix.budgets import MOST_EPOCHS, Interval, Phase, intervals, phase_tokens

WEIGHTS = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.001, 1), min_size=1)


def test_shares_of_llama_3_are_exact() -> None:
    weights = {"general": 0.5, "maths": 0.25, "code": 0.17, "multilingual": 0.08}
    assert phase_tokens(1_000_001, weights) == {
        "general": 500_001,
        "maths": 250_000,
        "code": 170_000,
        "multilingual": 80_000,
    }


def test_equal_remainders_go_by_pool_name() -> None:
    assert phase_tokens(2, {"c": 1, "b": 1, "a": 1}) == {"c": 0, "b": 1, "a": 1}


def test_weights_are_the_decimals_they_are_written_as() -> None:
    """In binary, 0.3 is a little less than three tenths and 0.1 a little more than one, and "d" would win the tie."""
    assert phase_tokens(5, {"a": 0.3, "b": 0.3, "c": 0.3, "d": 0.1}) == {"a": 2, "b": 2, "c": 1, "d": 0}


@given(st.integers(0, 10**15), WEIGHTS)
def test_shares_sum_exactly_and_stay_within_a_token_of_their_weight(total: int, weights: dict[str, float]) -> None:
    shares = phase_tokens(total, weights)
    assert sum(shares.values()) == total
    whole = sum(weights.values())
    for pool, tokens in shares.items():
        assert abs(tokens - total * weights[pool] / whole) <= 1 + total * 1e-12


@given(st.integers(0, 10**6), WEIGHTS)
def test_the_order_in_which_pools_are_named_changes_nothing(total: int, weights: dict[str, float]) -> None:
    assert phase_tokens(total, weights) == phase_tokens(total, dict(reversed(weights.items())))


def test_a_phase_goes_on_where_the_last_one_stopped_in_each_pool() -> None:
    phases = [
        Phase("one", 10, {"a": 0.5, "b": 0.5}),
        Phase("two", 6, {"a": 1}),
        Phase("three", 4, {"a": 0.5, "b": 0.5}),
    ]
    assert intervals(phases, {"a": 100, "b": 100}) == [
        Interval("one", "a", 0, 5),
        Interval("one", "b", 0, 5),
        Interval("two", "a", 5, 6),
        Interval("three", "a", 11, 2),
        Interval("three", "b", 5, 2),
    ]


def test_a_restart_begins_the_next_untouched_epoch() -> None:
    phases = [Phase("one", 15, {"a": 1}), Phase("two", 3, {"a": 1}, start="restart")]
    assert intervals(phases, {"a": 10}, 3)[-1] == Interval("two", "a", 20, 3)


def test_a_restart_at_the_end_of_an_epoch_skips_nothing() -> None:
    phases = [Phase("one", 10, {"a": 1}), Phase("two", 3, {"a": 1}, start="restart")]
    assert intervals(phases, {"a": 10}, 2)[-1] == Interval("two", "a", 10, 3)


def test_a_pool_of_weight_zero_may_be_empty() -> None:
    assert intervals([Phase("one", 4, {"a": 1, "b": 0})], {"a": 10}) == [Interval("one", "a", 0, 4)]


@pytest.mark.parametrize(("epochs", "taken"), [(1, 10), (1.5, 15), (2.25, 22), (0.3, 3)])
def test_epochs_may_be_fractional_and_are_decimals(epochs: float, taken: int) -> None:
    assert intervals([Phase("one", taken, {"a": 1})], {"a": 10}, epochs)
    with pytest.raises(ShortPool):
        intervals([Phase("one", taken + 1, {"a": 1})], {"a": 10}, epochs)


def test_a_pool_without_its_own_epochs_is_read_once() -> None:
    with pytest.raises(ShortPool, match="x 1 epochs"):
        intervals([Phase("one", 11, {"a": 1})], {"a": 10}, {"b": 4})


def test_a_short_pool_is_named_with_phase_numbers_and_remedy() -> None:
    phases = [Phase("web", 900, {"a": 1}), Phase("anneal", 500, {"a": 0.5, "b": 0.5})]
    with pytest.raises(ShortPool) as refusal:
        intervals(phases, {"a": 1_000, "b": 250}, {"b": 1})
    assert str(refusal.value) == (
        "pool 'a' is short: phase 'anneal' takes 250 tokens from position 900, but 1,000 tokens x 1 epochs end at "
        "1,000; set mix.max_epochs.a to 1.15 or more, take fewer tokens, lower its weight, or say `short: scale`"
    )


def test_all_short_pools_of_a_phase_are_named_at_once() -> None:
    with pytest.raises(ShortPool) as refusal:
        intervals([Phase("one", 100, {"a": 0.5, "b": 0.5})], {"a": 10, "b": 20})
    assert [line[:15] for line in str(refusal.value).split("\n")] == ["pool 'a' is sho", "pool 'b' is sho"]


def test_epochs_that_no_manifest_may_have_are_not_asked_for() -> None:
    for tokens, asks in ((255, True), (256, False)):
        with pytest.raises(ShortPool, match="take fewer tokens") as refusal:
            intervals([Phase("one", tokens, {"a": 1})], {"a": 1})
        assert ("set mix.max_epochs.a to 255 or more" in str(refusal.value)) == asks


@given(st.integers(1, 5_000), st.integers(0, 5_000), st.integers(1, 5_000))
def test_the_epochs_that_a_refusal_asks_for_suffice(held: int, before: int, wanted: int) -> None:
    phases = [Phase("one", before, {"a": 1}), Phase("two", wanted, {"a": 1})]
    try:
        intervals(phases, {"a": held})
    except ShortPool as refusal:
        asked = str(refusal).partition("mix.max_epochs.a to ")[2].split(" ")[0]
        if not asked:
            assert before + wanted > held * MOST_EPOCHS
        elif "'one'" not in str(refusal):
            assert intervals(phases, {"a": held}, float(asked))
    else:
        assert before + wanted <= held


@pytest.mark.parametrize("short", ["error", "scale"])
def test_an_empty_pool_is_refused_even_where_the_phase_scales(short: str) -> None:
    phase = Phase("one", 100, {"a": 0.5, "none": 0.5}, short="scale" if short == "scale" else "error")
    with pytest.raises(ShortPool, match=r"pool 'none' is empty, and phase 'one' takes 50 tokens.*mix\.pools\.none"):
        intervals([phase], {"a": 100})


def test_scaling_keeps_the_shares_and_empties_the_shortest_pool() -> None:
    phase = Phase("one", 1_000, {"a": 0.7, "b": 0.2, "c": 0.1}, short="scale")
    spans = intervals([phase], {"a": 10_000, "b": 60, "c": 10_000})
    assert {span.pool: span.tokens for span in spans} == {"a": 212, "b": 60, "c": 30}


def test_a_phase_that_fits_is_not_scaled() -> None:
    spans = intervals([Phase("one", 100, {"a": 0.5, "b": 0.5}, short="scale")], {"a": 50, "b": 50})
    assert sum(span.tokens for span in spans) == 100


@given(st.integers(1, 3_000), WEIGHTS, st.lists(st.integers(1, 300), min_size=8, max_size=8))
def test_scaling_takes_the_largest_total_that_fits(total: int, weights: dict[str, float], held: list[int]) -> None:
    totals = dict(zip("abcdefgh", held, strict=True))
    spans = intervals([Phase("one", total, weights, short="scale")], totals)
    taken = sum(span.tokens for span in spans)
    for larger in range(taken, min(total, taken + 30) + 1):
        fits = all(tokens <= totals[pool] for pool, tokens in phase_tokens(larger, weights).items())
        assert fits == (larger == taken)


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=6), st.integers(1, 50))
def test_no_two_intervals_of_a_pool_overlap(takes: list[tuple[int, bool]], held: int) -> None:
    phases = [
        Phase(str(number), tokens, {"a": 1}, "restart" if restart else "continue")
        for number, (tokens, restart) in enumerate(takes)
    ]
    spans = intervals(phases, {"a": held}, 10_000)
    assert all(before.end <= after.start for before, after in pairwise(spans))
