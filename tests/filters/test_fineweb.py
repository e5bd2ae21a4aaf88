"""FineWeb's rules: each by an example, and the plain reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import batch_of
from filters.fineweb import FineWebQuality
from filters.signals import SIGNALS
from tests.filters.line_texts import HOSTILE, line_batches
from tests.filters.references.fineweb import measured

PROSE = (
    "This is a line of prose that has more than thirty characters.\n"
    "And this is another one, which is likewise long enough."
)

stages = st.builds(
    FineWebQuality,
    stop_chars=st.sampled_from([None, (".",), ("\u3002", "x", "\n")]),
    short_line_length=st.sampled_from([0, 3, 30]),
)


def rule_of(text: str, **options: float | None) -> str | None:
    rule = FineWebQuality.model_validate(options)(batch_of([text])).rule
    assert rule is not None
    answer: str | None = rule[0].as_py()
    return answer


@given(stages, line_batches)
def test_signals_are_those_of_the_plain_rules(stage: FineWebQuality, values: list[str]) -> None:
    columns = stage.measure(batch_of(values))
    for number, text in enumerate(values):
        expected = {
            name: value if SIGNALS[name].dtype == "int64" else float(np.float32(value))
            for name, value in measured(stage, text).items()
        }
        assert {name: column[number].as_py() for name, column in columns.items()} == expected
    assert {name: column.type for name, column in columns.items()} == {name: SIGNALS[name].dtype for name in columns}


@given(line_batches)
def test_any_document_gets_the_same_verdict_twice(values: list[str]) -> None:
    stage = FineWebQuality(words="uax29", line_punct_exclude_zero=True)
    first, second = stage(batch_of(values)), stage(batch_of(values))
    assert first.rule == second.rule
    assert first.value == second.value


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (PROSE, None),
        ("", "min_lines"),
        (" \n\t\n", "min_lines"),
        ("A line of prose that has more than thirty characters but no end", "line_punct_thr"),
        ("Home.\nAbout.\nContact.", "short_line_thr"),
        (f"{PROSE}\n{PROSE}", "char_duplicates_ratio"),
        (f"{PROSE}\n" + "\n" * 20, "new_line_ratio"),
    ],
)
def test_each_rule_by_an_example(text: str, rule: str | None) -> None:
    assert rule_of(text) == rule


def test_a_number_on_the_bound_passes() -> None:
    text = "One line of prose that ends in a full stop, and is long.\nAnother line of prose that ends in no mark at all"
    assert rule_of(text, line_punct_thr=0.5) is None
    assert rule_of(text, line_punct_thr=0.5001) == "line_punct_thr"
    short = "short one here.\nA line that is certainly longer than thirty characters."
    assert rule_of(short, short_line_thr=0.5) is None
    assert rule_of(short, short_line_thr=0.4999) == "short_line_thr"


def test_thresholds_of_zero_are_thresholds() -> None:
    assert rule_of(PROSE, new_line_ratio=0) == "new_line_ratio"
    assert rule_of(PROSE, char_duplicates_ratio=0) is None
    assert rule_of("no mark, and a line of more than thirty characters", line_punct_thr=0) is None
    assert rule_of("", min_lines=0) == "line_punct_thr"
    assert rule_of("", min_lines=0, line_punct_thr=None) is None


def test_documents_without_any_punctuated_line_may_be_exempt() -> None:
    none = "a line of prose that has more than thirty characters but no end"
    few = "\n".join([*(f"{none} {number}" for number in range(9)), "One that ends in a mark, and is long enough."])
    assert rule_of(none, line_punct_exclude_zero=True) is None
    assert rule_of(few, line_punct_exclude_zero=True) == "line_punct_thr"


def test_the_article_allows_ten_times_the_duplicates_of_the_code() -> None:
    text = "\n".join([*(f"{PROSE} {number}" for number in range(10)), PROSE.split("\n", maxsplit=1)[0]])
    assert rule_of(text) == "char_duplicates_ratio"
    assert rule_of(text, char_duplicates_ratio=0.6) is None


def test_lines_without_words_have_no_line_feeds_per_word() -> None:
    stage = FineWebQuality(words="uax29")
    assert stage.measure(batch_of(["!!!\n???"]))["fineweb_line_feeds_per_word"].to_pylist() == [0.0]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_read_once(name: str) -> None:
    columns = FineWebQuality().measure(batch_of([HOSTILE[name], PROSE]))
    assert columns["fineweb_line_count"][0].as_py() == sum(bool(line.strip()) for line in HOSTILE[name].split("\n"))
    assert columns["fineweb_line_count"][1].as_py() == 2
