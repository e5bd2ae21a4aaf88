"""Personal data: what the stage counts, masks and drops, beside the published expressions in plain Python."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import Batch, batch_of, measuring_options
from filters.pii import FINEWEB_MASKS, MEASURED, Pii, PiiStyle
from filters.pii_spans import KINDS, find_spans
from filters.signals import SIGNALS
from tests.filters.references import pii as reference
from tests.filters.references.pii import MASKS

REFERENCES: dict[PiiStyle, Callable[[str], list[reference.Span]]] = {
    "dolma": reference.dolma,
    "dolma_v1": reference.dolma_v1,
    "fineweb": reference.fineweb,
}

CROWDED = st.text("ab@@@.., \n(?)\u00e9\u00a0-[]:_15\x1c", max_size=60)
"""Texts made of what e-mail addresses are made of."""

DIGITS = ["1", "25", "255", "256", "09", "123", "4567", "\u0663", "1.2.3.4", " 123-456-7890"]
BETWEEN = [".", ".", " ", "(", ")", "-", "\n", "@a", "#", "doi", "isbn", "\u00e9" * 97, "x"]
NUMBERED = st.lists(st.sampled_from(DIGITS + BETWEEN), max_size=30).map("".join)
"""Texts made of what phone numbers and addresses are made of."""

EXAMPLE = "Write to foo@bar.com or call (555) 123-4567; 8.8.8.8 is up, 10.0.0.1 is mine."


def spans_of(text: str, style: PiiStyle) -> list[reference.Span]:
    """Return what the kernels find, in characters, sorted."""
    scans = batch_of([text]).scans
    found = find_spans(scans, style, KINDS, public_only=False, among=np.ones(1, np.bool_))
    places = [len(bytes(scans.data[:at]).decode()) for at in (*found.start, *found.end)]
    count = len(found.start)
    return sorted(zip(places[:count], places[count:], [KINDS[kind] for kind in found.kind], strict=True))


@given(st.text() | CROWDED | NUMBERED)
def test_the_spans_are_those_of_the_published_expressions(text: str) -> None:
    for style, find in REFERENCES.items():
        assert spans_of(text, style) == sorted(find(text)), style


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        (",@. x@y.com ", [(0, 12)]),
        ("((@foo.com ", []),
        ("(a@b.com) ", [(0, 10)]),
        ("a@b.c", []),
        ("a@@b.com ", []),
        ("x@y.com.\n", [(0, 9)]),
    ],
)
def test_an_address_takes_the_marks_around_it_along_as_dolmas_does(text: str, spans: list[tuple[int, int]]) -> None:
    assert [span[:2] for span in spans_of(text, "dolma")] == spans == [span[:2] for span in reference.dolma(text)]


def test_dolma_masks_with_its_own_words() -> None:
    outcome = Pii()(batch_of([EXAMPLE]))
    assert outcome.text is not None
    assert outcome.text.to_pylist() == [
        EXAMPLE.replace(" foo@bar.com ", MASKS["email"])
        .replace(" (555) 123-4567", MASKS["phone_number"])
        .replace("8.8.8.8", MASKS["ip_address"])
        .replace("10.0.0.1", MASKS["ip_address"])
    ]
    assert {name: column.to_pylist() for name, column in outcome.columns.items()} == {
        "pii_emails": [1],
        "pii_phone_numbers": [1],
        "pii_ip_addresses": [2],
        "pii_spans": [4],
    }


def test_fineweb_masks_with_example_values_in_turn_from_the_first_in_each_document() -> None:
    text = "a@b.com c@d.org e@f.net 8.8.8.8 10.0.0.1 9.9.9.9"
    first, second = FINEWEB_MASKS[0]
    one, two, *_ = FINEWEB_MASKS[2]
    outcome = Pii(style="fineweb")(batch_of([text, text]))
    assert outcome.text is not None
    assert outcome.text.to_pylist() == [f"{first} {second} {first} {one} 10.0.0.1 {two}"] * 2


@given(st.lists(CROWDED | NUMBERED))
def test_masked_texts_are_those_of_dolmas_mixer(texts: list[str]) -> None:
    outcome = Pii(max_spans=None)(batch_of(texts))
    assert outcome.text is not None
    assert outcome.text.to_pylist() == [reference.masked(text, reference.dolma(text)) for text in texts]


@given(st.lists(st.text() | CROWDED | NUMBERED))
def test_any_texts_get_one_verdict_each_that_follows_from_their_stored_signals(texts: list[str]) -> None:
    for style in REFERENCES:
        stage = Pii(style=style)
        outcome = stage(batch_of(texts))
        assert stage.judge(outcome.columns).rule == outcome.rule
        assert stage(batch_of(texts)) == outcome
        assert outcome.columns["pii_spans"].to_pylist() == [
            sum(counts) for counts in zip(*[outcome.columns[name].to_pylist() for name in MEASURED[:3]], strict=True)
        ]


def test_five_spans_are_masked_and_six_drop_the_document() -> None:
    texts = ["1.2.3.4 " * count for count in (5, 6)]
    outcome = Pii()(batch_of(texts))
    assert outcome.rule is not None
    assert outcome.rule.to_pylist() == [None, "max_spans"]
    assert outcome.value == pa.array([None, 6.0])


def test_a_bound_of_zero_lets_only_clean_documents_pass_and_none_lets_all() -> None:
    batch = batch_of(["", EXAMPLE])
    for bound, rules in ((0, [None, "max_spans"]), (None, [None, None])):
        outcome = Pii(max_spans=bound)(batch)
        assert outcome.rule is not None
        assert outcome.rule.to_pylist() == rules


def test_only_the_kinds_that_are_asked_for_are_counted_and_masked() -> None:
    outcome = Pii(kinds=("email",))(batch_of([EXAMPLE]))
    assert [outcome.columns[name].to_pylist() for name in MEASURED] == [[1], [0], [0], [1]]
    assert outcome.text == pa.array([EXAMPLE.replace(" foo@bar.com ", " |||EMAIL_ADDRESS||| ")], pa.large_string())


def test_addresses_that_nobody_else_can_reach_may_be_left_alone() -> None:
    outcome = Pii(public_only=True, kinds=("ip_address",))(batch_of([EXAMPLE, "010.1.1.1"]))
    assert outcome.columns["pii_ip_addresses"].to_pylist() == [1, 0]


@given(
    st.lists(st.integers(0, 2**32 - 1), max_size=20),
    st.sampled_from([0, 0x0A000000, 0xC0A80000, 0xE0000000, 0xC6120000]),
)
def test_an_address_is_public_where_python_says_so(numbers: list[int], block: int) -> None:
    values = [value for number in numbers for value in (number, block | number >> 12) if value >> 8 != 0xC00000]
    names = [".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0)) for value in values]
    counted = Pii(public_only=True, kinds=("ip_address",)).measure(batch_of(names))["pii_ip_addresses"]
    assert counted.to_pylist() == [int(reference.is_public(name)) for name in names]


def test_without_masks_the_text_stays_as_it_is() -> None:
    outcome = Pii(mask=False)(batch_of([EXAMPLE]))
    assert outcome.text == pa.array([EXAMPLE], pa.large_string())
    assert outcome.columns["pii_spans"].to_pylist() == [4]


def test_documents_in_which_nothing_was_counted_are_not_searched_again() -> None:
    batch = batch_of([EXAMPLE, EXAMPLE])
    known = Batch(batch.documents, {"pii_spans": pa.array([0, 4])})
    masked = Pii().edit(known).to_pylist()
    assert masked[0] == EXAMPLE
    assert masked[1] != EXAMPLE


def test_every_signal_has_the_type_of_the_catalogue_and_no_null() -> None:
    columns = Pii().measure(batch_of(["", "\n", EXAMPLE]))
    assert tuple(columns) == MEASURED
    assert all(column.type == SIGNALS[name].dtype and column.null_count == 0 for name, column in columns.items())


def test_a_batch_without_documents_gives_empty_columns() -> None:
    outcome = Pii()(batch_of([]))
    assert outcome.text is not None
    assert len(outcome.text) == 0
    assert all(len(column) == 0 for column in outcome.columns.values())


def test_a_slice_of_documents_is_masked_like_the_documents_themselves() -> None:
    whole = batch_of(["x", EXAMPLE, "1.2.3.4", "y"])
    part = Batch(whole.documents.slice(1, 2))
    assert Pii().edit(part).to_pylist() == Pii().edit(whole).to_pylist()[1:3]


def test_a_text_with_more_than_ten_thousand_question_marks_is_passed_over_as_dolma_does() -> None:
    texts = ["1.2.3.4 " + "?" * count for count in (10_000, 10_001)]
    for style, counts in (("dolma", [1, 0]), ("dolma_v1", [1, 1])):
        columns = Pii(style=style).measure(batch_of(texts))
        assert columns["pii_ip_addresses"].to_pylist() == counts


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1" * 50_000_000, 0),
        ("@" * 1_000_000, 0),
        ("a@" * 1_000_000, 0),
        ("a" * 20_000_000 + "@b.com ", 1),
        (",@." * 1_000_000 + " x@y.com ", 1),
        (" " * 5_000_000 + "123" + " " * 5_000_000 + "4567890", 1),
        ("1.2.3." * 1_000_000, 750_000),
        ("\n" * 1_000_000 + "a" + "\u0301" * 1_000_000, 0),
    ],
)
def test_a_hostile_text_takes_time_that_grows_with_its_length(text: str, count: int) -> None:
    measured: dict[str, Any] = dict(Pii().measure(batch_of([text])))
    assert measured["pii_spans"].to_pylist() == [count]


def test_thresholds_are_no_part_of_what_is_measured_and_kinds_and_style_are() -> None:
    assert measuring_options(Pii(max_spans=0)) == measuring_options(Pii())
    assert measuring_options(Pii(style="fineweb")) != measuring_options(Pii())
    assert measuring_options(Pii(kinds=("email",))) != measuring_options(Pii())
