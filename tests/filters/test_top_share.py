"""The top share: a bound that was found elsewhere, and what falls beyond it."""

import msgspec
import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.top_share import QUANTILE_FILE, TopShare


def fitted(bound: float | None, *, highest: bool = True) -> TopShare:
    stage = TopShare(signal="x", share=0.5, highest=highest)
    return stage.fitted({QUANTILE_FILE: msgspec.json.encode(bound)})


@pytest.mark.parametrize(
    ("bound", "highest", "dropped"),
    [
        (0.2, True, [True, False, False, False]),
        (0.2, False, [False, False, True, False]),
        (None, True, [False] * 4),
        (0, True, [False] * 4),
        (0, False, [False, True, True, False]),
    ],
)
def test_what_lies_on_the_bound_stays(bound: float | None, highest: bool, dropped: list[bool]) -> None:
    numbers = pa.array([0.0, 0.2, 0.7, None], pa.float32())
    verdicts = fitted(bound, highest=highest).judge({"x": numbers})
    assert [rule == "share" for rule in verdicts.rule.to_pylist()] == dropped
    values = [number for number, fell in zip(numbers.to_pylist(), dropped, strict=True) if fell]
    assert verdicts.value.drop_null().to_pylist() == values


def test_counts_are_compared_as_counts() -> None:
    numbers = pa.array([2**62, 2**62 - 1], pa.int64())
    assert fitted(2**62).judge({"x": numbers}).rule.to_pylist() == [None, "share"]


def test_before_the_bound_is_found_nothing_falls() -> None:
    stage = TopShare(signal="x", share=0.5)
    assert stage.judge({"x": pa.array([1, 2])}).rule.null_count == 2
    assert [rule.limit for rule in stage.rules] == [None]
    assert stage.waits


@pytest.mark.parametrize("share", [0, -1, 1.1, float("nan")])
def test_a_share_is_more_than_nothing_and_at_most_all(share: float) -> None:
    with pytest.raises(ValidationError):
        TopShare(signal="x", share=share)
