"""Selection: the first fate that applies, against rules written out record by record."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.selection import FATES, first_fates, reading_options, selecting_options
from pipelines.sources.jsonl import JsonLines

FIELDS = {
    "kind": "kind",
    "year": {"path": "year", "type": "int64"},
    "flag": {"path": "flag", "type": "bool"},
}
SCHEMA = pa.schema(
    [
        ("uid", pa.uint64()),
        ("problem", pa.string()),
        ("chars", pa.int64()),
        ("date", pa.timestamp("us", tz="UTC")),
        ("kind", pa.string()),
        ("year", pa.int64()),
        ("flag", pa.bool_()),
    ]
)


def source(**options: Any) -> JsonLines:  # noqa: ANN401 - options of a manifest
    return JsonLines(path="x.jsonl", fields=FIELDS, **options)


def table(records: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(records, SCHEMA)


def record(uid: int = 1, **values: object) -> dict[str, Any]:
    return {"uid": uid, "chars": 5, "kind": "a", "year": 2000, "flag": True, **values}


@st.composite
def records(draws: Callable[..., Any]) -> dict[str, Any]:
    broken = draws(st.booleans())
    return {
        "uid": draws(st.integers(0, 2**64 - 1)),
        "problem": "json: broken" if broken else None,
        "chars": None if broken else draws(st.integers(0, 9)),
        "kind": None if broken else draws(st.sampled_from(["a", "b", None])),
        "year": None if broken else draws(st.sampled_from([2000, 2001, None])),
        "flag": None if broken else draws(st.sampled_from([True, False, None])),
    }


def expected(each: dict[str, Any], seed: int, fraction: float) -> str | None:
    """Return the fate under select {kind: [a, b], year: 2000}, where chars > 3 and a sample."""
    if each["problem"] is not None:
        return "unreadable"
    if each["kind"] not in {"a", "b"} or each["year"] != 2000 or not each["chars"] > 3:
        return "unselected"
    drawn = xxhash.xxh3_64_intdigest(b"sample" + seed.to_bytes(8, "little") + each["uid"].to_bytes(8, "little"))
    return None if drawn < fraction * 2**64 else "unsampled"


@given(st.lists(records(), max_size=20), st.integers(0, 2**64 - 1), st.sampled_from([0.25, 0.5, 1.0]))
def test_the_first_fate_that_applies_is_the_fate(rows: list[dict[str, Any]], seed: int, fraction: float) -> None:
    chosen = source(select={"kind": ["a", "b"], "year": 2000}, where="chars > 3", sample={"fraction": fraction})
    fates, rules = first_fates(chosen, seed, table(rows))
    assert fates.tolist() == [expected(each, seed, fraction) for each in rows]
    assert rules.tolist() == [each["problem"] for each in rows]


def test_fates_are_named_in_the_order_in_which_they_apply() -> None:
    assert FATES == ("unreadable", "unselected", "unsampled", "dropped", "duplicate", "held_out", "unused", "used")


@given(st.lists(records(), min_size=1, max_size=20), st.data())
def test_a_record_keeps_its_fate_whatever_stands_beside_it(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    chosen = source(select={"flag": True}, sample={"fraction": 0.5})
    whole = first_fates(chosen, 7, table(rows))[0].tolist()
    order = data.draw(st.permutations(range(len(rows))))
    mixed = first_fates(chosen, 7, table([rows[at] for at in order]))[0].tolist()
    assert mixed == [whole[at] for at in order]


def test_a_source_without_conditions_takes_all_that_can_be_read() -> None:
    fates, _ = first_fates(source(), 0, table([record(), record(problem="gzip: truncated")]))
    assert fates.tolist() == [None, "unreadable"]


def test_no_records_have_no_fates() -> None:
    fates, rules = first_fates(source(select={"kind": "a"}, where="chars > 1"), 0, table([]))
    assert (len(fates), len(rules)) == (0, 0)


@pytest.mark.parametrize(
    ("column", "wanted", "kept"),
    [
        ("date", "2024-01-01", [True, False, False]),
        ("date", ["2024-01-02T00:00:00Z", "2024-01-01"], [True, True, False]),
        ("year", [2000, 2.5], [True, False, False]),
        ("flag", False, [False, True, False]),
        ("kind", "it's", [False, False, True]),
    ],
)
def test_a_value_is_selected_as_an_expression_would_compare_it(column: str, wanted: object, kept: list[bool]) -> None:
    rows = [
        record(date=datetime(2024, 1, 1, tzinfo=UTC)),
        record(date=datetime(2024, 1, 2, tzinfo=UTC), year=2001, flag=False),
        record(date=None, year=None, flag=None, kind="it's"),
    ]
    fates, _ = first_fates(source(select={column: wanted}), 0, table(rows))
    assert [fate is None for fate in fates.tolist()] == kept


def test_a_sample_is_a_part_of_every_larger_sample() -> None:
    rows = table([record(uid) for uid in range(500)])
    kept = [
        {at for at, fate in enumerate(first_fates(source(sample={"fraction": part}), 3, rows)[0]) if fate is None}
        for part in (0.1, 0.4, 0.9)
    ]
    assert kept[0] < kept[1] < kept[2]
    assert 30 < len(kept[0]) < 70


def test_another_seed_draws_another_sample() -> None:
    rows = table([record(uid) for uid in range(100)])
    first, second = (first_fates(source(sample={"fraction": 0.5}), seed, rows)[0] for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_what_only_selects_does_not_change_how_a_source_is_read() -> None:
    plain = reading_options(source())
    assert plain == reading_options(source(where="chars > 3", sample={"fraction": 0.5}, tags=["t"]))
    assert plain == reading_options(JsonLines(path=["y.jsonl", "z"], fields=FIELDS))
    assert plain != reading_options(source(text_field="body"))
    assert plain != reading_options(JsonLines(path="x.jsonl", fields={**FIELDS, "kind": "other"}))
    assert plain != reading_options(JsonLines(path="x.jsonl", fields={**FIELDS, "year": "year"}))


def test_the_seed_selects_only_where_a_sample_is_drawn() -> None:
    assert selecting_options(source(where="chars > 3"), 1) == selecting_options(source(where="chars > 3"), 2)
    sampled = source(sample={"fraction": 0.5})
    assert selecting_options(sampled, 1) != selecting_options(sampled, 2)
