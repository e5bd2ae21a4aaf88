"""The evaluator: from an expression and columns to the documents that pass.

In:  an expression and Arrow columns of one length.
Out: a boolean array without nulls.
Guaranteed: three-valued logic as in SQL, and null never passes; the same numbers give the same answer everywhere.

How numbers meet: a constant takes the type of what it meets, so `ratio > 0.2` on float32 asks for more than
float32(0.2), and a ratio of exactly 1/5 does not pass. Arithmetic on integers is done in float64; integers are
compared as integers. A quotient by zero is null, and so is NaN.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from pipelines.expressions.kinds import Kind, Kinds, check, microseconds_of
from pipelines.expressions.lists import summarize
from pipelines.expressions.nodes import (
    Among,
    Arithmetic,
    Between,
    Compare,
    Constant,
    Expression,
    IsNull,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    OfList,
)

Column: TypeAlias = npt.NDArray[Any]
Truths: TypeAlias = pa.BooleanArray | pa.BooleanScalar


@dataclass(frozen=True)
class Numbers:
    """Numbers of all documents, or one constant.

    Args:
        values: an array, or a Python number, which takes the type of what it meets.
        valid: where `values` says something; elsewhere the number is null.
    """

    values: Column | float
    valid: npt.NDArray[np.bool_] | bool


_NUMBER_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

_ARROW_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "==": pc.equal,
    "!=": pc.not_equal,
}

_JOINS: dict[str, Callable[[Any, Any], Any]] = {"and": pc.and_kleene, "or": pc.or_kleene}

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def evaluate(expression: Expression, columns: Mapping[str, pa.Array]) -> pa.BooleanArray:
    """Tell which documents pass.

    Args:
        expression: as `parse` gave it.
        columns: at least the columns that it names, of one length: integers, floats, strings (plain, large or
            dictionary), booleans, dates and timestamps. A column of nulls only may be of type null.

    Returns:
        One true or false per document, never null.

    Raises:
        ExpressionError: a column is not there, or of a kind that it is not compared with.
    """
    arrays = {name: columns[name] for name in expression.names if name in columns}
    types = {name: array.type for name, array in arrays.items()}
    check(expression, types)
    truths = _Evaluator(expression.text, arrays, types).truths(expression.root)
    return pc.fill_null(truths, False)


class _Evaluator:
    """Evaluates the nodes of one checked expression."""

    def __init__(self, text: str, arrays: Mapping[str, pa.Array], types: Mapping[str, pa.DataType]) -> None:
        self._arrays = arrays
        self._kinds = Kinds(text, types)

    def truths(self, node: Node) -> Truths:
        """Evaluate a condition."""
        match node:
            case Not(operand):
                return pc.invert(self.truths(operand))
            case Logic(word, parts):
                return reduce(_JOINS[word], map(self.truths, parts))
            case IsNull(operand):
                return self.is_null(operand)
            case Name(name):
                return self._arrays[name].cast(pa.bool_())
            case Constant(value):
                return pa.scalar(value, pa.bool_())
            case _:
                return self.comparison(node)

    def comparison(self, node: Node) -> Truths:
        match node:
            case Compare(sign, left, right):
                return self.compare(sign, left, right, self._kinds.compared(left, right))
            case Between(operand, low, high):
                kind = self._kinds.compared(operand, low, high)
                above, below = self.compare(">=", operand, low, kind), self.compare("<=", operand, high, kind)
                return pc.and_kleene(above, below)
            case Among(operand, options):
                kind = self._kinds.compared(operand, *options)
                return reduce(pc.or_kleene, self.each(operand, options, kind))
            case _:
                raise TypeError(f"{type(node).__name__} is no condition")

    def each(self, operand: Node, options: Iterable[Constant], kind: Kind) -> Iterable[Truths]:
        return (self.compare("==", operand, option, kind) for option in options)

    def compare(self, sign: str, left: Node, right: Node, kind: Kind) -> Truths:
        if kind is Kind.TEXT:
            return _ARROW_TESTS[sign](self.texts(left), self.texts(right))
        if kind is Kind.TRUTH:
            return _ARROW_TESTS[sign](self.truths(left), self.truths(right))
        return _compare_numbers(sign, self.numbers(left), self.numbers(right))

    def is_null(self, node: Node) -> Truths:
        match self._kinds.of(node):
            case Kind.NUMBER | Kind.TIME | Kind.NULL:
                return _truths(np.logical_not(self.numbers(node).valid))
            case Kind.TEXT:
                return pc.is_null(self.texts(node))
            case Kind.LIST if isinstance(node, Name):
                return pc.is_null(self._arrays[node.name])
            case _:
                return pc.is_null(self.truths(node))

    def texts(self, node: Node) -> Any:  # noqa: ANN401 - an Arrow array or scalar, which have no stubs
        if isinstance(node, Name):
            return _decoded(self._arrays[node.name]).cast(pa.large_string())
        return pa.scalar(node.value if isinstance(node, Constant) else None, pa.large_string())

    def numbers(self, node: Node) -> Numbers:
        """Evaluate a number, or a date as microseconds since 1970."""
        match node:
            case Constant(str(date)):
                return Numbers(microseconds_of(date) or 0, valid=True)
            case Constant(int() | float() as value):
                return Numbers(value, valid=True)
            case Negative(operand):
                number = self.numbers(operand)
                return Numbers(-_operand(number.values), number.valid)
            case Arithmetic(first, rest):
                return reduce(self.step, rest, self.numbers(first))
            case OfList(function, column):
                return Numbers(*summarize(function, self._arrays[column.name]))
            case Name(name):
                return _numbers_of(_decoded(self._arrays[name]))
            case _:
                raise TypeError(f"{type(node).__name__} is no number")

    def step(self, left: Numbers, term: tuple[str, Node]) -> Numbers:
        sign, node = term
        return _calculate(sign, left, self.numbers(node))


def _decoded(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pat.is_dictionary(array.type) else array


def _numbers_of(array: pa.Array) -> Numbers:
    """Return a column's numbers; dates become microseconds since 1970."""
    if pat.is_null(array.type):
        array = array.cast(pa.float32())
    if pat.is_temporal(array.type):
        array = array.cast(pa.timestamp("us", array.type.tz if pat.is_timestamp(array.type) else None)).cast(pa.int64())
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    return _finite(array.fill_null(0).to_numpy(zero_copy_only=False), valid)


