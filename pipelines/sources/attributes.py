"""Attributes: scored spans of documents, in JSON lines beside them, as taggers and dedupers publish them.

In:  an open file of lines {id, attributes: {name: [[start, end, score], ...]}}, plain, gzip or zstd.
Out: the ids; per wanted name the scores of each document, and its spans in characters.
Guaranteed: a name that a row does not have is an empty list there, as taggers leave out what they found nothing for. A
bare number, true (1) or false (0) is one score with an empty span. A line or a value that is none of this is null; a
file that breaks off counts as far as it goes. Scores are the very float64 of the JSON; one of null stays null.

The format is Dolma's (allenai/dolma, docs/data-format.md); RedPajama v2's quality signals have the same, under another
key (RedPajama-Data, app/src/core/schema/rp.py). Positions count Unicode code points, as Python and Rust's `chars` do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, BinaryIO, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from filters.spans import spans_name
from pipelines.sources.blocks import line_blocks
from pipelines.sources.companions import SCORES, SPANS, Companion
from pipelines.sources.joining import Told
from pipelines.sources.streams import Problem, chunks, told

Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Scored: TypeAlias = tuple[Position, Position, float | None]
Object: TypeAlias = dict[str, msgspec.Raw]

_VALUES = msgspec.json.Decoder(list[Scored] | float | bool | None)
_OBJECTS = msgspec.json.Decoder(Object)
BROKEN = (ValueError, RecursionError)
"""What msgspec raises where something is not what is asked for."""


def read_attributes(companion: Companion, file: BinaryIO) -> Told:
    """Return the scores and the spans of the names that the companion's fields ask for."""
    rows = _Rows(companion)
    problem = ""
    for block in line_blocks(chunks(file, told(file))):
        if isinstance(block, Problem):
            problem = str(block)
        else:
            rows.add(line for line in block.data[block.begin : block.end].split(b"\n") if line.strip())
    if rows.unreadable and not problem:
        problem = f"{rows.unreadable} rows or values are no attributes"
    return rows.told(problem)


@dataclass
class _Values:
    """The scored spans of one name, document by document.

    Args:
        counts: spans of each document; None where the value is none.
        spans: of all documents, one after another.
        done: scores and places, as made of earlier blocks.
    """

    counts: list[int | None] = field(default_factory=list)
    spans: list[Scored] = field(default_factory=list)
    done: list[tuple[pa.ListArray, pa.ListArray]] = field(default_factory=list)

    def add(self, value: Sequence[Scored] | None) -> None:
        self.counts.append(None if value is None else len(value))
        self.spans += value or ()

    def close(self) -> None:
        """Make arrays of what was added."""
        known = np.array([count is not None for count in self.counts], np.bool_)
        ends = np.cumsum([0, *(count or 0 for count in self.counts)])
        scores = pa.array([score for _, _, score in self.spans], pa.float64())
        places = np.empty((len(self.spans), 2), np.uint32)
        places[:, 0], places[:, 1] = [start for start, _, _ in self.spans], [end for _, end, _ in self.spans]
        self.done.append((_lists(ends, ~known, scores), _lists(ends * 2, ~known, pa.array(places.reshape(-1)))))
        self.counts, self.spans = [], []

    def arrays(self) -> tuple[pa.ListArray, pa.ListArray]:
        """Return scores and spans of all documents."""
        scores = pa.concat_arrays([pa.array([], SCORES), *(each for each, _ in self.done)])
        return scores, pa.concat_arrays([pa.array([], SPANS), *(each for _, each in self.done)])


def _lists(ends: Any, missing: Any, values: pa.Array) -> pa.ListArray:  # noqa: ANN401 - numpy arrays of some kind
    return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), values, mask=pa.array(missing))


class _Rows:
    """Decodes lines, block by block."""

    def __init__(self, companion: Companion) -> None:
        row = msgspec.defstruct(
            "Row", [("id", str | int), ("values", Object)], rename={"id": companion.id, "values": companion.key}
        )
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)
        self._fields = companion.fields
        self._values = {name: _Values() for name in companion.fields}
        self._ids: list[str | None] = []
        self.unreadable = 0

    def add(self, lines: Iterator[bytes]) -> None:
        """Decode the lines of a block."""
        for line in lines:
            row = self._row(line)
            self._ids.append(None if row is None else str(row.id))
            for name, path in self._fields.items():
                self._values[name].add(None if row is None else self._value(row.values, path))
        for values in self._values.values():
            values.close()

    def _row(self, line: bytes) -> Any:  # noqa: ANN401 - a struct made at run time
        try:
            return self._decoder.decode(line)
        except BROKEN:
            self.unreadable += 1
            return None

    def _value(self, found: Object, path: str) -> list[Scored] | None:
        """Return the scored spans at `path`: a key, or keys with dots between them."""
        try:
            raw = _at(found, path)
            value = None if raw is None else _VALUES.decode(raw)
        except BROKEN:
            self.unreadable += 1
            return None
        if value is None or isinstance(value, list):
            return value or []
        return [(0, 0, float(value))]

    def told(self, problem: str) -> Told:
        """Return all that was decoded."""
        columns: dict[str, pa.Array] = {}
        for name, values in self._values.items():
            columns[name], columns[spans_name(name)] = values.arrays()
        return Told(pa.array(self._ids, pa.string()), columns, problem)


def _at(found: Object, path: str) -> msgspec.Raw | None:
    if path in found:
        return found[path]
    head, dot, rest = path.partition(".")
    return _at(_OBJECTS.decode(found[head]), rest) if dot and head in found else None
