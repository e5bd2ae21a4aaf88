"""Rows that are emitted meet by key, in one order, whatever the buffers, segments, partitions and storage."""

import tempfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.exchange import (
    Emitted,
    Emitter,
    Layout,
    Rows,
    least_size,
    partition_range,
    read_keys,
    read_partition,
)
from pipelines.engine.local import LocalStorage
from pipelines.engine.segments import BLOCK_BYTES, BLOCK_ROWS, INDEX, load_footer
from pipelines.engine.storage import Storage, open_storage
from pipelines.errors import BuildError, StorageFull

MIB = 1024 * 1024
END = 2**64
LARGE = 256 * MIB
LAYOUT = Layout((("low", "u8"),))

Row = tuple[int, int, int, int, bytes]
"""key, row, slot, low, payload"""

EDGES = sorted(
    {
        key
        for partitions in (1, 2, 7, 64)
        for partition in range(partitions)
        for bound in partition_range(partition, partitions)
        for key in (bound - 1, bound)
        if 0 <= key < END
    }
)
KEYS = st.sampled_from(EDGES) | st.integers(0, END - 1) | st.integers(0, 2)
ROWS = st.lists(
    st.tuples(KEYS, st.integers(0, 3), st.integers(0, 2), st.integers(0, END - 1), st.binary(max_size=40)), max_size=30
)


def rows_of(values: Sequence[Row]) -> Rows:
    key, row, slot, low = (np.array([value[at] for value in values], np.uint64) for at in range(4))
    return Rows.build(LAYOUT, key=key, row=row, slot=slot, low=low, payloads=[value[4] for value in values])


def values_of(rows: Rows) -> list[tuple[int, int, int, int, int, bytes]]:
    columns = (rows[name].tolist() for name in ("key", "split", "row", "slot", "low"))
    return list(zip(*columns, rows.payloads().to_pylist(), strict=True))


def emit(storage: Storage, path: str, values: Sequence[Row], *, spill: int = LARGE, batch: int = 1000) -> Emitted:
    with Emitter(storage, path, LAYOUT, spill_bytes=spill) as emitter:
        for start in range(0, len(values), batch):
            emitter.add(rows_of(values[start : start + batch]))
    return emitter.close()


def random_rows(count: int, *, seed: int = 0, payload: int = 0) -> list[Row]:
    random = np.random.default_rng(seed)
    keys = random.integers(0, END, count, dtype=np.uint64).tolist()
    return [(key, row, 0, row * 7, random.bytes(payload)) for row, key in enumerate(keys)]


def many_rows(count: int, *, seed: int = 0, payload: int = 0) -> Rows:
    random = np.random.default_rng(seed)
    offsets = np.arange(count + 1) * payload
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(random.bytes(count * payload))]
    payloads = pa.LargeBinaryArray.from_buffers(pa.large_binary(), count, buffers)
    keys = random.integers(0, END, count, dtype=np.uint64)
    return Rows.build(LAYOUT, key=keys, row=np.arange(count), low=seed, payloads=payloads)


def expected(splits: dict[int, Sequence[Row]]) -> list[tuple[int, int, int, int, int, bytes]]:
    """Return the rows of all splits in total order; rows that agree in it stay as they were emitted."""
    rows = [(value[0], split, *value[1:]) for split, values in splits.items() for value in values]
    return sorted(rows, key=lambda row: row[:4])


# Partitions


@given(st.integers(1, 10**7), st.data())
def test_a_partition_is_the_keys_that_round_down_to_it(partitions: int, data: st.DataObject) -> None:
    partition = data.draw(st.integers(0, partitions - 1))
    low, high = partition_range(partition, partitions)
    assert low * partitions // END == (high - 1) * partitions // END == partition
    assert low == 0 or (low - 1) * partitions // END == partition - 1
    assert high == END or high * partitions // END == partition + 1


