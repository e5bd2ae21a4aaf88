"""Verification, against comparing everyone with everyone in plain Python."""

import gzip
import json
import re
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.jaccard import threshold_floor
from pipelines.dedup.verify import Effort, Verified, decide_with_effort, verify, verify_all
from tests.helpers import CORPUS

GOLD = CORPUS / "neardup_gold"

U64 = npt.NDArray[np.uint64]
Member = tuple[frozenset[int], bool]
"""A member's shingles, and whether it is exempt."""

THRESHOLDS = st.one_of(st.sampled_from([0.01, 0.2, 0.5, 0.75, 0.8, 1.0]), st.floats(0.01, 1))
SHINGLES = st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1))
MEMBERS = st.lists(st.tuples(st.frozensets(SHINGLES, max_size=12), st.booleans()), max_size=14)


@st.composite
def variants(draw: st.DrawFn) -> list[Member]:
    """Draw members that differ from one of a few templates in a few shingles."""
    templates = [
        range(start, start + size)
        for start, size in draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 30)), min_size=1, max_size=2))
    ]
    changes = st.frozensets(st.integers(0, 60), max_size=5)
    one = st.builds(lambda base, change: frozenset(base) ^ change, st.sampled_from(templates), changes)
    return draw(st.lists(st.tuples(one, st.booleans()), max_size=24))


def packed(sets: Sequence[Sequence[int] | frozenset[int] | U64]) -> tuple[npt.NDArray[np.int64], U64]:
    first = np.concatenate([[0], np.cumsum([len(one) for one in sets], dtype=np.int64)]).astype(np.int64)
    values = np.array(list(chain.from_iterable(sorted(one) for one in sets)), np.uint64)
    return first, values


def similarity(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


def by_comparing_all(members: Sequence[Member], threshold: float) -> Verified:
    kept: list[int] = []
    similarities: list[float] = []
    for place, (shingles, exempt) in enumerate(members):
        found = [(similarity(shingles, members[who][0]), -who) for who in range(place) if kept[who] == who]
        best, who = max(found, default=(0.0, 0))
        falls = not exempt and np.float32(best) >= np.float32(threshold)
        kept.append(-who if falls else place)
        similarities.append(best if falls else 1.0)
    cluster = [kept.count(who) for who in kept]
    return Verified(np.array(kept, np.int64), np.array(similarities, np.float32), np.array(cluster, np.uint32))


def same(one: Verified, other: Verified) -> bool:
    columns: list[tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]] = list(zip(one, other, strict=True))
    return all(mine.dtype == its.dtype and mine.tolist() == its.tolist() for mine, its in columns)


def decided(members: Sequence[Member], threshold: float, few: int) -> Verified:
    exempt = np.array([is_exempt for _, is_exempt in members], np.bool_)
    sets = packed([shingles for shingles, _ in members])
    return decide_with_effort(np.array([0, len(members)]), sets, exempt, threshold, few)[0]


@given(st.one_of(MEMBERS, variants()), THRESHOLDS, st.sampled_from([0, 8, 100]))
def test_members_fall_as_if_each_were_compared_with_all_that_stay_before_it(
    members: list[Member], threshold: float, few: int
) -> None:
    assert same(decided(members, threshold, few), by_comparing_all(members, threshold))


@given(st.lists(st.one_of(MEMBERS, variants()), max_size=5), THRESHOLDS, st.sampled_from([0, 8]))
def test_many_components_are_decided_as_each_alone(groups: list[list[Member]], threshold: float, few: int) -> None:
    everyone = list(chain.from_iterable(groups))
    components = np.cumsum([0, *map(len, groups)])
    exempt = np.array([is_exempt for _, is_exempt in everyone], np.bool_)
    sets = packed([shingles for shingles, _ in everyone])
    together, _ = decide_with_effort(components, sets, exempt, threshold, few)
    for begin, group in zip(components, groups, strict=False):
        alone, part = by_comparing_all(group, threshold), slice(begin, begin + len(group))
        mine = Verified(together.kept[part], together.similarity[part], together.cluster[part])
        assert same(mine, alone._replace(kept=alone.kept + begin))


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_hundreds_of_versions_of_a_few_documents_fall_as_if_all_were_compared(threshold: float) -> None:
    chance = np.random.default_rng(11)
    origins = [chance.integers(0, 2**64, chance.integers(20, 300), np.uint64) for _ in range(8)]
    members: list[Member] = []
    for _ in range(400):
        origin = origins[chance.integers(0, 8)]
        own = chance.integers(0, 2**64, chance.integers(0, 40), np.uint64)
        held = origin[chance.random(len(origin)) < chance.choice([0.6, 0.9, 1.0])]
        members.append((frozenset(held.tolist()) | frozenset(own.tolist()), bool(chance.random() < 0.05)))
    assert same(decided(members, threshold, 8), by_comparing_all(members, threshold))


