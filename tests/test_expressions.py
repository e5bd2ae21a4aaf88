"""The language of `where`, against a plain reference that looks at one document at a time."""

import math
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.expressions import Expression, ExpressionError, check, evaluate, parse
from pipelines.expressions.nodes import Node
from tests.expression_reference import CONDITIONS, ROWS, TYPES, arrays_of, holds, names_in, written


def passes(text: str, **columns: pa.Array) -> list[bool]:
    answer: list[bool] = evaluate(parse(text), columns).to_pylist()
    return answer


def f32(*values: float | None) -> pa.Array:
    return pa.array(values, pa.float32())


@settings(max_examples=500, deadline=None)
@given(CONDITIONS.filter(names_in), st.lists(ROWS, min_size=1, max_size=5))
def test_any_expression_passes_the_documents_that_a_plain_reading_passes(
    node: Node, rows: list[dict[str, Any]]
) -> None:
    expected = [holds(node, row) is True for row in rows]
    assert evaluate(parse(written(node)), arrays_of(rows)).to_pylist() == expected


@given(CONDITIONS.filter(names_in))
def test_what_is_written_out_is_read_back_the_same(node: Node) -> None:
    expression = parse(written(node))
    assert expression.root == node
    assert set(expression.names) == names_in(node)


def refusal_of(text: str, types: Mapping[str, pa.DataType]) -> ExpressionError | None:
    try:
        check(parse(text), types)
    except ExpressionError as error:
        return error
    return None


@given(st.text(max_size=40))
def test_any_text_is_an_expression_or_an_error_with_a_place_in_it(text: str) -> None:
    error = refusal_of(text, TYPES)
    assert error is None or (0 <= error.at <= len(text) and "^" in str(error))


WORDS = [
    *"()+-*/,<>=!'",
    "and",
    "or",
    "not",
    "between",
    "in",
    "is",
    "null",
    "true",
    "words",
    "url",
    "adult",
    "5",
    "0.2",
]
WORDS += ["'a'", "ratio", "nothing", "<=", "==", "!=", " "]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), st.lists(ROWS, max_size=2))
def test_any_words_evaluate_or_are_refused_and_nothing_else(text: str, rows: list[dict[str, Any]]) -> None:
    error = refusal_of(text, TYPES)
    assert error is not None or len(evaluate(parse(text), arrays_of(rows))) == len(rows)
    assert error is None or 0 <= error.at <= len(text)


# --- examples ------------------------------------------------------------------------------------------------------


def test_a_ratio_of_exactly_one_fifth_is_not_above_one_fifth() -> None:
    assert passes("ratio > 0.2", ratio=f32(0.2, 0.21)) == [False, True]
    assert passes("ratio <= 0.2 and ratio >= 0.2 and ratio == 0.2 and ratio in (0.2)", ratio=f32(0.2)) == [True]
    assert passes("ratio between 0.2 and 0.2", ratio=f32(0.2)) == [True]


def test_a_ratio_in_float64_is_compared_in_float64() -> None:
    assert passes("ratio > 0.2", ratio=pa.array([float(np.float32(0.2))])) == [True]


def test_constants_in_a_sum_take_the_type_of_the_column() -> None:
    assert passes("ratio * 0.1 == 0.02", ratio=f32(0.2)) == [
        bool(np.float32(0.2) * np.float32(0.1) == np.float32(0.02))
    ]
    assert passes("ratio == 1 / 5", ratio=f32(0.2)) == [True]


def test_a_threshold_of_zero_counts() -> None:
    words = pa.array([0, 1, -1, None])
    assert passes("words > 0", words=words) == [False, True, False, False]
    assert passes("words == 0", words=words) == [True, False, False, False]
    assert passes("words != 0", words=words) == [False, True, True, False]
    assert passes("ratio == 0 and ratio == -0.0", ratio=f32(0.0, -0.0, 1e-45)) == [True, True, False]


def test_null_never_passes_and_neither_does_its_opposite() -> None:
    words = pa.array([None, 5])
    assert passes("words < 10", words=words) == [False, True]
    assert passes("not (words < 10)", words=words) == [False, False]
    assert passes("words not in (1, 2)", words=words) == [False, True]
    assert passes("words is null", words=words) == [True, False]
    assert passes("words is not null", words=words) == [False, True]


