import pickle
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.batch import Batch, batch_of
from pipelines.where import Where, columns_of


def verdicts(expression: str, **signals: pa.Array) -> list[tuple[str | None, float | None]]:
    count = len(next(iter(signals.values())))
    batch = batch_of(["text"] * count)
    outcome = Where(expression=expression)(Batch(batch.documents, signals))
    assert outcome.rule is not None
    assert outcome.value is not None
    assert (outcome.rule.type, outcome.value.type) == (pa.string(), pa.float64())
    return list(zip(outcome.rule.to_pylist(), outcome.value.to_pylist(), strict=True))


def test_documents_for_which_the_expression_is_not_true_fall_by_it() -> None:
    assert verdicts("words >= 3", words=pa.array([2, 3])) == [("words >= 3", 2.0), (None, None)]


def test_a_number_that_was_not_measured_does_not_pass_and_has_no_value() -> None:
    assert verdicts("words >= 3", words=pa.array([None, 3])) == [("words >= 3", None), (None, None)]


def test_a_float32_signal_on_the_threshold_passes() -> None:
    assert verdicts("ratio <= 0.2", ratio=pa.array([1 / 5], pa.float32())) == [(None, None)]


def test_no_single_number_decides_where_several_columns_or_no_number_do() -> None:
    columns: dict[str, Any] = {"a": pa.array([1, 5]), "b": pa.array([1, 5])}
    assert verdicts("a > 2 and b > 2", **columns) == [("a > 2 and b > 2", None), (None, None)]
    assert verdicts("url is not null", a=pa.array([1]))[0][1] is None


def test_the_documents_own_columns_and_their_length_can_be_named() -> None:
    batch = batch_of(["", "four", "\u4e2d\u6587"])
    assert {"url", "date", "language", "source", "id", "chars"} <= set(columns_of(batch))
    outcome = Where(expression="chars == 2 and source == 'text' and url is null")(batch)
    assert outcome.rule is not None
    assert outcome.rule.is_null().to_pylist() == [False, False, True]


def test_an_expression_that_cannot_be_read_is_refused_when_the_stage_is_made() -> None:
    with pytest.raises(ValidationError, match=r"\^"):
        Where(expression="words >=")


def test_the_stage_says_which_columns_it_asks_for_and_survives_a_pickle() -> None:
    stage = Where(expression="b > 1 and a < 2")
    assert sorted(stage.names) == ["a", "b"]
    assert pickle.loads(pickle.dumps(stage)) == stage  # noqa: S301 - our own bytes
