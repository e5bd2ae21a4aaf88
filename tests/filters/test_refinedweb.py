"""RefinedWeb's corrections: each by an example, and the plain reference."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import batch_of
from filters.refinedweb import RefinedWebLines
from filters.signals import SIGNALS
from tests.filters.line_texts import HOSTILE, line_batches
from tests.filters.references.refinedweb import corrected

LONG = "a line of prose that has more than ten words, so that no phrase is cut from it at all"

stages = st.builds(
    RefinedWebLines,
    max_frac_uppercase=st.sampled_from([None, 0, 0.5, 1]),
    drop_digits=st.booleans(),
    drop_counters=st.booleans(),
    min_words_per_line=st.sampled_from([None, 0, 2, 3]),
    max_words_to_edit=st.sampled_from([None, 0, 2, 10]),
    literal_dots=st.booleans(),
)


def left_of(text: str, **options: Any) -> str:  # noqa: ANN401 - any option
    answer: str = RefinedWebLines(**options).edit(batch_of([text]))[0].as_py()
    return answer


def verdict_of(text: str, **options: Any) -> tuple[str | None, float | None]:  # noqa: ANN401 - any option
    outcome = RefinedWebLines(**options)(batch_of([text]))
    assert outcome.rule is not None
    assert outcome.value is not None
    return outcome.rule[0].as_py(), outcome.value[0].as_py()


@given(stages, line_batches)
def test_signals_and_text_are_those_of_the_plain_steps(stage: RefinedWebLines, values: list[str]) -> None:
    batch = batch_of(values)
    columns, edited = stage.measure(batch), stage.edit(batch)
    for number, text in enumerate(values):
        expected, left = corrected(stage, text)
        expected["refinedweb_frac_words_removed"] = float(np.float32(expected["refinedweb_frac_words_removed"]))
        assert edited[number].as_py() == left
        assert {name: column[number].as_py() for name, column in columns.items()} == expected
    assert {name: column.type for name, column in columns.items()} == {name: SIGNALS[name].dtype for name in columns}


@pytest.mark.parametrize("words", ["whitespace", "uax29"])
@given(values=line_batches)
def test_other_words_change_nothing_but_what_counts_as_lost(words: str, values: list[str]) -> None:
    ours = RefinedWebLines.model_validate({"words": words})
    first, second = ours.measure(batch_of(values)), RefinedWebLines().measure(batch_of(values))
    assert all(first[name] == second[name] for name in first if name.endswith("_lines"))
    assert ours.edit(batch_of(values)) == RefinedWebLines().edit(batch_of(values))


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("two words", "two words"),
        ("MOSTLY UPPER case", ""),
        ("HALF upper", "HALF upper"),
        ("12345", ""),
        ("\u0661\u0662", ""),
        ("12 345", "12 345"),
        ("3 likes", ""),
        ("* 1.2K Views *", ""),
        ("3 likes it", "3 likes it"),
        ("word", ""),
        ("two items in cart", "two"),
        ("items in cart", ""),
        ("see it here Read more...", "see it here"),
        ("see it here Read more >>", "see it here"),
        ("Read more... see it here", "Read more... see it here"),
        ("Sign-in to go on", "to go on"),
        ("please Sign-in", "please Sign-in"),
        (f"Sign-in {LONG} items in cart", f"Sign-in {LONG} items in cart"),
    ],
)
def test_each_step_by_an_example(line: str, left: str) -> None:
    assert left_of(f"{LONG}\n{line}\n{LONG}") == (f"{LONG}\n{left}\n{LONG}" if left else f"{LONG}\n{LONG}")


def test_the_dots_of_read_more_may_have_to_be_dots() -> None:
    assert left_of("see it here Read more >>", literal_dots=True) == "see it here Read more >>"
    assert left_of("see it here Read more...", literal_dots=True) == "see it here"


def test_empty_lines_stand_and_the_text_is_stripped_after_each_step() -> None:
    assert left_of(f"  \n{LONG}\n\n{LONG}\n \n") == f"{LONG}\n\n{LONG}"
    assert left_of(f"  12\n{LONG}") == LONG


def test_a_document_that_loses_more_than_a_twentieth_of_its_words_falls() -> None:
    kept = "\n".join(["five words of plain prose"] * 19)
    assert verdict_of(f"{kept}\nFIVE WORDS THAT ARE SHOUTED") == (None, None)
    rule, value = verdict_of(f"{kept}\nSIX WORDS THAT ARE ALL SHOUTED")
    assert rule == "max_frac_words_removed"
    assert value == pytest.approx(6 / 101)


def test_thresholds_of_zero_are_thresholds() -> None:
    assert left_of("One capital letter\nand none here", max_frac_uppercase=0) == "and none here"
    assert verdict_of("two words\nword", max_frac_words_removed=0)[0] == "max_frac_words_removed"
    assert verdict_of("two words\ntwo words", max_frac_words_removed=0)[0] is None


@pytest.mark.parametrize("text", ["", " \n\t", "!!! ???", "\ufeff"])
def test_a_document_without_words_has_lost_them_all(text: str) -> None:
    assert verdict_of(text) == ("max_frac_words_removed", 1.0)


def test_cuts_in_one_document_move_no_other() -> None:
    values = [f"{LONG}\nbuy 3 items in cart", f"{LONG} one", f"items in cart\n{LONG}", ""]
    assert RefinedWebLines().edit(batch_of(values)).to_pylist() == [f"{LONG}\nbuy 3", f"{LONG} one", LONG, ""]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_read_once(name: str) -> None:
    batch = batch_of([HOSTILE[name], LONG])
    assert RefinedWebLines().edit(batch)[1].as_py() == LONG
    assert RefinedWebLines().measure(batch)["refinedweb_frac_words_removed"][1].as_py() == 0
