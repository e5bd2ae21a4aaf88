"""Refusals: what pydantic finds wrong, said as a manifest's author needs it.

In:  a part of a manifest, the model it must fit, and the key at which it stands.
Out: the model, or a ManifestError with key, value and remedy.
Guaranteed: an unknown key names the nearest known one; of several mistakes the misspelt key is named first.
"""

import difflib
import json
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines.yaml_keys import Document, Key, Tree

Model = TypeVar("Model", bound=BaseModel)

REMEDIES = {
    "missing": "this key is needed",
    "string_type": "write text",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "finite_number": "write a finite number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "list_type": "write a list",
    "tuple_type": "write a list",
    "set_type": "write a list",
    "frozen_set_type": "write a list",
    "dict_type": "write keys and values",
    "model_type": "write keys and values",
    "model_attributes_type": "write keys and values",
    "greater_than": "write a number greater than {gt:.17g}",
    "greater_than_equal": "write a number of at least {ge:.17g}",
    "less_than": "write a number less than {lt:.17g}",
    "less_than_equal": "write a number of at most {le:.17g}",
    "literal_error": "write one of {expected}",
    "enum": "write one of {expected}",
    "too_short": "write at least {min_length}",
    "string_too_short": "write at least {min_length} characters",
    "too_long": "write at most {max_length}",
}
"""What to do about pydantic's kinds of error; the others are said in its own words."""


def fit(document: Document, key: Key, model: type[Model], tree: Tree) -> Model:
    """Return `tree`, which stands at `key`, as a `model`.

    Read as JSON, strictly: a whole number is a number, but text is none, and neither is `true`.

    Raises:
        ManifestError: it does not fit; the message names the first thing to mend.
    """
    try:
        return model.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        _refuse(document, key, model, tree, error.errors(include_url=False))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return words that lead from a wrong name to the right one; of near ones, rather one with the same first part."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names)
    close.sort(key=lambda other: other.split("_")[0] != name.split("_", maxsplit=1)[0])
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}known: {', '.join(names) or 'none'}"


def _refuse(document: Document, key: Key, model: type[BaseModel], tree: Tree, errors: list[ErrorDetails]) -> NoReturn:
    located = [(_way(tree, error), error) for error in errors]
    unknown = [(way, error) for way, error in located if error["type"] == "extra_forbidden"]
    first = (unknown or located)[0][0]
    way = max((way for way, _ in unknown or located if way[:1] == first[:1]), key=len)
    here = [error for other, error in located if other == way]
    named = way[-1] if any(error["loc"][-1:] == ("[key]",) for error in here) else None
    document.refuse((*key, *way), ", or ".join(dict.fromkeys(_remedy(model, way, error) for error in here)), named)


def _way(tree: Tree, error: ErrorDetails) -> Key:
    """Return the way to the value in question: pydantic's own, without the names of the types it tried."""
    way: Key = ()
    for part in error["loc"]:
        inside = isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        if inside or (isinstance(tree, dict) and part in tree):
            way, tree = (*way, part), tree[part]
    return (*way, error["loc"][-1]) if error["type"] == "missing" else way


def _remedy(model: type[BaseModel], way: Key, error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; {nearest(str(way[-1]), _known_keys(model, way[:-1]))}"
    if kind in REMEDIES:
        return REMEDIES[kind].format(**context)
    return error["msg"].removeprefix("Value error, ")


def _known_keys(model: Any, way: Key) -> list[str]:  # noqa: ANN401 - any annotation can stand in a model
    """Return the keys that a model, or a model inside it, knows."""
    models = [model]
    for part in way:
        fields = (field for each in models for name, field in each.model_fields.items() if part in (name, field.alias))
        found = [inner for field in fields for inner in _models_in(field.annotation)]
        models = found or models
    return [field.alias or name for each in models for name, field in each.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any annotation can stand in a model
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [inner for part in getattr(annotation, "__args__", ()) for inner in _models_in(part)]
