"""A plain reading of the language of `where`, one document at a time, and random expressions to compare it on.

In:  nodes of an expression, and rows as plain Python values (float32 columns as numpy's float32).
Out: true, false or None for null; the text of an expression, with parentheses around every part.
Guaranteed: shares no code with the evaluator: numbers meet here as the documentation says, by hand.
"""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import reduce, singledispatch
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pipelines.expressions.nodes import (
    Among,
    Arithmetic,
    Between,
    Compare,
    Constant,
    IsNull,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    OfList,
)

Row: TypeAlias = Mapping[str, Any]

TYPES = {
    "words": pa.int64(),
    "chars": pa.int64(),
    "ratio": pa.float32(),
    "share": pa.float32(),
    "score": pa.float64(),
    "lines": pa.list_(pa.float32()),
    "spans": pa.large_list(pa.int64()),
    "url": pa.string(),
    "source": pa.dictionary(pa.int32(), pa.string()),
    "adult": pa.bool_(),
    "nothing": pa.null(),
}
"""The columns that random expressions name."""

WIDTHS = {
    "words": "whole",
    "chars": "whole",
    "ratio": "single",
    "share": "single",
    "score": "double",
    "nothing": "single",
}
"""What the numbers among them are computed in."""

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@dataclass(frozen=True)
class Number:
    """A number and what it is computed in: whole, single, double, or constant, which takes the other's."""

    width: str
    value: Any


Operand: TypeAlias = Number | str | bool | None


# --- conditions: true, false or None


@singledispatch
def holds(node: Node, row: Row) -> bool | None:
    """Tell whether a condition holds for a document."""
    raise TypeError(node, row)


@holds.register
def _(node: Not, row: Row) -> bool | None:
    inner = holds(node.operand, row)
    return None if inner is None else not inner


@holds.register
def _(node: Logic, row: Row) -> bool | None:
    return joined([holds(part, row) for part in node.parts], deciding=node.operator == "or")


@holds.register
def _(node: IsNull, row: Row) -> bool | None:
    return operand(node.operand, row) is None


@holds.register
def _(node: Name, row: Row) -> bool | None:
    value: bool | None = row[node.name]
    return value


@holds.register
def _(node: Compare, row: Row) -> bool | None:
    return compared(node.operator, operand(node.left, row), operand(node.right, row))


@holds.register
def _(node: Between, row: Row) -> bool | None:
    value = operand(node.operand, row)
    ends = [compared(">=", value, operand(node.low, row)), compared("<=", value, operand(node.high, row))]
    return joined(ends, deciding=False)


@holds.register
def _(node: Among, row: Row) -> bool | None:
    value = operand(node.operand, row)
    return joined([compared("==", value, operand(option, row)) for option in node.options], deciding=True)


def joined(parts: list[bool | None], *, deciding: bool) -> bool | None:
    """Join by `or` (true decides) or by `and` (false decides)."""
    if deciding in parts:
        return deciding
    return None if None in parts else not deciding


def compared(sign: str, left: Operand, right: Operand) -> bool | None:
    """Compare two values of one kind."""
    if left is None or right is None:
        return None
    if isinstance(left, Number) and isinstance(right, Number):
        whole = isinstance(left.value, int) and isinstance(right.value, int)
        return bool(COMPARISONS[sign](*((left.value, right.value) if whole else met(left, right)[1:])))
    return bool(COMPARISONS[sign](left, right))


# --- values: a number, a string, true or false, or None


@singledispatch
def operand(node: Node, row: Row) -> Operand:
    """Return the value of something that is compared."""
    raise TypeError(node, row)


@operand.register
def _(node: Constant, row: Row) -> Operand:
    del row
    return node.value if isinstance(node.value, str | bool) else Number("constant", node.value)


@operand.register
def _(node: Name, row: Row) -> Operand:
    value: Operand = row[node.name]
    if value is None or node.name not in WIDTHS:
        return value
    return unless_nan(Number(WIDTHS[node.name], value))


