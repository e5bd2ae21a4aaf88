"""Runs: tokens in a row, without padding, and where items begin among them.

In:  chunks of sequences.
Out: runs whose items are documents or whole sequences; the same, cut where a file is full.
Guaranteed: every real token once, in its order: where `next_token` has a stretch end with the token that the next one
    of their document begins with, it ends before that. No run is empty.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.engine.keys import U64
from pipelines.exports.chunks import Booleans, Chunk
from pipelines.mix.contents import U16, Tokens
from pipelines.mix.pools import I64


@dataclass(frozen=True)
class Run:
    """Tokens in a row, and the stretches that they are; one value per stretch in every column but those of tokens.

    Args:
        ids: uint16 or uint32, the tokens.
        columns: per-token columns by name, each like `ids`.
        at: int64, place of the stretch's first token in `ids`; the first is 0.
        begins: bool, whether an item begins there; false where it goes on with the stretch before.
        uid: uint64, of its document.
        source: uint16, position of the source's name in the shard's table of sources.
        start: int64, first token's offset in the document's run.
    """

    ids: Tokens
    columns: Mapping[str, npt.NDArray[Any]]
    at: I64
    begins: Booleans
    uid: U64
    source: U16
    start: I64

    def cut(self, tokens: int) -> tuple["Run", "Run"]:
        """Return the first tokens, and the rest; a stretch that is cut goes on in the rest."""
        inner = int(np.searchsorted(self.at, tokens))
        outer = int(np.searchsorted(self.at, tokens, side="right")) - 1
        return self._part(slice(0, inner), 0, tokens), self._part(slice(outer, None), tokens, len(self.ids))

    def _part(self, held: slice, first: int, last: int) -> "Run":
        at = self.at[held] - first
        return Run(
            ids=self.ids[first:last],
            columns={name: values[first:last] for name, values in self.columns.items()},
            at=np.maximum(at, 0),
            begins=self.begins[held] & (at >= 0),
            uid=self.uid[held],
            source=self.source[held],
            start=self.start[held] - np.minimum(at, 0),
        )


def documents(chunk: Chunk) -> Run:
    """Return a chunk's tokens; an item is a document, or as much of it as was placed here."""
    return _run(chunk, chunk.stretches.begins)


def sequences(chunk: Chunk) -> Run:
    """Return a chunk's tokens; an item is a packed sequence, without tokens that stand in another one again."""
    begins = np.zeros(len(chunk.stretches.length), np.bool_)
    begins[chunk.bounds[:-1]] = True
    return _run(chunk, begins)


def _run(chunk: Chunk, begins: Booleans) -> Run:
    """Return the tokens, each where it stands last, and the stretches that have some."""
    held, kept = chunk.stretches, _kept(chunk)
    tokens = {name: values.reshape(-1) if kept is None else values[kept] for name, values in chunk.rows.items()}
    length = held.length - held.repeated
    some = length > 0
    return Run(
        ids=tokens.pop("input_ids"),
        columns=tokens,
        at=(np.cumsum(length) - length)[some],
        begins=begins[some],
        uid=held.uid[some],
        source=held.source[some],
        start=held.start[some],
    )


def _kept(chunk: Chunk) -> Booleans | None:
    """Return which ids of a chunk are tokens that are not repeated in another row; None: all of them."""
    held = chunk.stretches
    if not held.repeated.any() and (chunk.real == chunk.ids.shape[1]).all():
        return None
    kept: Booleans = np.arange(chunk.ids.shape[1]) < chunk.real[:, None]
    row = np.repeat(np.arange(len(chunk.ids)), np.diff(chunk.bounds))
    end = np.cumsum(held.length)
    place = end - 1 - (end - held.length)[chunk.bounds[:-1]][row]
    kept[row[held.repeated], place[held.repeated]] = False
    return kept


UNITS: dict[str, Callable[[Chunk], Run]] = {"documents": documents, "sequences": sequences}
"""What an item of a stream of tokens can be -> what finds them."""


def into_files(runs: Iterable[Run], tokens: int) -> Iterator[tuple[int, Run]]:
    """Yield runs with the number of the file that they belong to; each file but the last holds `tokens`."""
    number, room = 0, tokens
    for run in runs:
        rest = run
        while len(rest.ids) > room:
            head, rest = rest.cut(room)
            yield number, head
            number, room = number + 1, tokens
        yield number, rest
        room -= len(rest.ids)
        if room == 0:
            number, room = number + 1, tokens
