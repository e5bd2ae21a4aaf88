"""Gopher's repetition rules: the numbers of the plain reference, the rules of the paper."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from filters.batch import batch_of
from filters.gopher_repetition import RULES, GopherRepetition
from filters.signals import SIGNALS
from tests.filters.kernels.texts import batches
from tests.filters.references.repetition import measure_repetition

PROSE = (
    "The mill stands by the river below the weir. Those who bring their corn wait until the wind has turned, and talk "
    "about the harvest, their children, and what bread costs in town."
)


def rules_of(stage: GopherRepetition, *texts: str) -> list[str | None]:
    outcome = stage(batch_of(list(texts)))
    assert outcome.rule is not None
    rules: list[str | None] = outcome.rule.to_pylist()
    return rules


@given(batches)
def test_the_signals_are_those_of_the_plain_reference(values: list[str]) -> None:
    measured = GopherRepetition().measure(batch_of(values))
    expected = [measure_repetition(text) for text in values]
    for name in GopherRepetition.measured:
        assert measured[name].to_pylist() == [float(np.float32(row[name])) for row in expected], name


def test_every_signal_is_in_the_catalogue_and_has_its_type() -> None:
    measured = GopherRepetition().measure(batch_of([PROSE]))
    assert tuple(measured) == GopherRepetition.measured
    assert all(SIGNALS[name].dtype == values.type for name, values in measured.items())


def test_prose_passes_and_so_do_empty_and_blank_texts() -> None:
    assert rules_of(GopherRepetition(), PROSE, "", "  \n\n ") == [None, None, None]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"{PROSE}\n\n{PROSE}\n\n{PROSE}", "max_dup_para_frac"),
        (f"{PROSE}\nshort\nshort\nshort", "max_dup_line_frac"),
        ("buy now " * 20, "max_top_2gram_char_frac"),
        (f"{PROSE} {PROSE}", "max_dup_5gram_char_frac"),
    ],
)
def test_the_rule_of_the_paper_is_named(text: str, rule: str) -> None:
    assert rules_of(GopherRepetition(), text) == [rule]


@pytest.mark.parametrize(("option", "signal"), RULES)
def test_a_number_on_its_bound_passes_and_one_above_falls(option: str, signal: str) -> None:
    off = dict.fromkeys((name for name, _ in RULES), None)
    text = f"{PROSE}\n\n{PROSE}"
    value = GopherRepetition().measure(batch_of([text]))[signal][0].as_py()
    assert value > 0
    assert rules_of(GopherRepetition(**{**off, option: value}), text) == [None]
    strict = GopherRepetition(**{**off, option: 0})
    assert rules_of(strict, text) == [option]
    assert strict.judge(strict.measure(batch_of([text]))).value.to_pylist() == [value]


def test_a_bound_of_zero_is_a_bound() -> None:
    strict = GopherRepetition(max_dup_5gram_char_frac=0)
    assert rules_of(strict, f"{PROSE} {PROSE}") == ["max_dup_5gram_char_frac"]


def test_words_of_uax29_do_not_see_punctuation() -> None:
    text = "one, two three four five. " * 2
    shares = [
        GopherRepetition(words=words).measure(batch_of([text]))["top_2gram_char_frac"][0].as_py()
        for words in ("whitespace", "uax29")
    ]
    assert shares == [pytest.approx(np.float32(16 / 52)), pytest.approx(np.float32(14 / 52))]
    assert pa.types.is_float32(SIGNALS["top_2gram_char_frac"].dtype)