@settings(deadline=None, max_examples=50)
@given(ROWS, st.sampled_from([64, LARGE]), st.sampled_from([1, 2, 7]))
def test_a_partition_has_at_least_the_bytes_that_footers_tell(values: list[Row], spill: int, partitions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(folder)
        emit(storage, "a.rows", values, spill=spill, batch=3)
        for at in range(partitions):
            read = read_partition(storage, [(5, "a.rows")], at, partitions)
            size = len(read) * LAYOUT.dtype.itemsize + len(read.payload)
            told = least_size(storage, [(5, "a.rows")], at, partitions)
            assert told == size if partitions == 1 else told <= size


@settings(deadline=None, max_examples=80)
@given(
    st.dictionaries(st.integers(0, 2**31), ROWS, min_size=1, max_size=4),
    st.sampled_from([64, 1024, LARGE]),
    st.sampled_from([1, 2, 7, 64]),
    st.integers(1, 10),
)
def test_partitions_in_order_are_the_sorted_whole(
    splits: dict[int, list[Row]], spill: int, partitions: int, batch: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(folder)
        for number, values in splits.items():
            emit(storage, f"{number}.rows", values, spill=spill, batch=batch)
        paths = [(number, f"{number}.rows") for number in splits]
        parts = [read_partition(storage, paths, partition, partitions) for partition in range(partitions)]
    for partition, part in enumerate(parts):
        assert all(key * partitions // END == partition for key in part["key"].tolist())
    assert [value for part in parts for value in values_of(part)] == expected(dict(splits))


@settings(deadline=None)
@given(ROWS, st.data())
def test_a_range_of_keys_holds_these_keys(values: list[Row], data: st.DataObject) -> None:
    low, high = sorted(data.draw(st.tuples(KEYS, KEYS | st.just(END))))
    if low == high:
        return
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(folder)
        emit(storage, "a.rows", values, spill=256, batch=4)
        found = read_keys(storage, [(5, "a.rows")], low, high)
    assert values_of(found) == [value for value in expected({5: values}) if low <= value[0] < high]


@settings(deadline=None, max_examples=25)
@given(ROWS, st.data())
def test_the_content_depends_on_the_rows_alone(values: list[Row], data: st.DataObject) -> None:
    contents = set()
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(folder)
        for spill in (64, 1024, LARGE):
            for batch in (1, 3, 1000):
                contents.add(emit(storage, f"{spill}-{batch}.rows", values, spill=spill, batch=batch).content)
        contents.add(emit(storage, "shuffled.rows", data.draw(st.permutations(values)), spill=64).content)
        changed = emit(storage, "changed.rows", [*values, (1, 2, 3, 4, b"")]).content
    assert len(contents) == 1
    assert changed not in contents


def test_the_exchange_is_the_same_on_every_storage(storage: Storage) -> None:
    splits = {number: random_rows(3000, seed=number, payload=20) for number in range(3)}
    for number, values in splits.items():
        emit(storage, f"work/{number}.rows", values, spill=30_000, batch=500)
    paths = [(number, f"work/{number}.rows") for number in splits]
    found = [value for partition in range(7) for value in values_of(read_partition(storage, paths, partition, 7))]
    assert found == expected(dict(splits))


def test_no_rows_are_rows_too(storage: Storage) -> None:
    notes = emit(storage, "none.rows", [])
    assert (notes.rows, notes.segments) == (0, 0)
    found = read_partition(storage, [(0, "none.rows")], 0, 1)
    assert len(found) == 0
    assert found.header.dtype.names == ("key", "row", "slot", "low", "length", "split")
    assert len(read_partition(storage, [], 0, 1)) == 0


def test_files_of_one_number_are_ordered_by_row_across_files(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    values = [(key, row, slot, 0, b"") for key in range(3) for row in range(4) for slot in range(2)]
    emit(storage, "a.rows", values[::2])
    emit(storage, "b.rows", values[1::2])
    for paths in ([(0, "a.rows"), (0, "b.rows")], [(0, "b.rows"), (0, "a.rows")]):
        assert values_of(read_keys(storage, paths, 0, END)) == expected({0: values})


def test_files_of_different_layouts_do_not_mix(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    emit(storage, "a.rows", random_rows(3))
    Emitter(storage, "b.rows", Layout((("other", "u8"),))).close()
    with pytest.raises(ValueError, match="different layouts"):
        read_keys(storage, [(0, "a.rows"), (1, "b.rows")], 0, END)


# Size


@pytest.mark.parametrize("spill", [1024, LARGE])
def test_a_payload_of_50_mb_passes(tmp_path: Path, spill: int) -> None:
    storage = open_storage(tmp_path)
    values = random_rows(50, payload=100)
    values[20] = (values[20][0], 20, 0, 1, np.random.default_rng(9).bytes(50 * 10**6))
    emit(storage, "a.rows", values, spill=spill, batch=10)
    for partitions in (1, 7):
        parts = [read_partition(storage, [(0, "a.rows")], partition, partitions) for partition in range(partitions)]
        assert [value for part in parts for value in values_of(part)] == expected({0: values})


def test_blocks_are_bounded_in_rows_and_bytes(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    values = random_rows(10_000) + random_rows(2000, seed=1, payload=2000) + random_rows(1, seed=2, payload=3 * MIB)
    emit(storage, "a.rows", values)
    index = np.frombuffer(load_footer(storage, "a.rows").index, INDEX)
    assert index["rows"].sum() == len(values)
    assert index["rows"].max() <= BLOCK_ROWS
    payload = index["bytes"] - index["rows"] * np.uint64(LAYOUT.dtype.itemsize)
    assert payload[index["rows"] > 1].max() <= BLOCK_BYTES
    assert payload.max() == 3 * MIB
    assert len(index) < 20


class CountingStorage(LocalStorage):
    """A folder that remembers what was read from it."""

    reads: ClassVar[list[int]] = []

    def read_range(self, path: str, start: int, end: int) -> bytes:
        self.reads.append(end - start)
        return super().read_range(path, start, end)


def test_a_partition_is_one_small_read_per_segment(tmp_path: Path) -> None:
    storage = CountingStorage(str(tmp_path))
    with Emitter(storage, "a.rows", LAYOUT, spill_bytes=2 * MIB) as emitter:
        for seed in range(15):
            emitter.add(many_rows(10_000, seed=seed))
    notes = emitter.close()
    assert notes.segments == 3
    CountingStorage.reads.clear()
    read_partition(storage, [(0, "a.rows")], 10, 16)
    assert len(CountingStorage.reads) == 3
    assert sum(CountingStorage.reads) < notes.bytes / 16 + 3 * 2 * BLOCK_ROWS * LAYOUT.dtype.itemsize


def test_small_segments_are_read_together(tmp_path: Path) -> None:
    storage = CountingStorage(str(tmp_path))
    notes = emit(storage, "a.rows", random_rows(3000), spill=1024, batch=10)
    assert notes.segments > 50
    CountingStorage.reads.clear()
    assert len(read_partition(storage, [(0, "a.rows")], 1, 7)) > 0
    assert len(CountingStorage.reads) == 1


def test_a_small_gap_is_read_along(tmp_path: Path) -> None:
    storage = CountingStorage(str(tmp_path))
    with Emitter(storage, "a.rows", LAYOUT, spill_bytes=2 * BLOCK_ROWS * LAYOUT.dtype.itemsize) as emitter:
        for seed in range(4):
            emitter.add(many_rows(2 * BLOCK_ROWS, seed=seed))
    assert emitter.close().segments == 4
    CountingStorage.reads.clear()
    read_partition(storage, [(0, "a.rows")], 0, 8)
    assert CountingStorage.reads == [7 * BLOCK_ROWS * LAYOUT.dtype.itemsize]


def test_emitting_needs_the_memory_of_the_buffer_and_a_batch(tmp_path: Path) -> None:
    batches = (many_rows(1000, seed=seed, payload=1000) for seed in range(60))
    tracemalloc.start()
    with Emitter(open_storage(tmp_path), "a.rows", LAYOUT, spill_bytes=4 * MIB) as emitter:
        for batch in batches:
            emitter.add(batch)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert emitter.close().bytes > 60 * 10**6
    assert peak < 24 * MIB


# Combine


def first_per_key(rows: Rows) -> Rows:
    return rows.take(np.flatnonzero(np.diff(rows["key"].astype(object), prepend=-1)))


@settings(deadline=None)
@given(ROWS, st.sampled_from([64, 1024, LARGE]))
def test_combine_makes_fewer_rows_and_the_same_answer(values: list[Row], spill: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(folder)
        plain = emit(storage, "plain.rows", values)
        with Emitter(storage, "combined.rows", LAYOUT, spill, first_per_key) as emitter:
            for start in range(0, len(values), 5):
                emitter.add(rows_of(values[start : start + 5]))
        every, some = (read_keys(storage, [(0, f"{name}.rows")], 0, END) for name in ("plain", "combined"))
    assert values_of(first_per_key(some)) == values_of(first_per_key(every))
    assert emitter.close().content == plain.content
    assert emitter.close().rows == len(values)
    if spill == LARGE:
        assert len(some) == len(set(some["key"].tolist()))


# What goes wrong


def test_an_emitter_that_fails_leaves_no_file(storage: Storage) -> None:
    with pytest.raises(RuntimeError, match="stage"), Emitter(storage, "a.rows", LAYOUT) as emitter:
        add_and_fail(emitter)
    assert storage.list() == []


def add_and_fail(emitter: Emitter) -> None:
    emitter.add(rows_of(random_rows(10)))
    raise RuntimeError("the stage failed")


def test_a_combine_that_fails_leaves_no_file(storage: Storage) -> None:
    def combine(rows: Rows) -> Rows:
        raise RuntimeError(f"{len(rows)} rows")

    emitter = Emitter(storage, "a.rows", LAYOUT, 64, combine)
    with pytest.raises(RuntimeError, match="10 rows"):
        emitter.add(rows_of(random_rows(10)))
    assert storage.list() == []


def test_the_file_appears_when_the_emitter_is_closed(storage: Storage) -> None:
    emitter = Emitter(storage, "a.rows", LAYOUT, spill_bytes=64)
    emitter.add(rows_of(random_rows(10)))
    assert storage.list() == []
    notes = emitter.close()
    assert storage.list() == ["a.rows"]
    assert emitter.close() == notes
    assert storage.identify("a.rows").size == notes.bytes
    with pytest.raises(ValueError, match="closed"):
        emitter.add(rows_of(random_rows(10)))


@pytest.mark.parametrize("spill", [1024, LARGE], ids=["while adding", "while closing"])
def test_a_full_disk_is_named(small_disk: Path, spill: int) -> None:
    storage = open_storage(small_disk)
    with (
        pytest.raises(StorageFull, match=f"{small_disk}/work/a.rows"),
        Emitter(storage, "work/a.rows", LAYOUT, spill_bytes=spill) as emitter,
    ):
        emitter.add(many_rows(100, payload=50_000))
    assert list((small_disk / "work").iterdir()) == []


def test_an_error_of_the_storage_needs_no_block_to_be_named(small_disk: Path) -> None:
    emitter = Emitter(open_storage(small_disk), "a.rows", LAYOUT, spill_bytes=1024)
    with pytest.raises(StorageFull, match=f"{small_disk}/a.rows"):
        emitter.add(many_rows(100, payload=50_000))
    assert list(small_disk.iterdir()) == []


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a file of two segments."""
    storage = open_storage(tmp_path_factory.mktemp("written"))
    emit(storage, "a.rows", random_rows(60, payload=10), spill=2000, batch=30)
    return storage.read("a.rows")


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_no_damage_goes_unseen(written: bytes, data: st.DataObject) -> None:
    raw = bytearray(written)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(folder)
        storage.put("a.rows", bytes(raw))
        with pytest.raises(BuildError, match=r"a\.rows"):
            read_keys(storage, [(0, "a.rows")], 0, END)


@settings(deadline=None)
@given(st.data())
def test_a_truncated_file_is_damaged(written: bytes, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(folder)
        storage.put("a.rows", written[: data.draw(st.integers(0, len(written) - 1))])
        with pytest.raises(BuildError, match=r"a\.rows: its end is missing"):
            read_keys(storage, [(0, "a.rows")], 0, END)


def test_a_missing_file_is_named_to_the_reader(storage: Storage) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.rows"):
        read_keys(storage, [(0, "a.rows")], 0, END)


@pytest.mark.parametrize(("before", "after"), [(64, LARGE), (LARGE, 64), (500, 2000)])
def test_the_same_rows_in_other_segments_replace_a_file_under_its_readers(
    tmp_path: Path, before: int, after: int
) -> None:
    storage = open_storage(tmp_path)
    values = random_rows(200, payload=5)
    first = emit(storage, "a.rows", values, spill=before, batch=10)
    assert values_of(read_keys(storage, [(0, "a.rows")], 0, END)) == expected({0: values})
    second = emit(storage, "a.rows", values, spill=after, batch=10)
    assert first.hash != second.hash
    assert values_of(read_keys(storage, [(0, "a.rows")], 0, END)) == expected({0: values})


def test_a_shorter_file_replaces_a_longer_one_under_its_readers(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    for spill, count in ((64, 500), (LARGE, 1)):
        with Emitter(storage, "a.rows", LAYOUT, spill, first_per_key) as emitter:
            for row in range(500):
                emitter.add(rows_of([(7, row, 0, 0, b"")]))
        combined = read_keys(storage, [(0, "a.rows")], 0, END)
        assert len(combined) <= count
        assert values_of(first_per_key(combined)) == [(7, 0, 0, 0, 0, b"")]


def test_a_footer_larger_than_the_first_read_is_read_whole(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    values = random_rows(3000)
    notes = emit(storage, "a.rows", values, spill=64, batch=1)
    assert notes.segments > 1000
    assert len(load_footer(storage, "a.rows").index) > 64 * 1024
    assert values_of(read_keys(storage, [(0, "a.rows")], 0, END)) == expected({0: values})