@operand.register
def _(node: OfList, row: Row) -> Operand:
    values = row[node.column.name]
    if values is None:
        return None
    members = [value for value in values if value is not None and not math.isnan(value)]
    whole = node.column.name == "spans"
    return unless_nan(Number("whole" if whole else "single", of_list(node.function, members, whole=whole)))


def of_list(function: str, members: list[Any], *, whole: bool) -> Any:  # noqa: ANN401 - of the list's own type
    """Return one number of a list, NaN where there is none."""
    if function == "sum" or not members:
        return total(members, whole=whole) if function == "sum" else math.nan
    if function == "mean":
        mean = float(total(members, whole=whole, exact=True)) / len(members)
        return mean if whole else np.float32(mean)
    return {"min": min, "max": max}[function](members)


def total(members: list[Any], *, whole: bool, exact: bool = False) -> Any:  # noqa: ANN401 - likewise
    if whole:
        return sum(members)
    added = 0.0
    for member in members:
        added += float(member)
    with np.errstate(over="ignore"):
        return added if exact else np.float32(added)


@operand.register
def _(node: Negative, row: Row) -> Operand:
    value = operand(node.operand, row)
    return calculated("-", Number("constant", -0.0), value if isinstance(value, Number) else None)


@operand.register
def _(node: Arithmetic, row: Row) -> Operand:
    def step(total: Operand, term: tuple[str, Node]) -> Operand:
        return calculated(term[0], total, operand(term[1], row))

    return reduce(step, node.rest, operand(node.first, row))


def calculated(sign: str, left: Operand, right: Operand) -> Operand:
    """Calculate with two numbers."""
    if not isinstance(left, Number) or not isinstance(right, Number):
        return None
    width, first, second = met(left, right)
    if sign == "/" and second == 0:
        return None
    with np.errstate(all="ignore"):
        return unless_nan(Number(width, OPERATIONS[sign](first, second)))


def met(left: Number, right: Number) -> tuple[str, Any, Any]:
    """Return two numbers in the width in which they meet."""
    widths = {left.width, right.width} - {"constant"}
    if widths == {"single"}:
        with np.errstate(all="ignore"):
            return "single", np.float32(left.value), np.float32(right.value)
    return "double" if widths else "constant", float(left.value), float(right.value)


def unless_nan(number: Number) -> Number | None:
    """Return the number, or None for NaN."""
    return None if math.isnan(number.value) else number


# --- text


@singledispatch
def written(node: Node) -> str:
    """Write a node out, with parentheses around every part."""
    raise TypeError(node)


@written.register
def _(node: Constant) -> str:
    if isinstance(node.value, str):
        return "'" + node.value.replace("\\", "\\\\").replace("'", "''") + "'"
    return str(node.value).lower() if isinstance(node.value, bool) else repr(node.value)


@written.register
def _(node: Name) -> str:
    return node.name


@written.register
def _(node: OfList) -> str:
    return f"{node.function}({node.column.name})"


@written.register
def _(node: Negative) -> str:
    return f"-({written(node.operand)})"


@written.register
def _(node: Arithmetic) -> str:
    return f"({written(node.first)})" + "".join(f" {sign} ({written(term)})" for sign, term in node.rest)


@written.register
def _(node: Compare) -> str:
    return f"({written(node.left)}) {node.operator} ({written(node.right)})"


@written.register
def _(node: Between) -> str:
    return f"({written(node.operand)}) between ({written(node.low)}) and ({written(node.high)})"


@written.register
def _(node: Among) -> str:
    return f"({written(node.operand)}) in ({', '.join(written(option) for option in node.options)})"


@written.register
def _(node: IsNull) -> str:
    return f"({written(node.operand)}) is null"


@written.register
def _(node: Not) -> str:
    return f"not ({written(node.operand)})"


@written.register
def _(node: Logic) -> str:
    return f" {node.operator} ".join(f"({written(part)})" for part in node.parts)


# --- random expressions and rows

