"""Cases as data: tests/golden/gopher_quality.json, sorted by intent.

A case of intent "known failure" says what would be right; it must fail until the stage is right.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from filters.batch import batch_of
from filters.gopher import GopherQuality

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "golden" / "gopher_quality.json").read_text(encoding="utf-8")
)


def _case(case: dict[str, Any]) -> object:
    failing = case["intent"] == "known failure"
    marks = [pytest.mark.xfail(strict=True, reason="known failure")] if failing else []
    return pytest.param(case, id=case["name"], marks=marks)


@pytest.mark.parametrize("case", [_case(case) for case in CASES])
def test_the_verdict_is_that_of_the_case(case: dict[str, Any]) -> None:
    outcome = GopherQuality()(batch_of([case["text"]]))
    assert outcome.rule is not None
    assert outcome.value is not None
    assert (outcome.rule.to_pylist(), outcome.value.to_pylist()) == ([case["rule"]], [case["value"]])


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_the_signals_are_those_of_the_case(case: dict[str, Any]) -> None:
    columns = GopherQuality().measure(batch_of([case["text"]]))
    assert {name: column[0].as_py() for name, column in columns.items()} == case["signals"]


def test_every_rule_has_a_case_that_breaks_it() -> None:
    broken = {case["rule"] for case in CASES if case["rule"] is not None}
    assert {rule.name for rule in GopherQuality().rules} - broken == {"max_word_count"}