@given(st.floats(0.01, 1), st.integers(1, 3000), st.integers(1, 3000))
def test_the_bound_lies_below_every_similarity_that_reaches_the_threshold(
    threshold: float, one: int, other: int
) -> None:
    shared, united = min(one, other), max(one, other)
    below, parts = threshold_floor(threshold)
    if np.float32(shared / united) >= np.float32(threshold):
        assert shared * parts >= below * united
    assert np.float32(threshold) * parts - below < 2 or below == 1


def test_four_of_five_reach_a_threshold_of_four_fifths() -> None:
    first, shingles = packed([range(5), range(4)])
    kept, similarities, cluster = verify(first, shingles, np.zeros(2, np.bool_), 0.8)
    assert (kept.tolist(), similarities.tolist(), cluster.tolist()) == ([0, 0], [1.0, float(np.float32(0.8))], [2, 2])


def test_who_is_like_another_only_through_a_third_stays() -> None:
    chained = packed([range(10), range(1, 11), range(2, 12), range(3, 13)])
    assert verify(*chained, np.zeros(4, np.bool_), 0.8).kept.tolist() == [0, 0, 2, 2]


def test_among_equally_similar_survivors_the_best_in_rank_is_named() -> None:
    alike = packed([[1, 2, 3, 4], [3, 4, 5, 6], [2, 3, 4, 5]])
    for few in (0, 8):
        verified, _ = decide_with_effort(np.array([0, 3]), alike, np.zeros(3, np.bool_), 0.5, few)
        assert verified.kept.tolist() == [0, 1, 0]


def test_an_exempt_member_stays_and_others_fall_for_it() -> None:
    alike = packed([range(10), range(1, 10), range(1, 10)])
    verified = verify(*alike, np.array([False, True, False]), 0.8)
    assert verified.kept.tolist() == [0, 1, 1]
    assert verified.similarity.tolist() == [1.0, 1.0, 1.0]
    assert verified.cluster.tolist() == [1, 2, 2]


def test_members_without_shingles_fall_for_one_another_only() -> None:
    verified = verify(*packed([[], [7], [], []]), np.array([False, False, True, False]), 0.8)
    assert verified.kept.tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01, float("nan")])
def test_a_threshold_that_is_no_similarity_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="is not between"):
        verify(*packed([[1]]), np.zeros(1, np.bool_), threshold)


def test_nothing_is_decided_of_nobody() -> None:
    verified = verify_all(
        np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.bool_), 0.8
    )
    assert [len(column) for column in verified] == [0, 0, 0]


def hashes(chance: np.random.Generator, count: int) -> U64:
    return chance.integers(0, 2**64, count, np.uint64)


def of_template(members: int, template: int, fillings: tuple[int, int]) -> tuple[npt.NDArray[np.int64], U64]:
    """Return sets that share `template` shingles, each with its own fillings, of a random number."""
    chance = np.random.default_rng(members)
    common = hashes(chance, template)
    low, high = fillings
    sets = [
        np.sort(np.concatenate([common, hashes(chance, int(chance.integers(low, high + 1)))])) for _ in range(members)
    ]
    first = np.concatenate([[0], np.cumsum([len(one) for one in sets])]).astype(np.int64)
    return first, np.concatenate(sets)


def effort_of(sets: tuple[npt.NDArray[np.int64], U64], threshold: float) -> tuple[Verified, Effort]:
    members = len(sets[0]) - 1
    return decide_with_effort(np.array([0, members]), sets, np.zeros(members, np.bool_), threshold)


