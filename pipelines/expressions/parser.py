"""The parser: from an expression's text to its nodes.

    expression := all ("or" all)*
    all        := inverse ("and" inverse)*
    inverse    := "not" inverse | test
    test       := sum [ compare sum | ["not"] "between" sum "and" sum | ["not"] "in" "(" constant, ... ")"
                      | "is" ["not"] "null" ]
    sum        := product (("+" | "-") product)*
    product    := factor (("*" | "/") factor)*
    factor     := "-" factor | number | 'string' | true | false | name | "(" expression ")"
                      | ("mean" | "min" | "max" | "sum") "(" name ")"

In:  text such as `word_count >= 50 and mean_word_length between 3 and 10`.
Out: an `Expression`, or ExpressionError with the place and what was expected there.
Guaranteed: no text raises anything else; nothing is run.
"""

from collections.abc import Callable
from typing import Literal, NoReturn, cast, get_args

from pipelines.expressions.lists import FUNCTIONS
from pipelines.expressions.nodes import (
    Among,
    Arithmetic,
    Between,
    Compare,
    Comparison,
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
    Operator,
)
from pipelines.expressions.words import Word, words_of

DEEPEST = 32
"""Parentheses and signs may be nested so deep; chains of `and`, `or`, `+` may be of any length."""


def parse(text: str) -> Expression:
    """Read an expression.

    Args:
        text: for example `word_count >= 50 and url is not null`. Names with odd characters stand in backquotes.

    Raises:
        ExpressionError: the text is no expression, or names no column.
    """
    parser = _Parser(text)
    root = parser.expression()
    parser.expect_end()
    if not parser.names:
        raise ExpressionError(text, 0, "this names no column, so it would say the same of every document")
    return Expression(text, root, tuple(sorted(parser.names)))


