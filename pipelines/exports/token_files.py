"""Token files: nothing but ids, one behind the other, in files of bounded size.

In:  chunks of a phase, what an item is, and a target.
Out: files of little-endian ids, and where items begin in each.
Guaranteed: every real token once, in its order, and no padding. Each file but a phase's last holds the same number of
    tokens, a multiple of what its reader takes at a time, so that nothing is left over where a file ends. An item that
    a file's end cuts begins anew in the next. Memory: a chunk, and 8 to 26 bytes for each item of one file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
    """

    suffix: str
    stored: np.dtype[Any]
    window: int
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenFile:
    """A file of tokens.

    Args:
        path: where it is.
        note: its size and hash.
        tokens: how many it holds.
        begin: int64, place of each item's first token; the first is 0.
        items: further columns of the items, by name.
    """

    path: str
    note: FileNote
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
    with target.writing(path) as file:
        for run in runs:
            file.write(run.ids.astype(kind.stored, copy=False).tobytes())
            begins = run.begins | (run.at + tokens == 0)
            for name, parts in held.items():
                parts.append(getattr(run, name)[begins] + (tokens if name == "at" else 0))
            tokens += len(run.ids)
    items = {name: np.concatenate(parts) for name, parts in held.items()}
    return TokenFile(path, file.note(), tokens, items.pop("at"), items)
