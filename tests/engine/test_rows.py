"""Rows in memory: built from columns, ordered, gathered, hashed."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.rowhash import RowHash, row_hashes
from pipelines.engine.rows import Layout, Rows, total_order

LAYOUT = Layout((("low", "u8"), ("score", "f4")))
MOST = 2**64 - 1
KEYS = st.integers(0, 3) | st.integers(0, MOST) | st.just(MOST)


def rows_of(payloads: list[bytes], first: int = 0) -> Rows:
    numbers = np.arange(first, first + len(payloads), dtype=np.uint64)
    return Rows.build(LAYOUT, key=numbers * 7, row=numbers, slot=1, low=numbers, score=0.1, payloads=payloads)


def content(*batches: Rows, layout: Layout = LAYOUT) -> str:
    digest = RowHash(layout)
    for batch in batches:
        digest.update(batch)
    return digest.hexdigest()


def test_a_header_is_packed_and_little_endian() -> None:
    rows = Rows.build(Layout((("flag", "u1"),)), key=[MOST], row=[2], slot=[3], flag=[4], payloads=[b"ab"])
    expected = b"\xff" * 8 + b"\2\0\0\0" + b"\3\0\0\0" + b"\4" + b"\2\0\0\0"
    assert rows.header.tobytes() == expected
    assert rows.payload.tobytes() == b"ab"


def test_scalars_are_repeated_and_payloads_optional() -> None:
    rows = Rows.build(LAYOUT, key=[1, 2, 3], row=[4, 5, 6], low=7, score=0.5)
    assert rows["low"].tolist() == [7, 7, 7]
    assert rows["slot"].tolist() == rows["length"].tolist() == [0, 0, 0]
    assert rows.payloads().to_pylist() == [b"", b"", b""]


@pytest.mark.parametrize(
    "payloads",
    [
        [b"", b"ab", b"c"],
        pa.array([b"", b"ab", b"c"]),
        pa.array([b"x", b"", b"ab", b"c"], pa.large_binary())[1:],
        pa.chunked_array([pa.array([b"", b"ab"]), pa.array([b"c"])]),
    ],
    ids=["list", "binary", "slice", "chunks"],
)
def test_payloads_come_in_any_arrow_form(payloads: list[bytes]) -> None:
    rows = Rows.build(Layout(), key=[1, 2, 3], row=[1, 2, 3], payloads=payloads)
    assert rows.payloads().to_pylist() == [b"", b"ab", b"c"]
    assert rows.payload.tobytes() == b"abc"


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"low": 1}, "expected"),
        ({"low": 1, "score": 1, "high": 1}, "expected"),
        ({"low": -1, "score": 1}, "low"),
        ({"low": [1, 2, 3], "score": 1}, "broadcast"),
        ({"low": 1, "score": 1, "row": [0, 2**32]}, "row"),
        ({"low": 0.5, "score": 1}, "low"),
        ({"low": 1, "score": 1, "payloads": [b"a", None]}, "null"),
        ({"low": 1, "score": 1, "payloads": [b"a", b"b", b"c"]}, "broadcast"),
    ],
    ids=["missing", "unknown", "negative", "length", "range", "fraction", "null payload", "payload count"],
)
def test_what_does_not_fit_is_refused(columns: dict[str, npt.ArrayLike], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Rows.build(LAYOUT, **{"key": [1, 2], "row": [1, 2], **columns})


@pytest.mark.parametrize("name", ["key", "row", "slot", "length", "split"])
def test_a_layout_may_not_take_a_reserved_name(name: str) -> None:
    with pytest.raises(ValueError, match="differ"):
        Layout(((name, "u8"),))
    with pytest.raises(ValueError, match="differ"):
        Layout((("twice", "u8"), ("twice", "u4")))


def test_lengths_must_add_up() -> None:
    rows = rows_of([b"abc"])
    with pytest.raises(ValueError, match="3 bytes"):
        Rows(rows.header, rows.payload[:2])


def test_rows_of_different_layouts_do_not_mix() -> None:
    with pytest.raises(ValueError, match="different layouts"):
        Rows.concat([rows_of([b"a"]), rows_of([b"a"]).of_split(0)])


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=30), st.data())
def test_take_gathers_rows_with_their_payloads(payloads: list[bytes], data: st.DataObject) -> None:
    indices = data.draw(st.lists(st.integers(0, len(payloads) - 1), max_size=40))
    taken = rows_of(payloads).take(np.array(indices, np.int64))
    assert taken["row"].tolist() == indices
    assert taken.payloads().to_pylist() == [payloads[index] for index in indices]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=9), min_size=1, max_size=20), st.data())
def test_slices_put_together_are_the_whole(payloads: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(payloads)))
    whole = rows_of(payloads)
    again = Rows.concat([whole.slice(0, cut), whole.slice(cut, len(whole))])
    assert again.header.tobytes() == whole.header.tobytes()
    assert again.payloads().to_pylist() == payloads


def test_a_mask_takes_the_rows_where_it_is_true() -> None:
    taken = rows_of([b"a", b"b", b"c"]).take(np.array([True, False, True]))
    assert taken.payloads().to_pylist() == [b"a", b"c"]


def test_of_split_adds_the_split_and_keeps_the_rest() -> None:
    rows = rows_of([b"a", b"bc"])
    marked = rows.of_split(2**40)
    assert marked.split.tolist() == [2**40, 2**40]
    assert marked.header.dtype.names == ("key", "row", "slot", "low", "score", "length", "split")
    for name in rows.header.dtype.names or ():
        assert marked[name].tolist() == rows[name].tolist()


@settings(deadline=None)
@given(st.lists(st.tuples(KEYS, st.integers(0, 2), st.integers(0, 2)), max_size=60))
def test_total_order_is_the_stable_sort_of_tuples(values: list[tuple[int, int, int]]) -> None:
    columns = np.array(values, np.uint64).reshape(-1, 3).T
    expected = sorted(range(len(values)), key=lambda index: values[index])
    assert total_order(*columns).tolist() == expected


@pytest.mark.parametrize("span", [1, 2**40, 2**63])
def test_total_order_of_many_keys(span: int) -> None:
    random = np.random.default_rng(5)
    key = random.integers(0, span, 20_000, dtype=np.uint64) + np.uint64(span)
    minor = random.integers(0, 100, len(key))
    assert np.array_equal(total_order(key, minor), np.lexsort((minor, key)))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=30), st.data())
def test_the_content_hash_knows_neither_order_nor_batches(payloads: list[bytes], data: st.DataObject) -> None:
    rows = rows_of(payloads)
    order = data.draw(st.permutations(range(len(rows))))
    cut = data.draw(st.integers(0, len(rows)))
    shuffled = rows.take(np.array(order))
    assert content(shuffled.slice(0, cut), shuffled.slice(cut, len(rows))) == content(rows)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=10), st.data())
def test_the_content_hash_sees_every_bit(payloads: list[bytes], data: st.DataObject) -> None:
    rows = rows_of(payloads)
    raw = bytearray(rows.header.tobytes() + rows.payload.tobytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    header = np.frombuffer(raw, rows.header.dtype, len(rows))
    if header["length"].sum() == len(rows.payload):
        changed = Rows(header, np.frombuffer(raw, np.uint8, offset=rows.header.nbytes))
        assert content(changed) != content(rows)


def test_the_content_hash_sees_repetition_and_layout() -> None:
    rows = rows_of([b"a"])
    hashes = [content(), content(rows), content(rows, rows), content(rows, rows, rows)]
    renamed = Layout((("lower", "u8"), ("score", "f4")))
    assert len({*hashes, content(rows, layout=renamed)}) == 5


def test_row_hashes_do_not_collide_on_small_numbers() -> None:
    numbers = np.arange(200_000, dtype=np.uint64)
    rows = Rows.build(Layout(), key=numbers % 450, row=numbers // 450)
    assert len(np.unique(row_hashes(rows))) == len(rows)


def test_the_content_hash_of_known_rows_stays_what_it_is() -> None:
    assert content(rows_of([b"", b"a", b"bc"]), rows_of([b"xyz" * 100], 9)) == "99ff74ffb77bdd67286d5b4550194b2e"