WHOLES = st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0, -2.0, 1e-45, 16777217.0]) | st.floats(
    allow_nan=False, allow_infinity=False
)
SINGLES = (st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]) | st.floats(width=32)).map(np.float32)
STRINGS = st.sampled_from(["a", "b", "ArXiv"]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
CONSTANTS = (WHOLES | DOUBLES).map(Constant)
SIGNS = st.sampled_from(sorted(COMPARISONS))


def chains(part: SearchStrategy[Node], signs: str) -> SearchStrategy[Node]:
    """Sums (`+-`) or products (`*/`) of parts."""
    terms = st.lists(st.tuples(st.sampled_from(signs), part), min_size=1, max_size=2)
    return st.builds(Arithmetic, part, terms.map(tuple))


def more_numbers(part: SearchStrategy[Node]) -> SearchStrategy[Node]:
    """Numbers made of numbers; a sign before a bare constant would be part of it."""
    signed = part.filter(lambda node: not isinstance(node, Constant)).map(Negative)
    return chains(part, "+-") | chains(part, "*/") | signed


def tests_of(part: SearchStrategy[Node], options: SearchStrategy[Constant]) -> SearchStrategy[Node]:
    """Conditions on values of one kind."""
    lists = st.lists(options, min_size=1, max_size=3).map(tuple)
    return (
        st.builds(Compare, SIGNS, part, part)
        | st.builds(Between, part, part, part)
        | st.builds(Among, part, lists)
        | part.map(IsNull)
    )


def more_conditions(part: SearchStrategy[Node]) -> SearchStrategy[Node]:
    """Conditions made of conditions."""
    parts = st.lists(part, min_size=2, max_size=3).map(tuple)
    return part.map(Not) | st.builds(Logic, st.sampled_from(["and", "or"]), parts)


OF_LISTS: SearchStrategy[Node] = st.builds(
    OfList, st.sampled_from(["mean", "min", "max", "sum"]), st.sampled_from(["lines", "spans"]).map(Name)
)
NUMBERS: SearchStrategy[Node] = st.recursive(
    CONSTANTS | st.sampled_from(sorted(WIDTHS)).map(Name) | OF_LISTS, more_numbers, max_leaves=4
)
TEXTS: SearchStrategy[Node] = STRINGS.map(Constant) | st.sampled_from(["url", "source"]).map(Name)
TRUTHS: SearchStrategy[Node] = st.just(Name("adult")) | st.builds(
    Compare, st.sampled_from(["==", "!="]), st.just(Name("adult")), st.booleans().map(Constant)
)
THRESHOLDS: SearchStrategy[Node] = st.builds(
    Compare,
    SIGNS,
    st.sampled_from(["ratio", "share"]).map(Name),
    st.sampled_from([0.0, 0.1, 0.2, 0.5, 1]).map(Constant),
)
CONDITIONS: SearchStrategy[Node] = st.recursive(
    THRESHOLDS | tests_of(NUMBERS, CONSTANTS) | tests_of(TEXTS, STRINGS.map(Constant)) | TRUTHS,
    more_conditions,
    max_leaves=4,
)

VALUES: dict[str, SearchStrategy[Any]] = {
    "words": WHOLES,
    "chars": WHOLES,
    "ratio": SINGLES,
    "share": SINGLES,
    "score": DOUBLES | st.floats(),
    "lines": st.lists(st.none() | SINGLES | st.just(np.float32("nan")), max_size=4),
    "spans": st.lists(st.none() | st.integers(-(2**40), 2**40), max_size=4),
    "url": STRINGS,
    "source": STRINGS,
    "adult": st.booleans(),
    "nothing": st.none(),
}
ROWS = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})


def arrays_of(rows: list[dict[str, Any]]) -> dict[str, pa.Array]:
    """Return rows as Arrow columns."""
    return {name: pa.array([row[name] for row in rows], kind) for name, kind in TYPES.items()}


def names_in(node: Node) -> set[str]:
    """Return the columns that a node names, found by walking over whatever it holds."""
    if isinstance(node, Name):
        return {node.name}
    parts = [getattr(node, field.name) for field in fields(node)]
    return {name for part in parts for inner in _nodes_in(part) for name in names_in(inner)}


def _nodes_in(part: object) -> list[Node]:
    if isinstance(part, tuple):
        return [inner for each in part for inner in _nodes_in(each)]
    return [part] if isinstance(part, Node) else []