@pytest.mark.parametrize(("template", "filling"), [(120, 80), (150, 50), (171, 29)])
def test_ten_thousand_fillings_of_one_template_all_stay_and_are_hardly_compared(template: int, filling: int) -> None:
    verified, effort = effort_of(of_template(10_000, template, (filling, filling)), 0.8)
    assert verified.kept.tolist() == list(range(10_000))
    assert effort == Effort(looks=0, pairs=0)


def test_ten_thousand_versions_of_one_text_are_compared_with_the_one_that_stays() -> None:
    verified, effort = effort_of(of_template(10_000, 190, (10, 10)), 0.8)
    assert not verified.kept.any()
    assert verified.cluster.tolist() == [10_000] * 10_000
    assert effort.pairs == 9_999
    assert effort.looks <= 9_999 * 50


def test_a_book_stays_that_shares_its_licence_with_ten_thousand_others() -> None:
    chance = np.random.default_rng(3)
    licence = hashes(chance, 300)
    book = np.sort(np.concatenate([licence, hashes(chance, 50_000)]))
    others = [np.sort(np.concatenate([licence, hashes(chance, int(chance.integers(0, 400)))])) for _ in range(10_000)]
    sets = [others[0], *others[1:5_000], book, *others[5_000:]]
    first = np.concatenate([[0], np.cumsum([len(one) for one in sets])]).astype(np.int64)
    verified, effort = effort_of((first, np.concatenate(sets)), 0.8)
    assert verified.kept[5_000] == 5_000
    assert verified.cluster[5_000] == 1
    assert effort.pairs <= 2 * len(sets)


@pytest.mark.parametrize(("share", "own"), [(0.6, 5), (0.8, 20)])
def test_documents_of_different_halves_of_a_template_are_told_apart_before_they_are_compared(
    share: float, own: int
) -> None:
    chance = np.random.default_rng(7)
    common = hashes(chance, 300)
    sets = [np.concatenate([common[chance.random(300) < share], hashes(chance, own)]) for _ in range(2_000)]
    verified, effort = effort_of(packed([one.tolist() for one in sets]), 0.8)
    assert verified.kept.tolist() == list(range(2_000))
    assert effort.looks <= 2_000 * 1_999 // 2
    assert effort.pairs <= 2_000


def test_what_verification_takes_grows_at_most_nine_fold_with_eight_fold_fillings() -> None:
    (_, small), (_, large) = (effort_of(of_template(members, 171, (29, 60)), 0.8) for members in (500, 4_000))
    assert large.pairs + large.looks <= 9 * (small.pairs + small.looks)


def gold_words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def word_shingles(text: str, size: int = 5) -> frozenset[int]:
    words = gold_words(text)
    return frozenset(
        xxhash.xxh3_64_intdigest(" ".join(words[at : at + size]).encode())
        for at in range(max(len(words) - size + 1, 0))
    )


@pytest.fixture(scope="module")
def gold() -> dict[str, frozenset[int]]:
    if not GOLD.exists():
        pytest.skip(f"{GOLD} is not here")
    with gzip.open(GOLD / "peps.docs.jsonl.gz", "rt") as lines:
        return {document["id"]: word_shingles(document["text"]) for document in map(json.loads, lines)}


def test_the_similarity_of_612_real_pairs_is_the_one_computed_from_their_words(
    gold: dict[str, frozenset[int]],
) -> None:
    pairs = [json.loads(line) for line in (GOLD / "peps.pairs.jsonl").read_text().splitlines()]
    members = list(chain.from_iterable((gold[pair["a"]], gold[pair["b"]]) for pair in pairs))
    exempt = np.zeros(len(members), np.bool_)
    verified = verify_all(np.arange(0, len(members) + 1, 2), *packed(members), exempt, 0.8)
    known = np.array([pair["jaccard_word5"] for pair in pairs])
    fell = verified.kept[1::2] == np.arange(0, len(members), 2)
    assert len(pairs) == 612
    assert np.array_equal(fell, known >= 0.8)
    assert np.abs(verified.similarity[1::2][fell] - known[fell]).max() < 0.0001


def test_all_real_documents_as_one_component_fall_as_if_all_were_compared(gold: dict[str, frozenset[int]]) -> None:
    members = [(shingles, False) for shingles in gold.values() if len(shingles) < 1_000]
    assert same(decided(members, 0.8, 0), by_comparing_all(members, 0.8))
