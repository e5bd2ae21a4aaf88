"""Shards made of given fragments, and what they hold by the plainest reading of their columns."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.audit.overlay import Overlay
from pipelines.engine.storage import open_storage
from pipelines.exports.chunks import Chunk, read_chunks
from pipelines.exports.formats import Exporter, Target, Written
from pipelines.mix import shards
from pipelines.mix.contents import Contents
from pipelines.mix.shards import Origin, Packing, write_shard

SOURCES = ("dolma", "pile")
PAD = 7


@dataclass(frozen=True)
class Made:
    """Shards of one phase in a folder."""

    folder: Path
    paths: list[str]
    packing: Packing
    dtype: np.dtype[np.unsignedinteger]

    @property
    def tables(self) -> list[pa.Table]:
        return [pq.read_table(self.folder / path) for path in self.paths]

    @property
    def rows(self) -> list[dict[str, list[int]]]:
        return [row for table in self.tables for row in table.to_pylist()]

    @property
    def sequences(self) -> list[list[int]]:
        """The ids of every sequence, without padding."""
        return [row["input_ids"][: sum(row["doc_lengths"])] for row in self.rows]

    @property
    def tokens(self) -> list[int]:
        return [token for sequence in self.sequences for token in sequence]

    @property
    def documents(self) -> list[list[int]]:
        """The ids of every document, put together again where packing cut it."""
        return [ids for table in self.tables for ids in _documents(table)]

    def chunks(self) -> list[Chunk]:
        return [chunk for path in self.paths for chunk in read_chunks(open_storage(self.folder), path)]


def _documents(table: pa.Table) -> list[list[int]]:
    found: list[list[int]] = []
    before: tuple[int, ...] = ()
    names = ("doc_addresses", "doc_epochs", "doc_pools", "doc_starts")
    for row in table.to_pylist():
        bounds = np.cumsum([0, *row["doc_lengths"]]).tolist()
        for (first, end), *named in zip(pairwise(bounds), *(row[name] for name in names), strict=True):
            if before != tuple(named):
                found.append([])
            found[-1] += row["input_ids"][first:end]
            before = (*named[:3], named[3] + end - first)
    return found


def contents(lengths: list[int], dtype: np.dtype[np.unsignedinteger], seed: int) -> Contents:
    """Fragments of documents, some of them neighbours of one document, with ids of the whole range."""
    chance = np.random.default_rng(seed)
    count = len(lengths)
    address = np.cumsum(chance.integers(0, 2, count)).astype(np.uint64)
    return Contents(
        t=np.arange(count, dtype=np.uint64),
        pool=(chance.random(count) < 0.1).astype(np.uint16),
        uid=address + np.uint64(2**63),
        piece=np.zeros(count, np.uint32),
        epoch=(chance.random(count) < 0.1).astype(np.int64),
        start=chance.integers(0, 3, count),
        address=address,
        source=(address % 2).astype(np.uint16),
        length=np.array(lengths, np.int64),
        ids=chance.integers(0, np.iinfo(dtype).max // 2 + 1, sum(lengths)).astype(dtype),
    )


def make(folder: Path, fragments: list[list[int]], packing: Packing, dtype: str, group: int = 1 << 22) -> Made:
    """Write a shard for each list of lengths; row groups hold `group` tokens."""
    ids: np.dtype[np.unsignedinteger] = np.dtype(dtype)
    origin = Origin("a" * 32, "b" * 32, 17, "web", SOURCES, ("code", "everything"))
    paths = [f"shards/web/part-{number:05d}.parquet" for number in range(len(fragments))]
    (folder / "shards" / "web").mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "ROW_GROUP_TOKENS", group)
        for number, (path, lengths) in enumerate(zip(paths, fragments, strict=True)):
            with (folder / path).open("wb") as file:
                write_shard(file, contents(lengths, ids, number), packing, origin)
    return Made(folder, paths, packing, ids)


def written(made: Made, out: Path, exporter: Exporter, unit: str = "", file_bytes: int = 0) -> Written:
    """Write shards in a format; by way of memory, for a disk that is waited for makes property tests slow."""
    memory = Overlay()
    target = Target(
        storage=memory,
        phase="web",
        dtype=made.dtype,
        sequence_length=made.packing.sequence_length,
        unit=unit or exporter.units[0],
        file_bytes=file_bytes or exporter.file_bytes,
        tokenizer="some/tokenizer",
        sources=SOURCES,
    )
    done = exporter.write(made.chunks(), target)
    for path in done.files:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(memory.read(path))
    return done
