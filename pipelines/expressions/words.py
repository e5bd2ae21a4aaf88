"""Words: an expression's text cut into numbers, strings, names and signs.

In:  the text.
Out: words in order, each with its place; the last one is the end.
Guaranteed: every character is in a word or is white space; anything else raises ExpressionError at its place.
"""

import re
from dataclasses import dataclass
from typing import Literal

from pipelines.expressions.nodes import ExpressionError

Kind = Literal["number", "string", "name", "keyword", "sign", "end"]

KEYWORDS = frozenset({"and", "or", "not", "between", "in", "is", "null", "true", "false"})

MISTAKES = {
    "=": "write == for equality",
    "<>": "write != for inequality",
    "&&": "write `and`",
    "||": "write `or`",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "**": "there are no powers; multiply",
    "[": "a list stands in parentheses, as in (1, 2)",
}

_WORD = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
    | (?P<quoted>`[^`]+`)
    | (?P<name>[^\W\d][\w.]*(?:@[^\W\d]\w*)*)
    | (?P<sign><>|<=|>=|==|!=|&&|\|\||\*\*|[-<>+*/(),=!&|\[])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Word:
    """One word: what it is, how it reads (strings and names without quotes), and where it begins."""

    kind: Kind
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"`{self.text}`"


def words_of(text: str) -> list[Word]:
    """Cut `text` into words, closed by the word `end`."""
    words: list[Word] = []
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise ExpressionError(text, at, _unreadable(text[at]))
        if match.lastgroup != "space":
            words.append(_word(text, match))
        at = match.end()
    return [*words, Word("end", "", len(text))]


def _unreadable(character: str) -> str:
    if character in "'\"`":
        return f"the quotation mark {character} is never closed"
    return f"{character!r} has no meaning here"


def _word(text: str, match: re.Match[str]) -> Word:
    shown, at = match.group(), match.start()
    match match.lastgroup:
        case "string":
            return Word("string", _unquoted(shown), at)
        case "quoted":
            return Word("name", shown[1:-1], at)
        case "name" if shown.lower() in KEYWORDS:
            return Word("keyword", shown.lower(), at)
        case "sign" if shown in MISTAKES:
            raise ExpressionError(text, at, MISTAKES[shown])
        case "number":
            return Word("number", _run_on(text, match), at)
        case "name":
            return Word("name", shown, at)
        case _:
            return Word("sign", shown, at)


def _run_on(text: str, match: re.Match[str]) -> str:
    """Return a number's text; letters that follow it at once are a mistake, such as 10k."""
    following = text[match.end() : match.end() + 1]
    if following.isalnum() or following in ("_", "."):
        raise ExpressionError(text, match.end(), f"a number ends before {following!r}")
    return match.group()


def _unquoted(shown: str) -> str:
    """Return what a quoted string says: a doubled quotation mark or one behind a backslash stands for itself."""
    quote, body = shown[0], shown[1:-1]
    return re.sub(r"\\(.)|" + quote * 2, lambda match: match.group(1) or quote, body, flags=re.DOTALL)
