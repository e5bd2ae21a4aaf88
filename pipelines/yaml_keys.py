"""Manifest files: YAML read strictly, every value remembered with its line.

In:  the text of a manifest.
Out: a `Document`: plain mappings, lists and scalars, and where each of them stands.
Guaranteed: keys are always text and given once; `on`, `no` and dates stay text (YAML 1.2, not 1.1); no tag makes an
     object; every mistake is a ManifestError with line and column.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

from pipelines.errors import ManifestError

Tree: TypeAlias = Any
"""What YAML holds: mappings with text keys, lists, text, numbers, true and false, null."""

Key: TypeAlias = tuple[str | int, ...]
"""The way to a value: names of mappings and positions in lists."""

MOST_VALUES = 100_000
"""Aliases may repeat parts of a manifest; a manifest that unfolds to more values than this is a mistake."""

DEEPEST = 40
"""Mappings and lists may be nested so deep."""


class _Loader(yaml.SafeLoader):
    """Finds out what a scalar is as YAML 1.2 does."""


_Loader.yaml_implicit_resolvers = {}

_SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?[0-9][0-9_]*|0x[0-9a-fA-F_]+", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
)

for _tag, _pattern, _first in _SCALARS:
    _starts = [char if char != "\0" else "" for char in _first]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _starts)


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 would take for something else."""


_Dumper.yaml_implicit_resolvers = {
    first: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
        *_Loader.yaml_implicit_resolvers.get(first, []),
    ]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
}


def write_document(tree: Tree) -> str:
    """Return plain values as YAML text that `parse_document` reads back to the same values."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False)


def show(key: Key) -> str:
    """Return a key as messages name it, such as `mix.phases.0.weights`."""
    return ".".join(str(part) for part in key) or "manifest"


@dataclass(frozen=True)
class Document:
    """A manifest as it was written.

    Args:
        name: what messages call the file.
        tree: its values.
        places: for every value, in words, where it stands.
    """

    name: str
    tree: Tree
    places: dict[Key, str]

    def place(self, key: Key) -> str:
        """Return where a value stands, or the nearest thing around it that is there."""
        while key not in self.places and key:
            key = key[:-1]
        return self.places.get(key, self.name)

    def value(self, key: Key) -> Tree:
        """Return what stands at a key; null where nothing does."""
        tree = self.tree
        for part in key:
            tree = child(tree, part)
        return tree

    def refuse(self, key: Key, remedy: str, value: object = None) -> NoReturn:
        """Raise the ManifestError for what stands at `key`, or for `value` where it is given."""
        shown = self.value(key) if value is None else value
        first, *others = remedy.splitlines()
        raise ManifestError(show(key), shown, "\n".join([f"{first} ({self.place(key)})", *others]))


def child(tree: Tree, part: str | int) -> Tree:
    """Return what stands in a mapping or a list; null where nothing does."""
    if isinstance(tree, dict):
        return tree.get(part)
    inside = isinstance(tree, list) and isinstance(part, int) and part < len(tree)
    return tree[part] if inside else None


def read_document(path: str | Path) -> Document:
    """Read a manifest file.

    Raises:
        ManifestError: there is no such file, or it is no YAML mapping.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ManifestError("manifest", str(path), f"cannot be read: {error.strerror}; name a YAML file") from error
    except ValueError as error:
        raise ManifestError("manifest", str(path), f"is not UTF-8 text ({error}); save it as UTF-8") from error
    document = parse_document(text, Path(path).name)
    if not isinstance(document.tree, dict):
        raise ManifestError("manifest", document.tree, f"write keys and values, such as `name: web` ({document.name})")
    return document


def parse_document(text: str, name: str) -> Document:
    """Read YAML text; `name` is what messages call it."""
    try:
        node = yaml.compose(text, _Loader)
    except yaml.YAMLError as error:
        raise ManifestError("manifest", _line_of(text, error), f"is not YAML: {_problem(error, name)}") from error
    except RecursionError:
        raise ManifestError("manifest", text[:40], f"nested too deep ({name})") from None
    reader = _Reader(name)
    tree = None if node is None else reader.read(node, ())
    return Document(name, tree, reader.places)


