"""Formats: what the exporter of a format is given, what it gives back, and what is known of it beforehand.

In:  nothing.
Out: `Target`, `Written`, `Exporter`.
Guaranteed: an exporter sees chunks and a target, and nothing else of a build.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from pipelines.engine.parts import HashingFile
from pipelines.engine.receipts import FileNote
from pipelines.engine.storage import Storage
from pipelines.exports.chunks import Chunk


@dataclass(frozen=True)
class Target:
    """Where one phase goes, and what its exporter needs to know.

    Args:
        storage: the folder of the export.
        phase: name of the phase; its files are in a folder of that name.
        dtype: of the ids: uint16 or uint32.
        sequence_length: ids that a sequence trains on.
        row_length: ids in a row: `sequence_length`, or one more where the shards hold the next token too.
        columns: per-token columns of the shards.
        unit: what an item is, one of the exporter's `units`.
        file_bytes: about how many bytes a file holds at most.
        tokenizer: what the tokenizer is called in the export.
        sources: names that the stretches' `source` points into.
    """

    storage: Storage
    phase: str
    dtype: np.dtype[np.unsignedinteger]
    sequence_length: int
    row_length: int
    columns: tuple[str, ...]
    unit: str
    file_bytes: int
    tokenizer: str
    sources: tuple[str, ...]

    def path(self, name: str) -> str:
        """Return the path of one of the phase's files."""
        return f"{self.phase}/{name}"

    @contextmanager
    def writing(self, path: str) -> Iterator[HashingFile]:
        """Give a file that counts and hashes what is written; it appears, whole, when the block ends without error."""
        with self.storage.write(path) as file:
            yield HashingFile(file)


@dataclass(frozen=True)
class Written:
    """What an exporter wrote of a phase.

    Args:
        files: path -> size and hash.
        items: documents or sequences, as the format counts them.
        tokens: real tokens; where the format keeps rows, as often as they stand in rows.
        padding: ids of padding.
    """

    files: dict[str, FileNote]
    items: int
    tokens: int
    padding: int = 0


@dataclass(frozen=True)
class Exporter:
    """A format.

    Args:
        write: takes the chunks of a phase, in order, and a target; writes files, and none where there are no chunks.
        about: who reads it.
        units: what an item can be; the first is the default.
        file_bytes: how many bytes a file holds at most where nothing else is asked.
        columns: which columns of the shards the export holds.
        pointer: how a trainer is told of it; `{out}`, `{phase}`, `{length}` and `{dtype}` stand for what they say,
            `{row}` for the ids of a row, `{prefixes}` for the paths of all `.idx` files without their suffix, `{place}`
            for `local` or `remote`.
        mask_pointer: what is added to it where there is a loss mask.
        keeps_rows: whether rows stand in it as they are, with their padding and what they repeat.
        needs_eos: whether its reader finds the ends of documents by their EOS.
        largest_file: how many bytes a file can hold.
    """

    write: Callable[[Iterable[Chunk], Target], Written]
    about: str
    units: tuple[str, ...]
    file_bytes: int
    columns: tuple[str, ...]
    pointer: str
    mask_pointer: str = ""
    keeps_rows: bool = False
    needs_eos: bool = False
    largest_file: int = (1 << 63) - 1