class _Parser:
    """A cursor over the words of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self._words = words_of(text)
        self._next = 0
        self._depth = 0

    @property
    def word(self) -> Word:
        return self._words[self._next]

    def take(self) -> Word:
        word = self.word
        self._next += word.kind != "end"
        return word

    def accept(self, *texts: str) -> Word | None:
        """Take the next word if it is one of these signs or keywords."""
        known = self.word.kind in ("sign", "keyword") and self.word.text in texts
        return self.take() if known else None

    def expect(self, text: str, purpose: str) -> Word:
        return self.accept(text) or self.fail(f"expected `{text}` {purpose}, found {self.word}")

    def expect_end(self) -> None:
        if self.word.kind != "end":
            self.fail(f"expected an operator, `and`, `or` or the end, found {self.word}")

    def fail(self, problem: str, at: int | None = None) -> NoReturn:
        raise ExpressionError(self.text, self.word.at if at is None else at, problem)

    def nested(self, part: Callable[[], Node]) -> Node:
        """Read a part one level deeper."""
        self._depth += 1
        if self._depth > DEEPEST:
            self.fail(f"nested more than {DEEPEST} deep")
        node = part()
        self._depth -= 1
        return node

    def expression(self) -> Node:
        return self.chain("or", self.all)

    def all(self) -> Node:
        return self.chain("and", self.inverse)

    def chain(self, operator: Literal["and", "or"], part: Callable[[], Node]) -> Node:
        at, parts = self.word.at, [part()]
        while self.accept(operator):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Logic(operator, tuple(parts), at)

    def inverse(self) -> Node:
        word = self.accept("not")
        return Not(self.nested(self.inverse), word.at) if word else self.test()

    def test(self) -> Node:
        left = self.sum()
        if word := self.accept(*get_args(Comparison)):
            return self.comparison(left, word)
        if word := self.accept("is"):
            return self.null_test(left, word)
        if word := self.accept("not"):
            return Not(self.membership(left), word.at)
        if self.word.kind == "keyword" and self.word.text in ("between", "in"):
            return self.membership(left)
        return left

    def comparison(self, left: Node, word: Word) -> Node:
        node = Compare(cast("Comparison", word.text), left, self.sum(), word.at)
        if self.word.text in get_args(Comparison) and self.word.kind == "sign":
            self.fail("comparisons do not chain; write `between`, or join two with `and`")
        return node

    def null_test(self, left: Node, word: Word) -> Node:
        inverted = self.accept("not")
        self.expect("null", "after `is`")
        node = IsNull(left, word.at)
        return Not(node, word.at) if inverted else node

    def membership(self, left: Node) -> Node:
        if word := self.accept("between"):
            low = self.sum()
            self.expect("and", "between the two ends of `between`")
            return Between(left, low, self.sum(), word.at)
        word = self.expect("in", "or `between` after `not`")
        return Among(left, self.options(), word.at)

    def options(self) -> tuple[Constant, ...]:
        self.expect("(", "after `in`")
        options = [self.constant()]
        while self.accept(","):
            options.append(self.constant())
        self.expect(")", "or a comma in the list")
        return tuple(options)

    def constant(self) -> Constant:
        sign = self.accept("-")
        node = self.literal()
        if node is None:
            self.fail(f"expected a number or a string in the list, found {self.word}")
        if sign is None:
            return node
        if isinstance(node.value, bool | str):
            self.fail("only a number has a sign", node.at)
        return Constant(-node.value, sign.at)

    def sum(self) -> Node:
        return self.arithmetic(("+", "-"), self.product)

    def product(self) -> Node:
        return self.arithmetic(("*", "/"), self.factor)

    def arithmetic(self, operators: tuple[Operator, Operator], part: Callable[[], Node]) -> Node:
        at, first, rest = self.word.at, part(), list[tuple[Operator, Node]]()
        while word := self.accept(*operators):
            rest.append((cast("Operator", word.text), part()))
        return Arithmetic(first, tuple(rest), at) if rest else first

    def factor(self) -> Node:
        if word := self.accept("-"):
            return self.negative(word)
        if self.accept("("):
            node = self.nested(self.expression)
            self.expect(")", "to close the parenthesis")
            return node
        return self.literal() or self.value()

    def value(self) -> Node:
        """Read a column, or a number out of a list."""
        following = self._words[min(self._next + 1, len(self._words) - 1)]
        if self.word.kind == "name" and following.kind == "sign" and following.text == "(":
            return self.of_list()
        return self.name()

    def of_list(self) -> OfList:
        word = self.take()
        if word.text not in FUNCTIONS:
            self.fail(f"no function is called `{word.text}`; there are {', '.join(FUNCTIONS)}", word.at)
        self.expect("(", f"after `{word.text}`")
        column = self.name()
        self.expect(")", f"behind the column that `{word.text}` is of")
        return OfList(word.text, column, word.at)

    def negative(self, word: Word) -> Node:
        if self.word.kind == "number":
            return Constant(-self.number(self.take()), word.at)
        return Negative(self.nested(self.factor), word.at)

    def literal(self) -> Constant | None:
        if self.word.kind == "number":
            return Constant(self.number(self.word), self.take().at)
        if self.word.kind == "string":
            return Constant(self.word.text, self.take().at)
        word = self.accept("true", "false")
        return Constant(word.text == "true", word.at) if word else None

    def number(self, word: Word) -> float:
        digits = word.text.replace("_", "").lstrip("0") or "0"
        value = float(digits)
        if value == float("inf"):
            self.fail("this number is too large", word.at)
        return int(digits) if digits.isdigit() else value

    def name(self) -> Name:
        if self.word.kind != "name":
            self.fail(self.expected_value())
        word = self.take()
        self.names.add(word.text)
        return Name(word.text, word.at)

    def expected_value(self) -> str:
        if self.word.text == "null" and self.word.kind == "keyword":
            return "nothing equals null; write `is null` or `is not null`"
        return f"expected a column, a number or a string, found {self.word}"
