"""JSON records, decoded only where they are read.

In:  a line of JSON, as bytes, and the paths whose values are wanted.
Out: a decoded record per line, later gathered into one list per path; or the `Problem` that makes it unreadable.
Guaranteed: a readable line is one JSON object in valid UTF-8; keys that nobody asked for are checked for form but never
built.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pipelines.sources.streams import Problem

_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<found>\w+)`(?: - at `\$\.(?P<path>.*)`)?")
_NAMES = {"str": "a string", "int": "a number", "float": "a number", "bool": "a bool"}
_NAMES |= {"array": "an array", "object": "an object"}


@dataclass(frozen=True)
class Branch:
    """An object inside an object; it may also stand as a string that holds it.

    Args:
        path: where it stands, for messages.
        source: attribute in which the decoder leaves it: a struct, a string, or Raw where it is also read whole.
        target: attribute that holds its struct, or None.
        shape: what is decoded of it.
    """

    path: str
    source: str
    target: str
    shape: "Shape"

    def open(self, record: msgspec.Struct) -> None:
        """Put the struct into `target` where the decoder left a string or Raw in `source`."""
        inner = getattr(record, self.source)
        if type(inner) is msgspec.Raw:
            setattr(record, self.source, _whole(inner))
            inner = self._decoded(inner, self.shape.kind | str | None)
        if type(inner) is str:
            inner = self._decoded(inner, self.shape.kind)
        setattr(record, self.target, inner)

    def _decoded(self, value: msgspec.Raw | str, kind: Any) -> object:  # noqa: ANN401 - a type as msgspec takes it
        try:
            inner = msgspec.json.decode(value, type=kind)
            return self.shape.opened(inner) if isinstance(inner, msgspec.Struct) else inner
        except (ValueError, RecursionError) as error:
            found = _EXPECTED.match(str(error)) if type(value) is msgspec.Raw else None
            name = "str" if found is None else found["found"]
            raise msgspec.ValidationError(f"Expected `object`, got `{name}` - at `$.{self.path}`") from error


@dataclass(frozen=True)
class Shape:
    """What is decoded of an object.

    Args:
        decoder: decodes the object into a struct of type `kind`.
        leaves: (path, attribute of the struct) of each value that is read.
        branches: the objects inside it in which more is read.
    """

    decoder: "msgspec.json.Decoder[Any]"
    kind: type[msgspec.Struct]
    leaves: tuple[tuple[str, str], ...]
    branches: tuple[Branch, ...]

    def decode(self, line: memoryview | str) -> msgspec.Struct:
        """Decode one object; raises what msgspec raises where the line is no such object."""
        return self.opened(self.decoder.decode(line))

    def opened(self, record: msgspec.Struct) -> msgspec.Struct:
        """Decode what the decoder left for later in a record, and return the record."""
        for branch in self.branches:
            inner = getattr(record, branch.source)
            if type(inner) in {str, msgspec.Raw}:
                branch.open(record)
            elif inner is not None:
                branch.shape.opened(inner)
        return record


def _whole(value: msgspec.Raw) -> str | None:
    """Return an object that is also read whole: the string that holds it, or its JSON text."""
    text = str(value, "utf-8")
    held: str | None = msgspec.json.decode(text) if text.startswith(('"', "n")) else text
    return held


def shape_of(text: str, paths: Iterable[str], kind: Any = str) -> Shape:  # noqa: ANN401 - a type as msgspec takes it
    """Return the shape that reads `text`, a string or of another kind, and the values at `paths`, of any type."""
    leaves: dict[tuple[str, ...], Any] = dict.fromkeys((tuple(path.split(".")) for path in paths), Any)
    return _shape("", {**leaves, tuple(text.split(".")): kind})


def _shape(prefix: str, leaves: dict[tuple[str, ...], Any]) -> Shape:
    heads = list(dict.fromkeys(path[0] for path in leaves))
    names = {head: f"f{number}" for number, head in enumerate(heads)}
    inner = {head: {path[1:]: kind for path, kind in leaves.items() if path[0] == head and path[1:]} for head in heads}
    shapes = {head: _shape(f"{prefix}{head}.", rest) for head, rest in inner.items() if rest}
    kinds = {head: _kind(leaves.get((head,)), shapes.get(head)) for head in heads}
    whole = msgspec.Raw in kinds.values()  # then a branch's struct lives beside the object it was decoded from
    fields = [(names[head], kinds[head], None) for head in heads]
    rename = {name: head for head, name in names.items()}
    kind = msgspec.defstruct("Record", fields, rename=rename, gc=whole, dict=whole)
    return Shape(
        msgspec.json.Decoder(kind),
        kind,
        tuple((f"{prefix}{head}", names[head]) for head in heads if (head,) in leaves),
        tuple(_branch(f"{prefix}{head}", names[head], shape, kinds[head]) for head, shape in shapes.items()),
    )


def _kind(leaf: Any, shape: Shape | None) -> Any:  # noqa: ANN401 - types as msgspec takes them
    """Return the type of an attribute: a value, an object inside, or Raw where both are read."""
    if shape is None:
        return leaf
    return shape.kind | str | None if leaf is None else msgspec.Raw


def _branch(path: str, name: str, shape: Shape, kind: Any) -> Branch:  # noqa: ANN401 - likewise
    return Branch(path, name, f"{name}_inner" if kind is msgspec.Raw else name, shape)


def gather(shape: Shape, records: Sequence[object]) -> dict[str, list[Any]]:
    """Return the values of each path, one per record, null where the record or the path is missing."""
    values = {path: [getattr(record, name, None) for record in records] for path, name in shape.leaves}
    for branch in shape.branches:
        values |= gather(branch.shape, [getattr(record, branch.target, None) for record in records])
    return values


def decode_lines(
    shape: Shape, lines: Sequence[memoryview], *, checked: bool
) -> tuple[list[msgspec.Struct | None], dict[int, Problem]]:
    """Decode each line; the unreadable ones are None, with their problem by position.

    Bytes that are not UTF-8 make a line unreadable wherever they stand; `checked` says that there are none.
    """
    records: list[msgspec.Struct | None] = []
    problems: dict[int, Problem] = {}
    for row, line in enumerate(lines):
        try:
            records.append(shape.decode(line if checked else str(line, "utf-8")))
        except (ValueError, RecursionError) as error:
            records.append(None)
            problems[row] = explain(bytes(line), error)
    return records, problems


def explain(line: bytes, error: Exception) -> Problem:
    """Say what is wrong with a line that raised `error` when it was decoded."""
    if isinstance(error, RecursionError):
        return Problem("json", "nested too deeply")
    invalid = invalid_utf8(line)
    if invalid is not None:
        return invalid
    if isinstance(error, msgspec.ValidationError):
        return _explain_type(str(error))
    if _has_lone_surrogate(line):
        return Problem("utf-8", "lone surrogate")
    detail = str(error).removeprefix("JSON is malformed: ")
    return Problem("json", detail[0].lower() + detail[1:])


def invalid_utf8(data: bytes) -> Problem | None:
    """Return the problem of bytes that are not UTF-8, or None."""
    try:
        data.decode()
    except UnicodeDecodeError as invalid:
        return Problem("utf-8", f"invalid byte 0x{data[invalid.start]:02x} at {invalid.start}")
    return None


def _explain_type(message: str) -> Problem:
    match = _EXPECTED.match(message)
    if match is None:
        return Problem("type", message[0].lower() + message[1:])
    found = _NAMES.get(match["found"], match["found"])
    if match["path"] is None:
        return Problem("type", f"the record is {found}, not an object")
    if found == "null":
        return Problem("missing", f"{match['path']!r} is null")
    wanted = "an object" if "object" in match["wanted"] else "a string"
    return Problem("type", f"{match['path']!r} is {found}, not {wanted}")


def _has_lone_surrogate(line: bytes) -> bool:
    if b"\\ud" not in line.lower():
        return False
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(line)
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return True
    return False
