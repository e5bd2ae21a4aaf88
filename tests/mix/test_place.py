import struct

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mix.cut import CutPoint
from pipelines.mix.place import Draw, Fragments, fragment_runs, fragments_between, placements, shard_count, shard_of
from pipelines.mix.pools import Documents

U64S = st.integers(0, 2**64 - 1)


def _documents(uid: list[int], tokens: list[int], piece: int = 0) -> Documents:
    count = len(uid)
    draws = np.arange(count, dtype=np.uint64)
    pieces = np.full(count, piece, np.uint32)
    return Documents(draws, np.array(uid, np.uint64), draws, pieces, np.array(tokens, np.int64))


def _fragments(rows: list[tuple[int, int, int, int]]) -> Fragments:
    return Fragments(*(np.array(column, np.int64) for column in zip(*rows, strict=True)))


def _rows(fragments: Fragments) -> list[tuple[int, int, int, int]]:
    columns = (fragments.row, fragments.epoch, fragments.start, fragments.length)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_an_interval_within_one_document_is_one_fragment() -> None:
    documents = _documents([7, 8, 9], [10, 10, 10])
    everyone = np.ones(3, np.bool_)
    held = fragments_between(documents, everyone, CutPoint(0, 1, 8, 1, 0, 2), CutPoint(0, 1, 8, 1, 0, 5))
    assert _rows(held) == [(1, 0, 2, 3)]


def test_whole_epochs_between_two_cuts_are_taken_whole() -> None:
    documents = _documents([7, 8], [3, 4])
    everyone = np.ones(2, np.bool_)
    held = fragments_between(documents, everyone, CutPoint(1, 1, 8, 1, 0, 1), CutPoint(3, 0, 7, 0, 0, 2))
    assert _rows(held) == [(1, 1, 1, 3), (0, 2, 0, 3), (1, 2, 0, 4), (0, 3, 0, 2)]


def test_documents_outside_the_pool_and_empty_ones_are_not_taken() -> None:
    documents = _documents([7, 8, 9], [3, 0, 5])
    member = np.array([False, True, True])
    held = fragments_between(documents, member, CutPoint(0, 0, 0, 0, 0, 0), CutPoint(1, 0, 0, 0, 0, 0))
    assert _rows(held) == [(2, 0, 0, 5)]


def test_a_split_without_members_gives_no_fragments() -> None:
    documents = _documents([7], [3])
    none = np.zeros(1, np.bool_)
    held = fragments_between(documents, none, CutPoint(0, 0, 0, 0, 0, 0), CutPoint(9, 0, 0, 0, 0, 0))
    assert len(held) == 0
    assert len(placements(documents, held, Draw(1, "web", "a"))) == 0


@given(U64S, U64S, st.integers(0, 2**32 - 1), st.integers(0, 254), st.text(), st.text())
def test_a_place_is_the_hash_of_its_fragment(
    seed: int, uid: int, piece: int, epoch: int, phase: str, pool: str
) -> None:
    documents, start = _documents([uid], [2**33], piece), 2**32 + 5
    place = placements(documents, _fragments([(0, epoch, start, 1)]), Draw(seed, phase, pool))
    named = struct.pack("<Q", seed) + phase.encode() + b"\0" + pool.encode() + b"\0"
    fragment = struct.pack("<QIIQ", uid, piece, epoch, start)
    assert place.tolist() == [xxhash.xxh3_64_intdigest(b"place" + named + fragment)]


def test_a_known_place_never_changes() -> None:
    documents = _documents([1], [10])
    assert placements(documents, _fragments([(0, 0, 0, 10)]), Draw(17, "web", "pile")).tolist() == [KNOWN_PLACE]


KNOWN_PLACE = 6400581868432323178


@given(st.lists(U64S, min_size=1), st.integers(1, 2**32 - 1))
def test_shards_are_equal_parts_of_all_places(places: list[int], shards: int) -> None:
    expected = [place * shards >> 64 for place in places]
    assert shard_of(np.array(places, np.uint64), shards).tolist() == expected


@pytest.mark.parametrize("shards", [1, 2, 3, 4095, 2**32 - 1])
def test_the_first_and_last_place_lie_in_the_first_and_last_shard(shards: int) -> None:
    assert shard_of(np.array([0, 2**64 - 1], np.uint64), shards).tolist() == [0, shards - 1]


@pytest.mark.parametrize(("tokens", "shards"), [(0, 0), (1, 1), (64, 1), (65, 2), (10**15 + 1, 15_625_000_000_001)])
def test_shards_are_counted_by_rounding_up(tokens: int, shards: int) -> None:
    assert shard_count(tokens, 64) == shards


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.data(), st.sampled_from(["<u2", "<u4"]))
def test_fragments_carry_the_tokens_they_name(lengths: list[int], data: st.DataObject, dtype: str) -> None:
    runs = [np.arange(100 * number, 100 * number + length, dtype=dtype) for number, length in enumerate(lengths)]
    stored = pa.array([run.tobytes() for run in runs], pa.large_binary())
    rows = st.tuples(st.integers(0, len(lengths) - 1), st.just(0), st.integers(0, 5), st.integers(1, 6))
    wanted = [row for row in data.draw(st.lists(rows, min_size=0)) if row[2] + row[3] <= lengths[row[0]]]
    fragments = _fragments(wanted or [(0, 0, 0, 0)])
    taken = fragment_runs(stored, fragments, np.dtype(dtype).itemsize)
    expected = [runs[row][start : start + length].tobytes() for row, _, start, length in _rows(fragments)]
    assert taken.to_pylist() == expected
    assert taken.type == pa.large_binary()


def test_no_fragments_carry_no_tokens() -> None:
    runs = pa.array([b"\1\0"], pa.large_binary())
    none = Fragments(*(np.zeros(0, np.int64) for _ in range(4)))
    assert len(fragment_runs(runs, none, 2)) == 0
