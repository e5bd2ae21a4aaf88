"""Identity, against formulas written out anew, and content hashes that see values alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.keys import canonical, content_hash, document_uids, draw, key_of, key_of_large

U64S = st.integers(0, 2**64 - 1)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(NAMES, NAMES, st.lists(U64S, max_size=5))
def test_a_uid_is_the_hash_of_source_path_and_ordinal(source: str, path: str, ordinals: list[int]) -> None:
    expected = [
        xxhash.xxh3_64(source.encode("utf-8") + bytes(1) + path.encode("utf-8") + bytes(1) + n.to_bytes(8, "little"))
        for n in ordinals
    ]
    uids = document_uids(source, path, np.array(ordinals, np.uint64))
    assert uids.dtype == np.uint64
    assert uids.tolist() == [digest.intdigest() for digest in expected]


@given(st.sampled_from(["sample", "fit", "pool"]), U64S, st.lists(U64S, max_size=5))
def test_a_draw_is_the_hash_of_label_seed_and_uid(label: str, seed: int, uids: list[int]) -> None:
    expected = [
        xxhash.xxh3_64_intdigest(label.encode() + seed.to_bytes(8, "little") + uid.to_bytes(8, "little"))
        for uid in uids
    ]
    assert draw(label, seed, np.array(uids, np.uint64)).tolist() == expected


def test_uses_of_chance_do_not_choose_the_same_documents() -> None:
    uids = np.arange(4000, dtype=np.uint64)
    halves = [draw(label, 1, uids) < np.uint64(1 << 63) for label in ("sample", "fit", "pool")]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert 0.45 < float((halves[first] == halves[second]).mean()) < 0.55


def test_a_key_does_not_depend_on_the_order_of_options() -> None:
    assert key_of({"a": 1, "b": [2, 3]}) == key_of({"b": [2, 3], "a": 1}) != key_of({"a": 1, "b": [3, 2]})


@pytest.mark.parametrize("value", [{1, 2}, math.nan, math.inf, object(), b"bytes"])
def test_what_has_no_stable_form_gets_no_key(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical(value)


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), NAMES)
WORDS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.one_of(
        SCALARS,
        st.dictionaries(WORDS, st.integers()),
        st.lists(st.lists(st.one_of(WORDS, st.integers(), st.booleans()))),
        st.lists(st.tuples(WORDS, st.integers()), min_size=20, max_size=30),
    ),
    lambda values: st.one_of(st.lists(values), st.dictionaries(WORDS, values)),
    max_leaves=8,
)


@given(VALUES)
def test_a_large_value_has_the_key_that_it_would_have_as_a_small_one(value: object) -> None:
    assert key_of_large(value) == key_of(value)


@pytest.mark.parametrize("value", [[{1, 2}], {"a": [["b", math.nan]]}, {"a": "\ud800"}, [["\ud800"]], {"a": b"bytes"}])
def test_a_large_value_without_a_stable_form_gets_no_key(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        key_of_large(value)


def test_every_character_of_a_large_value_is_written_as_in_a_small_one() -> None:
    words = [[chr(code)] for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert key_of_large(words) == key_of(words)


@dataclass(frozen=True)
class Kind:
    """An Arrow type, and values of it."""

    type: pa.DataType
    values: st.SearchStrategy[Any]


INTEGERS = st.integers(-(2**31), 2**31 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
FLOATS = st.floats(width=32, allow_nan=False).map(lambda value: value or 0.0)
KINDS: dict[str, Kind] = {
    "int64": Kind(pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint64": Kind(pa.uint64(), U64S),
    "uint32": Kind(pa.uint32(), st.integers(0, 2**32 - 1)),
    "float32": Kind(pa.float32(), FLOATS),
    "float64": Kind(pa.float64(), FLOATS),
    "bool": Kind(pa.bool_(), st.booleans()),
    "string": Kind(pa.string(), TEXTS),
    "large_string": Kind(pa.large_string(), TEXTS),
    "large_binary": Kind(pa.large_binary(), st.binary(max_size=6)),
    "timestamp": Kind(pa.timestamp("us", tz="UTC"), st.datetimes(timezones=st.none()).map(lambda t: t.replace(fold=0))),
    "list": Kind(pa.list_(pa.uint32()), st.lists(st.integers(0, 9), max_size=3)),
    "strings": Kind(pa.list_(pa.string()), st.lists(TEXTS, max_size=3)),
    "struct": Kind(pa.struct({"a": pa.int64(), "b": pa.string()}), st.fixed_dictionaries({"a": INTEGERS, "b": TEXTS})),
    "null": Kind(pa.null(), st.none()),
}


@st.composite
def columns(draws: Callable[..., Any]) -> tuple[pa.DataType, list[Any]]:
    kind = KINDS[draws(st.sampled_from(sorted(KINDS)))]
    return kind.type, draws(st.lists(st.none() | kind.values, max_size=12))


def hash_of(*chunks: pa.Array, kind: pa.DataType) -> str:
    return content_hash(pa.table({"x": pa.chunked_array(list(chunks), kind)}))


@given(columns(), st.lists(st.integers(0, 12), max_size=4))
def test_chunks_do_not_count(column: tuple[pa.DataType, list[Any]], cuts: list[int]) -> None:
    kind, values = column
    whole = pa.array(values, kind)
    bounds = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    chunks = [whole.slice(start, end - start) for start, end in pairwise(bounds)]
    assert hash_of(*chunks, kind=kind) == hash_of(whole, kind=kind)


@given(columns(), columns())
def test_a_slice_of_a_longer_column_is_its_own_values(
    column: tuple[pa.DataType, list[Any]], other: tuple[pa.DataType, list[Any]]
) -> None:
    kind, values = column
    around = values if kind != other[0] else other[1]
    longer = pa.array([*around, *values, *around], kind)
    assert hash_of(longer.slice(len(around), len(values)), kind=kind) == hash_of(pa.array(values, kind), kind=kind)


@given(columns(), st.data())
def test_other_values_have_another_hash(column: tuple[pa.DataType, list[Any]], data: st.DataObject) -> None:
    kind, values = column
    others = data.draw(st.permutations(values) | st.just([*values, None]) | st.just(values[:-1]))
    same = pa.array(others, kind).equals(pa.array(values, kind))
    assert (hash_of(pa.array(others, kind), kind=kind) == hash_of(pa.array(values, kind), kind=kind)) == same


@given(st.lists(st.none() | TEXTS, max_size=12))
def test_a_dictionary_is_its_values(values: list[str | None]) -> None:
    plain = pa.array(values, pa.string())
    encoded = plain.dictionary_encode()
    padded = pa.DictionaryArray.from_arrays(
        pa.array([None if index is None else index + 1 for index in encoded.indices.to_pylist()], pa.int32()),
        pa.concat_arrays([pa.array(["unused"]), encoded.dictionary.cast(pa.string())]),
    )
    assert content_hash(pa.table({"x": plain})) == content_hash(pa.table({"x": encoded}))
    assert content_hash(pa.table({"x": plain})) == content_hash(pa.table({"x": padded}))


def test_what_lies_under_a_null_does_not_count() -> None:
    valid = pa.py_buffer(np.packbits([True, False, True], bitorder="little").tobytes())
    clean = pa.array([1, None, 3], pa.int64())
    dirty = pa.Array.from_buffers(pa.int64(), 3, [valid, pa.py_buffer(np.array([1, 99, 3]))])
    assert hash_of(dirty, kind=pa.int64()) == hash_of(clean, kind=pa.int64())
    offsets = pa.py_buffer(np.array([0, 1, 3, 4], np.int64))
    text = pa.Array.from_buffers(pa.large_string(), 3, [valid, offsets, pa.py_buffer(b"aXXb")])
    assert hash_of(text, kind=pa.large_string()) == hash_of(
        pa.array(["a", None, "b"], pa.large_string()), kind=text.type
    )
    lists = pa.Array.from_buffers(
        pa.list_(pa.int64()),
        3,
        [valid, pa.py_buffer(np.array([0, 1, 3, 4], np.int32))],
        children=[pa.array([7, 8, 8, 9], pa.int64())],
    )
    assert hash_of(lists, kind=lists.type) == hash_of(pa.array([[7], None, [9]], lists.type), kind=lists.type)


def test_names_types_and_bounds_of_columns_count() -> None:
    one = pa.table({"a": ["xy"], "b": ["z"]})
    assert len({content_hash(table) for table in (
        one,
        one.rename_columns(["b", "a"]),
        pa.table({"a": ["x"], "b": ["yz"]}),
        pa.table({"a": pa.array(["xy"], pa.binary()), "b": ["z"]}),
        one.slice(0, 0),
    )}) == 5  # fmt: skip


def test_a_column_without_chunks_is_an_empty_column() -> None:
    empty = pa.table({"x": pa.chunked_array([], pa.string())})
    assert content_hash(empty) == content_hash(pa.table({"x": pa.array([], pa.string())}))
