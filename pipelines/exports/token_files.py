"""Token files: nothing but ids, one behind the other, in files of bounded size.

In:  chunks of a phase, what an item is, and a target.
Out: files of little-endian ids, where items begin in each, and beside each a file of what a format keeps per token.
Guaranteed: every real token once, in its order, and no padding. Each file but a phase's last holds the same number of
    tokens, a multiple of what its reader takes at a time, so that nothing is left over where a file ends. An item that
    a file's end cuts begins anew in the next. Memory: a chunk, and 8 to 26 bytes for each item of one file.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.engine.receipts import FileNote
from pipelines.exports.chunks import Chunk
from pipelines.exports.formats import Target
from pipelines.exports.runs import UNITS, Run, into_files
from pipelines.mix.pools import I64


@dataclass(frozen=True)
class Kind:
    """What token files a format wants.

    Args:
        suffix: of their names, with its dot.
        stored: how an id is stored.
        window: ids that a reader takes at a time.
        columns: which columns of its runs are kept for each item, besides where it begins.
        beside: per-token column -> suffix of the file that it goes to, where shards have the column.
    """

    suffix: str
    stored: np.dtype[Any]
    window: int
    columns: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)

    def path_beside(self, path: str, column: str) -> str:
        """Return where the numbers of a file's tokens go."""
        return path.removesuffix(self.suffix) + self.beside[column]


@dataclass(frozen=True)
class TokenFile:
    """A file of tokens.

    Args:
        path: where it is.
        notes: its size and hash, and those of the files of per-token columns beside it, by path.
        tokens: how many it holds.
        begin: int64, place of each item's first token; the first is 0.
        items: further columns of the items, by name.
    """

    path: str
    notes: dict[str, FileNote]
    tokens: int
    begin: I64
    items: dict[str, npt.NDArray[Any]]

    @property
    def end(self) -> I64:
        """Place behind each item's last token."""
        return np.append(self.begin[1:], self.tokens)


def write_token_files(chunks: Iterable[Chunk], target: Target, kind: Kind) -> Iterator[TokenFile]:
    """Write the tokens of a phase, and yield each file when it is whole."""
    runs = map(UNITS[target.unit], chunks)
    for number, group in groupby(into_files(runs, _tokens_in_file(target, kind)), key=itemgetter(0)):
        yield _write_file((run for _, run in group), target, kind, target.path(f"part-{number:05d}{kind.suffix}"))


def _tokens_in_file(target: Target, kind: Kind) -> int:
    return max(target.file_bytes // kind.stored.itemsize // kind.window, 1) * kind.window


def _write_file(runs: Iterable[Run], target: Target, kind: Kind, path: str) -> TokenFile:
    held: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in ("at", *kind.columns)}
    tokens = 0
    with ExitStack() as stack:
        file = stack.enter_context(target.writing(path))
        paths = {name: kind.path_beside(path, name) for name in target.columns if name in kind.beside}
        beside = {name: stack.enter_context(target.writing(each)) for name, each in paths.items()}
        for run in runs:
            file.write(run.ids.astype(kind.stored, copy=False).tobytes())
            for name, other in beside.items():
                other.write(_stored(run.columns[name]))
            begins = run.begins | (run.at + tokens == 0)
            for name, parts in held.items():
                parts.append(getattr(run, name)[begins] + (tokens if name == "at" else 0))
            tokens += len(run.ids)
    items = {name: np.concatenate(parts) for name, parts in held.items()}
    notes = {path: file.note(), **{paths[name]: other.note() for name, other in beside.items()}}
    return TokenFile(path, notes, tokens, items.pop("at"), items)


def _stored(numbers: npt.NDArray[Any]) -> bytes:
    """Return numbers as little-endian bytes."""
    return numbers.astype(numbers.dtype.newbyteorder("<"), copy=False).tobytes()
