import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from filters.batch import batch_of, measuring_options
from filters.gopher import RULES, STOP_WORDS, GopherQuality
from filters.signals import SIGNALS
from filters.words import words
from tests.filters.references.gopher import measure_text

PASSING = " ".join(["the people that live here"] * 10)


def test_every_signal_has_the_type_of_the_catalogue_and_no_null() -> None:
    columns = GopherQuality().measure(batch_of(["", "\n", PASSING]))
    assert tuple(columns) == GopherQuality.measured
    assert all(column.type == SIGNALS[name].dtype and column.null_count == 0 for name, column in columns.items())


def test_a_batch_without_documents_gives_empty_columns() -> None:
    outcome = GopherQuality()(batch_of([]))
    assert outcome.rule is not None
    assert len(outcome.rule) == 0
    assert all(len(column) == 0 for column in outcome.columns.values())


def test_every_judging_option_is_one_rule_and_bounds_the_signal_in_its_name() -> None:
    judging = set(GopherQuality.model_fields) - set(measuring_options(GopherQuality()))
    assert [name for name, _, _ in RULES] == [name for name in GopherQuality.model_fields if name in judging]
    assert all(name == f"{bound}_{signal}" for name, signal, bound in RULES)


def test_thresholds_take_no_part_in_the_identity_of_the_signals() -> None:
    assert measuring_options(GopherQuality(min_word_count=7)) == measuring_options(GopherQuality())
    assert measuring_options(GopherQuality(stop_words=("und",))) != measuring_options(GopherQuality())


def test_other_stop_words_can_be_asked_for() -> None:
    german = GopherQuality(stop_words=("der", "und"), min_word_count=None)
    assert german(batch_of(["der Hund und die Katze"])).columns["stop_word_count"].to_pylist() == [2]


def test_a_rule_that_is_none_is_off_and_one_that_is_zero_is_not() -> None:
    assert GopherQuality(min_word_count=None)(batch_of([""])).rule == pa.array(["min_mean_word_length"])
    hashes = batch_of([PASSING + " #"])
    assert GopherQuality(max_symbol_to_word_ratio=0)(hashes).rule == pa.array(["max_symbol_to_word_ratio"])


@pytest.mark.parametrize("option", ["min_word_count", "max_frac_bullet_lines"])
def test_a_negative_threshold_is_refused(option: str) -> None:
    with pytest.raises(ValidationError):
        GopherQuality(**{option: -1})


def test_a_hundred_thousand_words_pass_and_one_more_does_not() -> None:
    text = "the people that live " * 25_000
    assert GopherQuality()(batch_of([text, text + "here"])).rule.to_pylist() == [None, "max_word_count"]  # type: ignore[union-attr]


@given(st.lists(st.text() | st.text("the with # ...\u2026\u2022-\n\r ")))
def test_any_texts_get_one_verdict_each_that_follows_from_their_stored_signals(texts: list[str]) -> None:
    stage = GopherQuality()
    outcome = stage(batch_of(texts))
    again = stage.judge(outcome.columns)
    assert (outcome.rule, outcome.value) == (again.rule, again.value)
    assert stage(batch_of(texts)) == outcome
    assert len(again.rule) == len(texts)


@given(st.text() | st.text("the with # ...\u2026\u2022-\n\r "))
def test_fractions_lie_between_zero_and_one_and_counts_below_those_of_words(text: str) -> None:
    measured = measure_text(text, frozenset(STOP_WORDS))
    assert measured["word_count"] == len(words(text)) >= measured["stop_word_count"]
    assert all(0 <= measured[name] <= 1 for name in GopherQuality.measured if name.startswith("frac_"))
    assert (measured["mean_word_length"] >= 1) == (measured["word_count"] > 0)


@pytest.mark.parametrize(
    "text", ["x" * 5_000_000, "\n" * 1_000_000, "a" + "\u0301" * 1_000_000, "...\u2026#" * 500_000]
)
def test_a_hostile_text_is_measured(text: str) -> None:
    assert GopherQuality()(batch_of([text])).rule == pa.array(["min_word_count"])