def test_null_does_not_decide_where_the_other_side_does() -> None:
    words, url = pa.array([None, None]), pa.array(["a", "b"])
    assert passes("words > 1 or url == 'a'", words=words, url=url) == [True, False]
    assert passes("not (words > 1 and url == 'a')", words=words, url=url) == [False, True]


def test_nan_counts_as_null() -> None:
    score = pa.array([math.nan, 1.0])
    assert passes("score != 3", score=score) == [False, True]
    assert passes("score is null", score=score) == [True, False]


def test_a_quotient_by_zero_is_null() -> None:
    words = pa.array([0, 2])
    assert passes("10 / words > 1", words=words) == [False, True]
    assert passes("(10 / words) is null", words=words) == [True, False]
    assert passes("(words / 0) is null", words=words) == [True, True]


def test_large_integers_are_compared_as_integers() -> None:
    words = pa.array([2**53, 2**53 + 1])
    assert passes(f"words == {2**53 + 1}", words=words) == [False, True]
    assert passes(f"words > -{2**70}", words=words) == [True, True]
    assert passes("words > 10000000000000000000000000", words=words) == [False, False]


def test_sums_of_large_integers_do_not_wrap_around() -> None:
    assert passes("words + words > 0", words=pa.array([2**62 + 2**61])) == [True]


def test_unsigned_integers_are_compared_whole() -> None:
    keys = pa.array([2**64 - 1, 0], pa.uint64())
    assert passes(f"keys == {2**64 - 1}", keys=keys) == [True, False]
    assert passes("keys > -1", keys=keys) == [True, True]


def test_multiplication_comes_before_addition_and_comparison_before_not() -> None:
    one = pa.array([1])
    assert passes("x + 2 * 3 == 7", x=one) == [True]
    assert passes("(x + 2) * 3 == 9", x=one) == [True]
    assert passes("10 - 4 - x == 5", x=one) == [True]
    assert passes("not x == 2", x=one) == [True]
    assert passes("x == 2 or x == 1 and x == 1", x=one) == [True]
    assert passes("-x == -1 and - -x == 1", x=one) == [True]


def test_strings_take_either_quotation_mark() -> None:
    url = pa.array(["it's", 'a "b"', "c\\d"])
    assert passes("url == 'it''s' or url == \"it's\" or url == 'it\\'s'", url=url) == [True, False, False]
    assert passes('url in ("a ""b""", \'c\\\\d\')', url=url) == [False, True, True]


def test_strings_are_ordered_by_code_point() -> None:
    assert passes("url < 'b'", url=pa.array(["a", "b", "Z", "\u00e4"])) == [True, False, True, False]


def test_dictionaries_and_large_strings_are_strings() -> None:
    source = pa.array(["web", "pile", None]).dictionary_encode()
    assert passes("source == 'web'", source=source) == [True, False, False]
    assert passes("source == 'web'", source=source.dictionary_decode().cast(pa.large_string())) == [True, False, False]


def test_dates_are_compared_with_iso_dates_in_utc() -> None:
    date = pa.array([0, 1_590_000_000_000_000, None], pa.timestamp("us", tz="UTC"))
    assert passes("date >= '2020-05-20'", date=date) == [False, True, False]
    assert passes("date between '1970-01-01' and '1970-01-01T01:00:00+01:00'", date=date) == [True, False, False]
    assert passes("date in ('1970-01-01')", date=date.cast(pa.timestamp("s"))) == [True, False, False]
    assert passes("date < '1900-01-01'", date=pa.array([-30_000], pa.date32())) == [True]


def test_names_may_stand_in_backquotes_and_name_an_editor() -> None:
    columns = {"in": pa.array([1]), "word_count@normalize@c4": pa.array([2])}
    expression = parse("`in` == 1 and word_count@normalize@c4 == 2")
    assert expression.names == ("in", "word_count@normalize@c4")
    assert evaluate(expression, columns).to_pylist() == [True]


def test_keywords_may_be_capitals() -> None:
    assert passes("x > 0 AND NOT x IS NULL", x=pa.array([1])) == [True]


def test_conditions_can_be_columns() -> None:
    adult = pa.array([True, False, None])
    assert passes("not adult", adult=adult) == [False, True, False]
    assert passes("adult == false", adult=adult) == [False, True, False]


def test_an_empty_batch_gives_an_empty_answer() -> None:
    assert passes("x > 0 and url == 'a'", x=pa.array([], pa.int64()), url=pa.array([], pa.string())) == []


def test_a_slice_of_an_array_is_read_from_its_own_beginning() -> None:
    assert passes("x > 2", x=pa.array([5, 1, None, 3]).slice(1)) == [False, False, True]


