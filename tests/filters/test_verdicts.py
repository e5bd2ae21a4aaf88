import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.verdicts import Rule, judge_by


def judged(rules: list[Rule], **columns: pa.Array) -> list[tuple[str | None, float | None]]:
    verdicts = judge_by(rules, columns)
    assert (verdicts.rule.type, verdicts.value.type) == (pa.string(), pa.float64())
    return list(zip(verdicts.rule.to_pylist(), verdicts.value.to_pylist(), strict=True))


def test_a_number_on_the_bound_passes_though_its_float32_is_above_the_float64_threshold() -> None:
    fifth = pa.array([1 / 5, np.nextafter(np.float32(0.2), np.float32(1))], pa.float32())
    assert float(fifth[0].as_py()) > 0.2
    verdicts = judged([Rule("most", "ratio", "max", 0.2)], ratio=fifth)
    assert verdicts == [(None, None), ("most", fifth[1].as_py())]


def test_the_first_broken_rule_in_order_gives_the_verdict_and_its_own_number() -> None:
    rules = [Rule("a", "count", "min", 5), Rule("b", "ratio", "max", 0.5), Rule("c", "count", "min", 9)]
    columns = {"count": pa.array([4, 6, 6, 9]), "ratio": pa.array([1.0, 1.0, 0.0, 0.0], pa.float32())}
    assert judged(rules, **columns) == [("a", 4.0), ("b", 1.0), ("c", 6.0), (None, None)]


def test_a_threshold_of_zero_is_a_threshold_and_none_is_not() -> None:
    ratio = pa.array([0.0, 0.1], pa.float32())
    assert judged([Rule("most", "ratio", "max", 0.0)], ratio=ratio)[1][0] == "most"
    assert judged([Rule("most", "ratio", "max", None)], ratio=ratio) == [(None, None)] * 2


def test_a_number_that_was_not_measured_breaks_no_rule() -> None:
    assert judged([Rule("least", "count", "min", 5)], count=pa.array([None, 1], pa.int64())) == [
        (None, None),
        ("least", 1.0),
    ]


def test_a_batch_without_documents_gets_no_verdicts() -> None:
    assert judged([Rule("least", "count", "min", 5)], count=pa.array([], pa.int64())) == []


def test_a_missing_signal_is_an_error() -> None:
    with pytest.raises(KeyError):
        judge_by([Rule("least", "count", "min", 5)], {})


@given(st.lists(st.floats(width=32, allow_nan=False)), st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_verdict_is_a_comparison_with_the_stored_number(numbers: list[float], limit: float) -> None:
    column = pa.array(numbers, pa.float32())
    least = judged([Rule("least", "x", "min", limit)], x=column)
    most = judged([Rule("most", "x", "max", limit)], x=column)
    assert least == [("least", x) if x < limit else (None, None) for x in numbers]
    assert most == [("most", x) if x > limit else (None, None) for x in numbers]
