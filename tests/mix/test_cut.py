import numpy as np
import pytest

from pipelines.mix.cut import CutPoint, Location, cut_in_bucket, locate, tokens_before
from pipelines.mix.pools import BUCKETS, Documents, bucket_of, concat_documents, documents_of, histogram


def _documents(s: list[int], tokens: list[int], uid: list[int] | None = None) -> Documents:
    count = len(s)
    return Documents(
        np.array(s, np.uint64),
        np.array(uid or [5] * count, np.uint64),
        np.arange(count, dtype=np.uint64),
        np.zeros(count, np.uint32),
        np.array(tokens, np.int64),
    )


def test_draws_are_the_same_wherever_a_document_is_met() -> None:
    uid = np.arange(100, dtype=np.uint64)
    whole = documents_of(17, uid, uid, np.ones(100, np.int64))
    part = documents_of(17, uid[40:50], uid[40:50], np.ones(10, np.int64))
    np.testing.assert_array_equal(whole.s[40:50], part.s)
    assert len(set(whole.s.tolist())) == 100
    assert not np.array_equal(whole.s, documents_of(18, uid, uid, np.ones(100, np.int64)).s)


def test_the_first_draw_under_the_label_pool_never_changes() -> None:
    one = np.ones(1, np.uint64)
    assert documents_of(17, one, one, np.ones(1, np.int64)).s.tolist() == [FIRST_DRAW]


FIRST_DRAW = 3489607332311289837


def test_buckets_are_the_top_twelve_bits() -> None:
    draws = np.array([0, 2**52 - 1, 2**52, 2**64 - 1], np.uint64)
    np.testing.assert_array_equal(bucket_of(draws), [0, 0, 1, 4095])


def test_histograms_of_splits_add_up_exactly() -> None:
    rng = np.random.default_rng(3)
    draws = rng.integers(0, 2**64, 10_000, np.uint64)
    tokens = rng.integers(0, 2**40, 10_000)
    parts = [histogram(draws[at : at + 999], tokens[at : at + 999]) for at in range(0, 10_000, 999)]
    whole = histogram(draws, tokens)
    np.testing.assert_array_equal(np.sum(parts, axis=0), whole)
    assert whole.sum() == tokens.sum()
    assert whole.dtype == np.int64
    assert len(whole) == BUCKETS


def test_an_empty_split_has_an_empty_histogram() -> None:
    assert histogram(np.zeros(0, np.uint64), np.zeros(0, np.int64)).sum() == 0


@pytest.mark.parametrize(
    ("position", "location"),
    [
        (0, Location(0, 3, 0)),
        (4, Location(0, 3, 4)),
        (5, Location(0, 9, 0)),
        (11, Location(0, 9, 6)),
        (12, Location(1, 3, 0)),
        (12 * 200 + 6, Location(200, 9, 1)),
    ],
)
def test_a_position_lies_in_the_bucket_that_holds_its_token(position: int, location: Location) -> None:
    held = np.zeros(BUCKETS, np.int64)
    held[3], held[9] = 5, 7
    assert locate(held, position) == location


def test_a_cut_names_the_token_within_its_document() -> None:
    documents = _documents([3, 1, 2], [10, 4, 6])
    assert cut_in_bucket(Location(2, 0, 7), documents) == CutPoint(2, 2, 5, 2, 0, 3)


def test_a_cut_between_two_documents_lies_before_the_first_token_of_the_second() -> None:
    documents = _documents([3, 1, 2], [10, 4, 6])
    assert cut_in_bucket(Location(0, 0, 4), documents) == CutPoint(0, 2, 5, 2, 0, 0)


def test_documents_without_tokens_never_hold_a_cut() -> None:
    documents = _documents([1, 2, 3], [4, 0, 6])
    assert cut_in_bucket(Location(0, 0, 4), documents).s == 3


def test_a_cut_between_two_buckets_needs_no_documents() -> None:
    none = _documents([], [])
    cut = cut_in_bucket(Location(1, 4095, 0), none)
    assert cut == CutPoint(1, 4095 << 52, 0, 0, 0, 0)
    documents = _documents([(4095 << 52) - 1, 4095 << 52, 2**64 - 1], [7, 8, 9])
    np.testing.assert_array_equal(tokens_before(documents, cut), [7, 0, 0])


def test_equal_draws_go_by_uid_then_address() -> None:
    documents = _documents([1, 1, 1, 1], [2, 2, 2, 2], uid=[9, 8, 9, 8])
    cut = cut_in_bucket(Location(0, 0, 5), documents)
    assert (cut.uid, cut.address, cut.token) == (9, 0, 1)
    np.testing.assert_array_equal(tokens_before(documents, cut), [1, 2, 0, 2])


def test_the_order_of_arrival_does_not_move_a_cut() -> None:
    rng = np.random.default_rng(1)
    documents = _documents(rng.integers(0, 9, 50).tolist(), rng.integers(0, 5, 50).tolist())
    shuffled = documents.take(rng.permutation(50))
    parts = concat_documents([shuffled.take(np.arange(30)), shuffled.take(np.arange(30, 50))])
    for offset in range(int(documents.tokens.sum())):
        cut = cut_in_bucket(Location(0, 0, offset), parts)
        assert cut == cut_in_bucket(Location(0, 0, offset), documents)
        assert int(tokens_before(documents, cut).sum()) == offset


def test_draws_above_two_to_the_sixty_three_compare_exactly() -> None:
    documents = _documents([2**64 - 1, 2**64 - 2, 2**63], [5, 5, 5])
    cut = cut_in_bucket(Location(0, 4095, 6), documents.take(np.array([0, 1])))
    np.testing.assert_array_equal(tokens_before(documents, cut), [1, 5, 5])
