import random
from dataclasses import replace

import numpy as np
import pytest

from pipelines.mix.contents import Contents, in_order

Fragment = tuple[int, int, int, int, int, int, int, list[int]]
"""(t, pool, uid, piece, epoch, start, address, ids)."""


def _contents(fragments: list[Fragment], dtype: type[np.unsignedinteger] = np.uint16) -> Contents:
    t, pool, uid, piece, epoch, start, address, ids = zip(*fragments, strict=True)
    return Contents(
        t=np.array(t, np.uint64),
        pool=np.array(pool, np.uint16),
        uid=np.array(uid, np.uint64),
        piece=np.array(piece, np.uint32),
        epoch=np.array(epoch, np.int64),
        start=np.array(start, np.int64),
        address=np.array(address, np.uint64),
        source=np.array(pool, np.uint16),
        length=np.array([len(run) for run in ids], np.int64),
        ids=np.array([token for run in ids for token in run], dtype),
    )


def _fragments(contents: Contents) -> list[Fragment]:
    names = ("t", "pool", "uid", "piece", "epoch", "start", "address")
    columns = [getattr(contents, name).tolist() for name in names]
    runs = np.split(contents.ids, np.cumsum(contents.length)[:-1])
    return list(zip(*columns, [run.tolist() for run in runs], strict=True))


def _random_fragment(rng: random.Random) -> Fragment:
    """Few values, so that many fragments tie in all but one of them."""
    t, pool, uid, piece, epoch, start, address = (rng.choice([0, 1, 2**16 - 1]) for _ in range(7))
    return t, pool, uid, piece, epoch, start, address, [rng.randrange(2**16) for _ in range(rng.randint(0, 5))]


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_arrival_becomes_the_one_order_with_every_tie_broken(
    seed: int, dtype: type[np.unsignedinteger]
) -> None:
    rng = random.Random(seed)
    fragments = list({fragment[:7]: fragment for fragment in (_random_fragment(rng) for _ in range(60))}.values())
    ordered = in_order(_contents(fragments, dtype))
    assert _fragments(ordered) == sorted(fragments, key=lambda fragment: fragment[:7])
    assert ordered.ids.dtype == dtype


def test_places_above_two_to_the_sixty_three_come_last() -> None:
    contents = _contents([(2**64 - 1, 0, 0, 0, 0, 0, 0, [1]), (5, 0, 0, 0, 0, 0, 0, [2])])
    assert in_order(contents).ids.tolist() == [2, 1]


def test_fragments_already_in_order_are_not_moved() -> None:
    contents = _contents([(1, 0, 0, 0, 0, 0, 0, [1]), (5, 0, 0, 0, 0, 0, 0, [2])])
    assert in_order(contents) is contents


def test_no_fragments_are_in_order() -> None:
    one = _contents([(1, 0, 0, 0, 0, 0, 0, [])])
    none = Contents(**{name: column[:0] for name, column in vars(one).items()})
    assert len(in_order(none)) == 0


def test_columns_of_tokens_are_put_in_order_with_their_ids() -> None:
    rng = random.Random(5)
    plain = _contents([_random_fragment(rng) for _ in range(200)])
    tokens = np.empty(len(plain.ids), np.dtype([("ids", "<u2"), ("loss_mask", "u1")]))
    tokens["ids"], tokens["loss_mask"] = plain.ids, plain.ids % 251
    ordered = in_order(replace(plain, ids=tokens))
    np.testing.assert_array_equal(ordered.only_ids, in_order(plain).ids)
    np.testing.assert_array_equal(ordered.ids["loss_mask"], ordered.only_ids % 251)