def _line_of(text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    lines = text.splitlines()
    return lines[mark.line].strip() if mark is not None and mark.line < len(lines) else ""


def _problem(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f"{str(error).splitlines()[0]} ({name})"
    return f"{getattr(error, 'problem', None) or error} ({_at(name, mark)})"


def _at(name: str, mark: yaml.error.Mark) -> str:
    return f"{name}, line {mark.line + 1}, column {mark.column + 1}"


class _Reader:
    """Turns the nodes of one YAML text into values and notes their places."""

    def __init__(self, name: str) -> None:
        self.places: dict[Key, str] = {}
        self._name = name
        self._values = 0

    def read(self, node: yaml.Node, key: Key) -> Tree:
        self.places[key] = _at(self._name, node.start_mark)
        self._values += 1
        if self._values > MOST_VALUES or len(key) > DEEPEST:
            self.refuse(node, key, "this unfolds to too many values; write them out, without aliases")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            self.expect_tag(node, key, "seq")
            return [self.read(child, (*key, at)) for at, child in enumerate(node.value)]
        return self.scalar(node, key)

    def mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Tree]:
        self.expect_tag(node, key, "map")
        merged: dict[str, Tree] = {}
        tree: dict[str, Tree] = {}
        for name_node, child in node.value:
            if name_node.tag.endswith(":merge"):
                merged |= self.merged(child, key)
                continue
            name = self.name(name_node, key)
            if name in tree:
                self.refuse(name_node, (*key, name), "this key is given twice; keep one of them", name)
            tree[name] = self.read(child, (*key, name))
        self.places[key] = _at(self._name, node.start_mark)
        return {**merged, **tree}

    def merged(self, node: yaml.Node, key: Key) -> dict[str, Tree]:
        """Read what `<<` names: a mapping, or several, of which the first counts most."""
        trees = [self.read(child, key) for child in (node.value if isinstance(node, yaml.SequenceNode) else [node])]
        if not all(isinstance(tree, dict) for tree in trees):
            self.refuse(node, (*key, "<<"), "only mappings can be merged")
        return {name: value for tree in reversed(trees) for name, value in tree.items()}

    def name(self, node: yaml.Node, key: Key) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(node, key, "a key is a word, not a list or a mapping")
        return self.text(node, key)

    def expect_tag(self, node: yaml.Node, key: Key, tag: str) -> None:
        if node.tag != f"tag:yaml.org,2002:{tag}":
            self.refuse(node, key, f"tags are not allowed; leave {node.tag!r} out")

    def scalar(self, node: yaml.Node, key: Key) -> Tree:
        tag = node.tag.removeprefix("tag:yaml.org,2002:")
        text = self.text(node, key)
        if tag in ("str", "merge"):
            return text
        try:
            return _SCALAR_OF[tag](text)
        except KeyError:
            self.refuse(node, key, f"tags are not allowed; leave {node.tag!r} out", text)
        except (ValueError, OverflowError):
            self.refuse(node, key, f"{tag} cannot be read from this", text[:40])

    def text(self, node: yaml.Node, key: Key) -> str:
        text = str(node.value)
        if any("\ud800" <= char <= "\udfff" for char in text):
            self.refuse(node, key, "half of a surrogate pair is no character; leave it out", ascii(text))
        return text

    def refuse(self, node: yaml.Node, key: Key, remedy: str, value: object = "") -> NoReturn:
        raise ManifestError(show(key), value, f"{remedy} ({_at(self._name, node.start_mark)})")


def _whole(text: str) -> int:
    digits = text.replace("_", "")
    if len(digits) > 100:
        raise OverflowError
    return int(digits, 16 if digits.startswith("0x") else 10)


def _decimal(text: str) -> float:
    value = float(text.replace("_", ""))
    if abs(value) == float("inf"):
        raise OverflowError
    return value


_SCALAR_OF = {
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
    "int": _whole,
    "float": _decimal,
}