def _finite(values: Column | float, valid: npt.NDArray[np.bool_] | bool) -> Numbers:
    """Return the numbers with NaN as null."""
    return Numbers(values, np.logical_and(valid, np.equal(values, values)))


def _operand(values: Column | float) -> Column | float:
    """Return integers as float64, so that arithmetic never wraps around."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float64) if values.dtype.kind in "iu" else values
    return float(values)


def _like(constant: Column | float, other: Column | float) -> Any:  # noqa: ANN401 - numpy's own any
    """Return a constant in the float type of what it meets."""
    if isinstance(constant, np.ndarray) or not isinstance(other, np.ndarray) or other.dtype.kind != "f":
        return constant
    return other.dtype.type(float(constant))


def _calculate(sign: str, left: Numbers, right: Numbers) -> Numbers:
    """Add, subtract, multiply or divide; a quotient by zero is null."""
    first, second = _operand(left.values), _operand(right.values)
    valid = np.logical_and(left.valid, right.valid)
    with np.errstate(all="ignore"):
        first, second = _like(first, second), _like(second, first)
        if sign == "/":
            valid = np.logical_and(valid, np.not_equal(second, 0))
            second = np.where(np.equal(second, 0), np.ones_like(second), second)[()]
        return _finite(_OPERATORS[sign](first, second), valid)


def _compare_numbers(sign: str, left: Numbers, right: Numbers) -> Truths:
    with np.errstate(all="ignore"):
        first, second = _like(left.values, right.values), _like(right.values, left.values)
        return _truths(_NUMBER_TESTS[sign](first, second), np.logical_and(left.valid, right.valid))


def _truths(values: npt.NDArray[np.bool_] | bool, valid: npt.NDArray[np.bool_] | bool = True) -> Truths:
    """Return truths as Arrow has them, null where they are not valid."""
    if np.ndim(values) == 0 and np.ndim(valid) == 0:
        return pa.scalar(bool(values) if valid else None, pa.bool_())
    values, valid = np.broadcast_arrays(values, valid)
    return pa.array(values, pa.bool_(), mask=np.logical_not(valid))
