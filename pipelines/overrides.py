"""Overrides: `--set key=value`, put into a manifest before anything is checked.

In:  a manifest as it was read, and settings such as `mix.phases.0.tokens=1M`.
Out: the manifest with them; messages name the setting where it is wrong.
Guaranteed: a value is read as YAML, exactly as it would be in the file; a setting that leads nowhere is refused.
"""

from collections.abc import Sequence

from pipelines.errors import ManifestError
from pipelines.yaml_keys import Document, Key, Tree, child, parse_document


def override(document: Document, setting: str) -> Document:
    """Return the document with one `key=value` put in.

    Args:
        document: the manifest as it stands.
        setting: such as `mix.phases.0.tokens=1M`: names and list positions with dots between, then a value in YAML.

    Raises:
        ManifestError: there is no such place, or the value is no YAML.
    """
    name, equals, text = setting.partition("=")
    if not equals or not name:
        raise ManifestError(name or "--set", setting, "write --set key=value, such as --set mix.phases.0.tokens=1M")
    value = parse_document(text, f"--set {name}").tree
    key = _resolve(document, name)
    places = {old: place for old, place in document.places.items() if old[: len(key)] != key}
    made = {key[:depth]: f"--set {name}" for depth in range(1, len(key) + 1)}
    return Document(document.name, _replaced(document.tree, key, value), {**made, **places})


def _resolve(document: Document, name: str) -> Key:
    """Return the key that dotted words name; names may hold dots themselves, and the longest that is there counts."""
    key: Key = ()
    tree, parts = document.tree, name.split(".")
    while parts:
        part, used = _step(tree, parts)
        if part is None:
            raise ManifestError(
                name, tree, f"there is no {parts[0]!r} in this; list positions count from 0 (--set {name})"
            )
        key, tree, parts = (*key, part), child(_unfolded(tree, part), part), parts[used:]
    return key


def _step(tree: Tree, parts: Sequence[str]) -> tuple[str | int | None, int]:
    """Return the next part of a key and how many dotted words it takes; None where it leads nowhere."""
    if isinstance(tree, list):
        inside = parts[0].isascii() and parts[0].isdigit() and int(parts[0]) <= len(tree)
        return (int(parts[0]) if inside else None), 1
    if isinstance(tree, dict):
        known = (used for used in range(len(parts), 0, -1) if ".".join(parts[:used]) in tree)
        used = next(known, 1)
        return ".".join(parts[:used]), used
    return (parts[0] if tree is None or tree == parts[0] else None), 1


def _unfolded(tree: Tree, part: str | int) -> Tree:
    """Return a mapping for what stands for one: nothing, or a stage's bare name."""
    return {part: None} if tree is None or tree == part else tree


def _replaced(tree: Tree, key: Key, value: Tree) -> Tree:
    """Return a copy of `tree` with `value` at `key`."""
    if not key:
        return value
    part, rest = key[0], key[1:]
    tree = _unfolded(tree, part)
    new = _replaced(child(tree, part), rest, value)
    if isinstance(tree, list) and isinstance(part, int):
        return [*tree[:part], new, *tree[part + 1 :]]
    return {**tree, part: new}