def test_names_are_those_of_the_whole_expression_sorted() -> None:
    assert parse("b > 1 or not (a + c < 2) and b is null").names == ("a", "b", "c")


def test_an_expression_can_be_pickled_and_is_equal_where_it_says_the_same() -> None:
    expression = parse("x   > 1 and y in ('a')")
    assert pickle.loads(pickle.dumps(expression)) == expression == parse("(x > 1) and (y in ('a'))")  # noqa: S301 - our own bytes
    assert hash(expression) == hash(parse("x > 1 and y in ('a')"))


def test_an_error_can_be_pickled() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("x >")
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (str(copy), copy.at) == (str(caught.value), caught.value.at)


def test_chains_may_be_long() -> None:
    text = " and ".join(["x + 1 > 0"] * 3000) + " and x" + " + 1" * 3000 + " > 0"
    assert passes(text, x=pa.array([1, -5000])) == [True, False]


@pytest.mark.parametrize("part", ["(", "not ", "- "])
def test_nesting_has_an_end_that_is_no_crash(part: str) -> None:
    with pytest.raises(ExpressionError, match="nested more than"):
        parse(part * 5000 + "x > 0")


REFUSED = [
    ("", 0, "expected a column"),
    ("   ", 3, "found the end"),
    ("x >", 3, "found the end"),
    ("x > > 1", 4, "expected a column, a number or a string, found `>`"),
    ("x = 1", 2, "write =="),
    ("x <> 1", 2, "write !="),
    ("x > 1 && x < 3", 6, "write `and`"),
    ("x > 1 || x < 3", 6, "write `or`"),
    ("!(x > 1)", 0, "write `not`"),
    ("x ** 2 > 1", 2, "no powers"),
    ("x in [1, 2]", 5, "parentheses"),
    ("x in 1", 5, "expected `(`"),
    ("x in ()", 6, "expected a number or a string"),
    ("x in (1,)", 8, "expected a number or a string"),
    ("x in (1 2)", 8, "expected `)`"),
    ("x in (-'a')", 7, "only a number has a sign"),
    ("x in (y)", 6, "expected a number or a string in the list"),
    ("x between 1", 11, "expected `and`"),
    ("x between 1 or 2", 12, "expected `and`"),
    ("x not 1", 6, "expected `in`"),
    ("x is 1", 5, "expected `null`"),
    ("x is not 1", 9, "expected `null`"),
    ("x == null", 5, "is null"),
    ("1 < x < 3", 6, "do not chain"),
    ("(x > 1", 6, "expected `)`"),
    ("x > 1)", 5, "expected an operator"),
    ("x > 1 y", 6, "expected an operator"),
    ("x > 10k", 6, "a number ends before 'k'"),
    ("x > 1.2.3", 7, "a number ends before '.'"),
    ("x > 1e999", 4, "too large"),
    ("x > -1e999", 5, "too large"),
    ("x == 'a", 5, "never closed"),
    ("`x > 1", 0, "never closed"),
    ("x > $1", 4, "'$' has no meaning"),
    ("x > \u0663", 4, "has no meaning"),
    ("__import__('os')", 0, "no function is called"),
    ("1 < 2", 0, "names no column"),
]


@pytest.mark.parametrize(("text", "at", "problem"), REFUSED)
def test_a_mistake_is_shown_with_a_caret_below_it(text: str, at: int, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.at, problem in caught.value.problem) == (at, True), str(caught.value)
    _, shown, caret = str(caught.value).split("\n")
    assert shown == f"    {text}"
    assert caret.index("^") == at + 4


def test_the_caret_stays_in_sight_in_a_long_expression() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("x > 1 and " * 50 + "x >> 1" + " and x > 1" * 50)
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) < 80
    assert shown[caret.index("^") - 1 : caret.index("^") + 1] == ">>"


