"""Entries of a manifest that the catalogue knows: sources and stages.

In:  `sources:` and `stages:` of a manifest that was read.
Out: a frozen model for each of them.
Guaranteed: a name that is not in the catalogue is refused with the nearest one that is.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializeAsAny

from filters import datatrove
from filters.batch import Stage
from pipelines.catalog import STAGES
from pipelines.expressions import ExpressionError, parse
from pipelines.refusals import fit, nearest
from pipelines.sources.formats import SOURCES
from pipelines.sources.options import SourceOptions
from pipelines.yaml_keys import Document, Key, Tree


class StageEntry(BaseModel):
    """A stage as the manifest asks for it.

    Args:
        name: in the catalogue.
        on: names and tags of the sources whose documents it sees; None for all.
        stage: its options.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    on: tuple[str, ...] | None
    stage: SerializeAsAny[Stage]


class _Applied(BaseModel):
    """The one option that every stage has."""

    on: tuple[str, ...] | None = None


def read_sources(document: Document) -> dict[str, SourceOptions]:
    """Return the sources of a manifest by name."""
    return {name: _source(document, ("sources", name), tree) for name, tree in document.tree["sources"].items()}


def _source(document: Document, key: Key, tree: Tree) -> SourceOptions:
    if not isinstance(tree, dict):
        document.refuse(key, "write keys and values, such as {format: jsonl, path: data/*.jsonl}")
    kind = tree.get("format")
    if not isinstance(kind, str) or kind not in SOURCES:
        document.refuse((*key, "format"), f"unknown format; {nearest(str(kind), SOURCES)}")
    return fit(document, key, SOURCES[kind], tree)


def read_stages(document: Document) -> tuple[StageEntry, ...]:
    """Return the stages of a manifest, in order."""
    return tuple(_stage(document, ("stages", at), tree) for at, tree in enumerate(document.tree.get("stages", [])))


def _stage(document: Document, key: Key, tree: Tree) -> StageEntry:
    if isinstance(tree, str):
        return _entry(document, key, tree, {})
    if not isinstance(tree, dict) or len(tree) != 1:
        document.refuse(key, "write one stage: its name, or {name: {option: value}}; each stage is an item of its own")
    ((name, options),) = tree.items()
    return _entry(document, (*key, name), name, options)


def _entry(document: Document, key: Key, name: str, tree: Tree) -> StageEntry:
    kind = _kind(document, key, name)
    options = _options(document, key, name, tree)
    known = {*kind.model_fields, "on"}
    for option in (option for option in options if option not in known):
        document.refuse((*key, option), f"unknown key; {nearest(option, known)}")
    _read_expressions(document, key, kind, options)
    on = fit(document, key, _Applied, {option: options[option] for option in options if option == "on"}).on
    stage = fit(document, key, kind, {option: options[option] for option in options if option != "on"})
    return StageEntry(name=name, on=on, stage=stage)


def _kind(document: Document, key: Key, name: str) -> type[Stage]:
    """Return the class of a stage: of the catalogue, or made from a filter of datatrove."""
    if name in STAGES:
        return STAGES[name]
    if not name.startswith(datatrove.PREFIX):
        document.refuse(key, f"unknown stage; {nearest(name, STAGES)}")
    wanted = name.removeprefix(datatrove.PREFIX)
    try:
        return datatrove.stage_class(wanted)
    except LookupError:
        document.refuse(key, f"unknown filter; {nearest(wanted, datatrove.installed_filters())}")
    except (ImportError, ValueError) as error:
        document.refuse(key, str(error))


def options_naming(stage: type[Stage], what: str) -> list[str]:
    """Return the options of a stage that name "sources" or "signals"; see `filters.batch.measuring`."""
    extras = {option: info.json_schema_extra for option, info in stage.model_fields.items()}
    return [option for option, extra in extras.items() if isinstance(extra, dict) and extra.get("names") == what]


def option_key(document: Document, key: Key, option: str) -> Key:
    """Return where an option of the stage at `key` stands; of `where: expression` it is the stage itself."""
    return key if isinstance(document.value(key), str) else (*key, option)


def _read_expressions(document: Document, key: Key, stage: type[Stage], options: dict[str, Any]) -> None:
    """Refuse an expression that cannot be read, before the stage itself refuses it without its key."""
    for option in options_naming(stage, "signals"):
        text = options.get(option)
        try:
            _ = parse(text) if isinstance(text, str) else None
        except ExpressionError as error:
            document.refuse(option_key(document, key, option), str(error))


def _options(document: Document, key: Key, name: str, tree: Tree) -> dict[str, Any]:
    """Return a stage's options; `where` may be its expression alone."""
    if tree is None:
        return {}
    if name == "where" and isinstance(tree, str):
        return {"expression": tree}
    if not isinstance(tree, dict):
        document.refuse(key, "write the stage's options as keys and values")
    return tree
