"""Values of records as typed columns."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.lists import holds_numbers, numbers_in
from pipelines.sources.options import FieldType
from pipelines.sources.values import column_of, first_present, microseconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@settings(deadline=None)
@given(moment=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), hours=st.integers(-14, 14))  # noqa: DTZ001 - hypothesis wants them bare
def test_any_iso_date_is_read_in_utc(moment: datetime, hours: int) -> None:
    zone = timedelta(hours=hours)
    text = moment.isoformat() + f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
    assert microseconds(text) == (moment.replace(tzinfo=UTC) - zone - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "2019-04-25T12:57:54Z",
        "2019-04-25T12:57:54.000Z",
        "2019-04-25 12:57:54",
        "2019-04-25T14:57:54+02:00",
        "20190425T125754",
    ],
)
def test_the_spellings_of_the_corpora_are_read(text: str) -> None:
    assert microseconds(text) == int(datetime(2019, 4, 25, 12, 57, 54, tzinfo=UTC).timestamp()) * 10**6


@pytest.mark.parametrize(("text", "day"), [("20160901", 17045), ("2016-09-01", 17045)])
def test_a_day_is_its_first_moment(text: str, day: int) -> None:
    assert microseconds(text) == day * 86_400_000_000


@pytest.mark.parametrize("number", [1512465451, 1512465451000, 1512465451000000, 1512465451.0])
def test_numbers_count_seconds_or_milliseconds_or_microseconds(number: float) -> None:
    assert microseconds(number) == 1512465451000000


@pytest.mark.parametrize(
    "value",
    ["", "unknown", "2016", "0000-00-00", None, True, [], {}, 1e300, float("nan"), float("inf"), -1e11 + 1, 2**70],
)
def test_what_is_no_date_is_null(value: object) -> None:
    assert microseconds(value) is None


@settings(deadline=None)
@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_any_value_is_a_date_or_null_and_never_raises(value: object) -> None:
    array, wrong = column_of([value], "timestamp")
    assert wrong == {}
    assert array.null_count == (microseconds(value) is None)
    array.to_pylist()


@pytest.mark.parametrize(
    ("kind", "fits"),
    [("int64", [0, -(2**63), 2**63 - 1]), ("float64", [1, 2.5, 2**60 + 1, 10**30]), ("bool", [True, False])],
)
def test_a_column_takes_its_own_kind_and_names_the_others(kind: FieldType, fits: list[object]) -> None:
    array, wrong = column_of([*fits, None, "1", [], {}], kind)
    assert array.to_pylist()[: len(fits)] == [float(value) if kind == "float64" else value for value in fits]  # type: ignore[arg-type]
    assert array.null_count == 4
    others = [f"a string, not {kind}", f"an array, not {kind}", f"an object, not {kind}"]
    assert wrong == {len(fits) + 1 + number: other for number, other in enumerate(others)}


def test_the_first_value_that_is_not_null_is_taken() -> None:
    assert first_present([[None, 0, ""], ["a", "b", "c"], ["x", "y", "z"]], 3) == ["a", 0, ""]
    assert first_present([], 2) == [None, None]


@pytest.mark.parametrize(("value", "flat"), [(None, None), ([], []), ([[0, 3], [2, 2]], [0, 3, 2, 2])])
def test_spans_are_pairs_of_places(value: object, flat: list[int] | None) -> None:
    array, wrong = column_of([value, [[1, 2]]], "spans")
    assert (array.to_pylist(), wrong) == ([flat, [1, 2]], {})


@given(st.lists(st.none() | st.lists(st.none() | st.floats(-60_000, 60_000) | st.integers(-60_000, 60_000))))
def test_numbers_become_float16_and_nulls_nan(values: list[list[float | None] | None]) -> None:
    array, wrong = column_of(values, "numbers")
    assert wrong == {}
    assert array.type == pa.list_(pa.float16())
    for found, value in zip(array.to_pylist(), values, strict=True):
        assert (found is None) == (value is None)
        numbers = np.array([np.nan if each is None else each for each in value or []], np.float64)
        assert np.array_equal(np.array(found or [], np.float16), numbers.astype(np.float16), equal_nan=True)


@pytest.mark.parametrize("value", ["1", 5, {}, [[1]], ["1"], [True], [1e6], [65_520], [float("inf")], [10**400]])
def test_what_is_no_numbers_is_said(value: object) -> None:
    array, wrong = column_of([[1.5], value], "numbers")
    assert array.to_pylist() == [[1.5], None]
    assert list(wrong) == [1]
    assert wrong[1].startswith("no list of numbers")


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float16()), pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.int32())]
)
def test_numbers_of_an_arrow_column_are_those_of_its_lists(kind: pa.DataType) -> None:
    values = [[9], [1, 2, None], None, [], [70_000 if kind.value_type != pa.float16() else np.inf], [3]]
    given = pa.array(values, kind).slice(1)
    assert holds_numbers(kind)
    (found, wrong), (other, others) = numbers_in(given), column_of(given.to_pylist(), "numbers")
    assert str(found.to_pylist()) == str(other.to_pylist())
    assert list(wrong) == [3]
    assert wrong == others


def test_a_nan_is_one_nan_whatever_the_file_wrote() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], np.uint64).view(np.float64)
    found, _ = numbers_in(pa.array([odd.tolist()], pa.list_(pa.float64())))
    bits = found.flatten().to_numpy().view(np.uint16)
    assert set(bits.tolist()) == {int(np.array([np.nan], np.float16).view(np.uint16)[0])}


@pytest.mark.parametrize(
    "value", ["0-3", 5, {}, [0, 3], [[0]], [[0, 1, 2]], [[3, 1]], [[-1, 2]], [[0, 2**32]], [[0, 1.0]], [[False, True]]]
)
def test_what_is_no_spans_is_said(value: object) -> None:
    array, wrong = column_of([[[1, 2]], value], "spans")
    assert (array.to_pylist(), wrong) == ([[1, 2], None], {1: "no list of [start, end]"})
