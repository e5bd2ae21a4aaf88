"""Groups share one weight among their members, exactly at each level."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ShortPool
from pipelines.mix.budgets import Interval, Phase, intervals
from pipelines.mix.groups import Group, pools_below, sharing_of

HELD = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**13), min_size=1)
ALPHAS = st.sampled_from([0, 0.1, 0.3, 0.5, 0.7, 0.99, 1])


def taken(phase: Phase, held: dict[str, int], groups: dict[str, Group], epochs: float = 1) -> dict[str, int]:
    return {span.pool: span.tokens for span in intervals([phase], held, epochs, groups)}


def test_a_group_with_weights_gives_each_member_its_share_of_the_groups_tokens() -> None:
    groups = {"books": Group(("gutenberg", "wiki"), {"gutenberg": 3, "wiki": 1})}
    held = {"web": 10_000, "gutenberg": 10_000, "wiki": 10_000}
    assert taken(Phase("one", 1_000, {"web": 0.6, "books": 0.4}), held, groups) == {
        "web": 600,
        "gutenberg": 300,
        "wiki": 100,
    }


def test_a_group_without_weights_is_shared_out_by_the_tokens_that_its_members_hold() -> None:
    groups = {"crawl": Group(("c4", "refinedweb"))}
    assert taken(Phase("one", 100, {"crawl": 1}), {"c4": 250, "refinedweb": 750}, groups) == {
        "c4": 25,
        "refinedweb": 75,
    }


def test_a_power_of_the_size_lifts_what_is_small() -> None:
    """mT5's rule: p is proportional to n^0.3; 1e9^0.3 : 1e6^0.3 = 501.19 : 63.10."""
    groups = {"languages": Group(("de", "sw"), alpha=0.3)}
    shares = taken(Phase("one", 10**6, {"languages": 1}), {"de": 10**9, "sw": 10**6}, groups, 250)
    assert shares == {"de": 888_184, "sw": 111_816}


def test_a_group_counts_in_another_by_all_that_it_holds() -> None:
    groups = {"inner": Group(("a", "b"), {"a": 1, "b": 1}), "outer": Group(("inner", "c"))}
    assert taken(Phase("one", 80, {"outer": 1}), {"a": 100, "b": 200, "c": 100}, groups) == {"a": 30, "b": 30, "c": 20}


def test_left_over_tokens_are_given_at_each_level() -> None:
    """5 tokens over three equal parts: 2, 2, 1; the group `g`, by name the last, shares its one."""
    groups = {"g": Group(("y", "z"), {"y": 1, "z": 1})}
    held = dict.fromkeys(("a", "b", "y", "z"), 10)
    assert taken(Phase("one", 5, {"a": 1, "b": 1, "g": 1}), held, groups) == {"a": 2, "b": 2, "y": 1}


def test_an_empty_member_of_a_group_by_size_takes_nothing() -> None:
    groups = {"g": Group(("a", "none"), alpha=0)}
    assert taken(Phase("one", 10, {"g": 1}), {"a": 100}, groups) == {"a": 10}


def test_a_group_of_empty_pools_is_refused_and_they_are_named() -> None:
    groups = {"g": Group(("a", "b"))}
    with pytest.raises(ShortPool, match=r"(?s)pool 'a' is empty.*pool 'b' is empty"):
        intervals([Phase("one", 10, {"g": 1})], {"c": 10}, 1, groups)


def test_a_member_that_is_too_small_is_named_like_any_pool() -> None:
    groups = {"g": Group(("a", "b"), {"a": 1, "b": 1})}
    with pytest.raises(ShortPool, match="pool 'b' is short: phase 'one' takes 50 tokens"):
        intervals([Phase("one", 100, {"g": 1})], {"a": 1_000, "b": 20}, 1, groups)


def test_phases_that_reach_a_pool_by_different_groups_read_on_in_it() -> None:
    groups = {"g": Group(("a", "b"), {"a": 1, "b": 1}), "h": Group(("a", "c"), {"a": 1, "c": 1})}
    phases = [Phase("one", 10, {"g": 1}), Phase("two", 10, {"h": 1})]
    assert intervals(phases, dict.fromkeys("abc", 100), 1, groups) == [
        Interval("one", "a", 0, 5),
        Interval("one", "b", 0, 5),
        Interval("two", "a", 5, 5),
        Interval("two", "c", 0, 5),
    ]


@given(st.integers(0, 10**13), HELD, ALPHAS)
def test_tokens_of_a_group_sum_exactly_and_lie_within_one_of_the_power(
    total: int, held: dict[str, int], alpha: float
) -> None:
    sharing = sharing_of({"g": 1}, {"g": Group(tuple(held), alpha=alpha)}, held)
    tokens = sharing.of(total)
    assert sum(tokens.values()) == total
    powers = {pool: size**alpha if size else 0.0 for pool, size in held.items()}
    whole = sum(powers.values())
    for pool in held if whole else ():
        assert abs(tokens[pool] - total * powers[pool] / whole) <= 1 + total * 1e-12


@given(st.integers(0, 10**9), HELD, ALPHAS)
def test_exact_shares_sum_to_one_and_tokens_are_within_a_token_a_level(
    total: int, held: dict[str, int], alpha: float
) -> None:
    groups = {"g": Group(tuple(held), alpha=alpha), "h": Group(("g", "z"), {"g": 2, "z": 1})}
    sharing = sharing_of({"h": 0.7, "y": 0.3}, groups, held)
    shares = list(sharing.shares())
    assert sum(share for _, share, _ in shares) == 1
    assert [pool for pool, _, _ in shares] == [*pools_below("h", groups), "y"]
    tokens = sharing.of(total)
    for pool, share, levels in shares:
        assert abs(tokens[pool] - total * share) < levels
    assert {pool: levels for pool, _, levels in shares} == {**dict.fromkeys(held, 3), "z": 2, "y": 1}


@given(st.integers(1, 2_000), st.lists(st.integers(1, 200), min_size=4, max_size=4), ALPHAS)
def test_scaling_takes_the_largest_total_that_fits_all_levels(total: int, sizes: list[int], alpha: float) -> None:
    held = dict(zip("abcd", sizes, strict=True))
    groups = {"g": Group(("a", "b"), alpha=alpha), "h": Group(("g", "c"), {"g": 0.37, "c": 1})}
    phase = Phase("one", total, {"h": 0.8, "d": 0.2}, short="scale")
    sharing = sharing_of(phase.weights, groups, held)
    found = sum(taken(phase, held, groups).values())
    fits = [n for n in range(total + 1) if all(sharing.of(n)[pool] <= held[pool] for pool in held)]
    assert found == max(fits)


def test_shares_do_not_depend_on_the_order_of_members() -> None:
    held = {"a": 977, "b": 1_409, "c": 31}
    one, other = (
        sharing_of({"g": 1}, {"g": Group(order, alpha=0.3)}, held) for order in (("a", "b", "c"), ("c", "b", "a"))
    )
    assert one.of(1_000) == other.of(1_000)
    assert {pool: share for pool, share, _ in one.shares()}["a"] > Fraction(1, 5)
