"""The parts of an expression, and the error that points into its text.

In:  what the parser read.
Out: frozen nodes, equal where they mean the same; `at` is where each begins and takes no part in that.
Guaranteed: a node is data: hashable, picklable, and never evaluated as Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Comparison = Literal["<", "<=", ">", ">=", "==", "!="]
Operator = Literal["+", "-", "*", "/"]


class ExpressionError(ValueError):
    """An expression cannot be read, or compares what cannot be compared.

    Args:
        text: the whole expression.
        at: the character, from 0, at which it goes wrong.
        problem: what is wrong there and what was expected.
    """

    def __init__(self, text: str, at: int, problem: str) -> None:
        self.text = text
        self.at = at
        self.problem = problem
        super().__init__(f"{problem} (character {at + 1})\n{_excerpt(text, at)}")

    def __reduce__(self) -> tuple[type["ExpressionError"], tuple[str, int, str]]:
        return type(self), (self.text, self.at, self.problem)


def _excerpt(text: str, at: int, width: int = 72) -> str:
    """Return the surroundings of a character, on one line, and a caret below it."""
    start = max(0, at - width // 2)
    shown = "".join(char if char.isprintable() else " " for char in text[start : start + width])
    return f"    {shown}\n    {' ' * (at - start)}^"


@dataclass(frozen=True)
class Constant:
    """A number, a string, or `true` and `false`."""

    value: float | str | bool
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Name:
    """A column: of the record, of its declared fields, or a signal."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class OfList:
    """`mean(column)` and its kin: one number out of a list of numbers."""

    function: str
    column: Name
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Negative:
    """`-operand`."""

    operand: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Arithmetic:
    """`first + second - third`, from left to right; a quotient by zero is null."""

    first: "Node"
    rest: tuple[tuple[Operator, "Node"], ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Compare:
    """`left < right` and its kin."""

    operator: Comparison
    left: "Node"
    right: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Between:
    """`operand between low and high`, both ends included."""

    operand: "Node"
    low: "Node"
    high: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Among:
    """`operand in (option, option)`."""

    operand: "Node"
    options: tuple[Constant, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class IsNull:
    """`operand is null`: true where it was not measured or is not given."""

    operand: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Not:
    """`not operand`."""

    operand: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Logic:
    """`part and part and part`, or the same with `or`."""

    operator: Literal["and", "or"]
    parts: tuple["Node", ...]
    at: int = field(default=0, compare=False)


Node: TypeAlias = Constant | Name | OfList | Negative | Arithmetic | Compare | Between | Among | IsNull | Not | Logic


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Args:
        text: as it was written.
        root: what it says.
        names: the columns it asks for, sorted, each once.
    """

    text: str = field(compare=False)
    root: Node
    names: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def one_of(name: str, values: Sequence[float | str | bool]) -> Expression:
    """Return the expression `name in (value, ...)`; there must be at least one value."""
    options = tuple(Constant(value) for value in values)
    return Expression(f"{name} in ({', '.join(map(repr, values))})", Among(Name(name), options), (name,))
