"""The catalogue of signals, for people: what each number means, and which stage measures it.

In:  a pattern, or none.
Out: entries in the order of the catalogue, so that a family stands together.
Guaranteed: nothing is measured and nothing is opened.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pyarrow as pa

from filters.signals import SIGNALS
from filters.signals.classifier import CLASSIFIER
from filters.signals.word_list import WORD_LIST
from pipelines.catalog import STAGES
from pipelines.errors import RequestError

OWN = dict.fromkeys(CLASSIFIER, ("classifier",)) | dict.fromkeys(WORD_LIST, ("word_list",))
"""Signals that are called after what a manifest calls its stage; the catalogue holds one as an example."""


@dataclass(frozen=True)
class Entry:
    """A signal.

    Args:
        name: the column of the ledger, and what expressions call it.
        type: of the column, in Arrow's words.
        unit: what one is one of.
        definition: how it is computed.
        source: where it was published.
        stages: names of the stages that measure it; the first is the one that measures it where an expression asks.
    """

    name: str
    type: str
    unit: str
    definition: str
    source: str
    stages: tuple[str, ...]


def entries() -> Iterator[Entry]:
    """Yield all signals."""
    for name, each in SIGNALS.items():
        stages = tuple(stage for stage, kind in STAGES.items() if name in kind.measured) or OWN.get(name, ())
        yield Entry(name, type_name(each.dtype), each.unit, each.definition, each.source, stages)


def type_name(kind: pa.DataType) -> str:
    """Return the name of a column's type: `int64`, `float32`, `list<float32>`."""
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def find_signals(pattern: str = "") -> list[Entry]:
    """Return the signals that a pattern names.

    Args:
        pattern: a word in a name, a definition, a unit, a source or a stage's name, in any case; with `*` or `?`, the
            whole of a name.

    Raises:
        RequestError: there is none.
    """
    every = list(entries())
    found = [entry for entry in every if _matches(entry, pattern.lower())]
    if not found:
        close = difflib.get_close_matches(pattern.lower(), [entry.name for entry in every], 3)
        meant = f"did you mean {' or '.join(close)}? " if close else ""
        raise RequestError(f"no signal has {pattern!r} in its name or definition; {meant}`gristmill signals` lists all")
    return found


def _matches(entry: Entry, pattern: str) -> bool:
    if set(pattern) & set("*?"):
        return fnmatchcase(entry.name.lower(), pattern)
    said = (entry.name, entry.definition, entry.unit, entry.source, *entry.stages)
    return any(pattern in each.lower() for each in said)
