"""Kinds: what an expression's columns hold, checked before any document is judged.

In:  an expression and the Arrow type of each column.
Out: nothing, or ExpressionError at the place that cannot be.
Guaranteed: an expression that passes evaluates on every batch of these types.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

import pyarrow as pa
import pyarrow.types as pat

from pipelines.expressions.lists import FUNCTIONS, is_number_list
from pipelines.expressions.nodes import (
    Among,
    Arithmetic,
    Between,
    Compare,
    Constant,
    Expression,
    ExpressionError,
    IsNull,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    OfList,
)


class Kind(StrEnum):
    """What a node's value is."""

    NUMBER = "a number"
    TEXT = "a string"
    TIME = "a date"
    TRUTH = "true or false"
    LIST = "a list of numbers"
    NULL = "null"


def kind_of_type(kind: pa.DataType) -> Kind | None:
    """Return the kind of a column, or None where expressions cannot read its type."""
    if pat.is_dictionary(kind):
        return kind_of_type(kind.value_type)
    if pat.is_integer(kind) or pat.is_floating(kind):
        return Kind.NUMBER
    if pat.is_string(kind) or pat.is_large_string(kind):
        return Kind.TEXT
    if pat.is_timestamp(kind) or pat.is_date(kind):
        return Kind.TIME
    if is_number_list(kind):
        return Kind.LIST
    return Kind.TRUTH if pat.is_boolean(kind) else Kind.NULL if pat.is_null(kind) else None


def check(expression: Expression, types: Mapping[str, pa.DataType]) -> None:
    """Refuse an expression that cannot be evaluated on columns of these types.

    Args:
        expression: as `parse` gave it.
        types: the columns there are, by name.

    Raises:
        ExpressionError: a column is not there or of a type that cannot be judged, or two kinds do not go together.
    """
    kind = Kinds(expression.text, types).of(expression.root)
    if kind not in (Kind.TRUTH, Kind.NULL):
        raise ExpressionError(expression.text, 0, f"this is {kind}, not a condition; compare it with something")


class Kinds:
    """Tells the kind of each node of one expression.

    Args:
        text: the expression's text, for messages.
        types: the columns there are, by name.
    """

    def __init__(self, text: str, types: Mapping[str, pa.DataType]) -> None:
        self._text = text
        self._types = types

    def of(self, node: Node) -> Kind:
        """Return the kind of a node, or raise ExpressionError where its parts do not go together."""
        match node:
            case Constant(value):
                return _kind_of_constant(value)
            case Name():
                return self._name(node)
            case OfList(column=column):
                self._need(column, Kind.LIST)
                return Kind.NUMBER
            case Negative() | Arithmetic():
                return self._number(node)
            case Not(operand):
                self._need(operand, Kind.TRUTH)
            case Logic(parts=parts):
                for part in parts:
                    self._need(part, Kind.TRUTH)
            case IsNull(operand):
                self.of(operand)
            case _:
                self._comparison(node)
        return Kind.TRUTH

    def compared(self, *nodes: Node) -> Kind:
        """Return the one kind in which these nodes are compared."""
        kinds = [self.of(node) for node in nodes]
        wanted = next((kind for kind in (Kind.TIME, *kinds) if kind in kinds and kind is not Kind.NULL), Kind.NULL)
        for node, kind in zip(nodes, kinds, strict=True):
            if kind is Kind.LIST:
                self._refuse(node, f"this is a list of numbers; compare one number of it, {_ways(node)}")
            if kind not in (wanted, Kind.NULL) and not self._is_date(node, wanted):
                self._refuse(node, f"{wanted} cannot be compared with {kind}")
        return wanted

    def _comparison(self, node: Node) -> None:
        match node:
            case Compare(operator, left, right):
                kind = self.compared(left, right)
                if kind is Kind.TRUTH and operator not in ("==", "!="):
                    self._refuse(node, "true and false have no order; write == or !=")
            case Between(operand, low, high):
                if self.compared(operand, low, high) is Kind.TRUTH:
                    self._refuse(node, "true and false have no order")
            case Among(operand, options):
                self.compared(operand, *options)

    def _name(self, node: Name) -> Kind:
        if node.name not in self._types:
            self._refuse(node, f"no column is called {node.name!r}")
        kind = kind_of_type(self._types[node.name])
        return kind or self._refuse(node, f"{node.name!r} is {self._types[node.name]}, which cannot be judged")

    def _number(self, node: Negative | Arithmetic) -> Kind:
        operands = [node.operand] if isinstance(node, Negative) else [node.first, *(part for _, part in node.rest)]
        for operand in operands:
            self._need(operand, Kind.NUMBER)
        return Kind.NUMBER

    def _need(self, node: Node, wanted: Kind) -> None:
        kind = self.of(node)
        if kind not in (wanted, Kind.NULL):
            ways = f"; take one number of it, {_ways(node)}" if kind is Kind.LIST else ""
            self._refuse(
                node, f"expected {'a condition' if wanted is Kind.TRUTH else wanted}, and this is {kind}{ways}"
            )

    def _is_date(self, node: Node, wanted: Kind) -> bool:
        """Tell whether a string is compared with a date; one that is no date is refused."""
        if wanted is not Kind.TIME or not isinstance(node, Constant) or not isinstance(node.value, str):
            return False
        if microseconds_of(node.value) is None:
            self._refuse(node, f"{node.value!r} is no date; write '2024-05-31' or '2024-05-31T12:00:00Z'")
        return True

    def _refuse(self, node: Node, problem: str) -> Kind:
        raise ExpressionError(self._text, node.at, problem)


def _ways(node: Node) -> str:
    name = node.name if isinstance(node, Name) else "x"
    return ", ".join(f"{function}({name})" for function in FUNCTIONS)


def _kind_of_constant(value: float | str | bool) -> Kind:
    if isinstance(value, bool):
        return Kind.TRUTH
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def microseconds_of(date: str) -> int | None:
    """Return microseconds since 1970 of an ISO 8601 date or time (UTC where it says nothing), or None if it is none."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