MISMATCHED = [
    ("missing > 1", 0, "no column is called 'missing'"),
    ("words", 0, "this is a number, not a condition"),
    ("words + 1", 0, "this is a number, not a condition"),
    ("words > 'a'", 8, "a number cannot be compared with a string"),
    ("url > 5", 6, "a string cannot be compared with a number"),
    ("url in ('a', 5)", 13, "a string cannot be compared with a number"),
    ("url + 1 > 2", 0, "expected a number, and this is a string"),
    ("-url == 'a'", 1, "expected a number, and this is a string"),
    ("not words", 4, "expected a condition, and this is a number"),
    ("words and adult", 0, "expected a condition"),
    ("adult > false", 6, "no order"),
    ("adult between false and true", 6, "no order"),
    ("adult == 1", 9, "true or false cannot be compared with a number"),
    ("date > 'yesterday'", 7, "is no date"),
    ("date > 5", 7, "a date cannot be compared with a number"),
    ("date > url", 7, "a date cannot be compared with a string"),
    ("tags == 'a'", 0, "cannot be judged"),
    ("(words > 1) > 5", 14, "true or false cannot be compared with a number"),
]


@pytest.mark.parametrize(("text", "at", "problem"), MISMATCHED)
def test_what_does_not_go_together_is_refused_before_any_document(text: str, at: int, problem: str) -> None:
    types = {**TYPES, "date": pa.timestamp("us", tz="UTC"), "tags": pa.list_(pa.string())}
    with pytest.raises(ExpressionError) as caught:
        check(parse(text), types)
    assert (caught.value.at, problem in caught.value.problem) == (at, True), str(caught.value)


def test_a_missing_column_is_refused_by_evaluate_too() -> None:
    with pytest.raises(ExpressionError, match="no column is called 'y'"):
        evaluate(parse("x > 1 and y > 1"), {"x": pa.array([1])})


def test_an_expression_reads_as_it_was_written() -> None:
    assert str(parse(" x  > 1")) == " x  > 1"
    assert isinstance(parse("x > 1"), Expression)


LISTS = {
    "lines": pa.array([[0.5, 0.1, 0.2], [], None, [None, float("nan"), 0.7], [0.2, 0.2]], pa.list_(pa.float32())),
    "spans": pa.array([[3, -1], [2**62, 2**62 - 1], [], None, [7]], pa.large_list(pa.int64())),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max(lines) > 0.2", [True, False, False, True, False]),
        ("min(lines) >= 0.2", [False, False, False, True, True]),
        ("mean(lines) == 0.2", [False, False, False, False, True]),
        ("sum(lines) == 0", [False, True, False, False, False]),
        ("mean(lines) is null", [False, True, True, False, False]),
        ("lines is null", [False, False, True, False, False]),
        ("lines is not null and sum(lines) * 2 > 1", [True, False, False, True, False]),
        ("sum(spans) == 9223372036854775807", [False, True, False, False, False]),
        ("mean(spans) between 1 and 7", [True, False, False, False, True]),
        ("min(spans) in (-1, 7)", [True, False, False, False, True]),
        ("-max(spans) == -3", [True, False, False, False, False]),
    ],
)
def test_of_a_list_one_asks_for_a_number(text: str, expected: list[bool]) -> None:
    assert passes(text, **LISTS) == expected


def test_a_slice_of_lists_is_read_where_it_begins() -> None:
    assert passes("sum(lines) > 0.6", lines=LISTS["lines"].slice(3)) == [True, False]
    assert passes("max(lines) > 0", lines=LISTS["lines"].slice(0, 0)) == []


@pytest.mark.parametrize(
    ("text", "at", "problem"),
    [
        ("lines > 0.2", 0, "mean(lines), min(lines), max(lines), sum(lines)"),
        ("1 == lines", 5, "mean(lines)"),
        ("lines in (1, 2)", 0, "mean(lines)"),
        ("lines between 1 and 2", 0, "mean(lines)"),
        ("lines + 1 > 2", 0, "mean(lines)"),
        ("lines", 0, "a list of numbers"),
        ("not lines", 4, "mean(lines)"),
        ("median(lines) > 1", 0, "there are mean, min, max, sum"),
        ("mean() > 1", 5, "expected a column"),
        ("mean(lines > 1", 11, "expected `)`"),
        ("mean(words) > 1", 5, "expected a list of numbers"),
        ("sum(words, lines) > 1", 9, "expected `)`"),
    ],
)
def test_a_list_is_no_number(text: str, at: int, problem: str) -> None:
    error: ExpressionError | None = None
    try:
        check(parse(text), {**TYPES, "lines": pa.list_(pa.float32())})
    except ExpressionError as caught:
        error = caught
    assert error is not None
    assert error.at == at
    assert problem in error.problem


def test_a_column_may_be_called_like_a_function() -> None:
    assert passes("mean > 1 and sum(max) > 1", mean=f32(2, 2), max=LISTS["lines"].slice(1, 2)) == [False, False]
