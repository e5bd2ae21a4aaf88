"""Shards made of given fragments, and what they hold by the plainest reading of their columns."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

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
from pipelines.mix.shards import Origin, Packing, shard_info, write_shard
from pipelines.tokens.columns import record_type

SOURCES = ("dolma", "pile")
PAD = 7


@dataclass(frozen=True)
class Made:
    """Shards of one phase in a folder."""

    folder: Path
    paths: list[str]
    form: "Form"

    @property
    def packing(self) -> Packing:
        return self.form.packing

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return np.dtype(self.form.dtype)

    @property
    def tables(self) -> list[pa.Table]:
        return [pq.read_table(self.folder / path) for path in self.paths]

    @property
    def rows(self) -> list[dict[str, list[int]]]:
        return [row for table in self.tables for row in table.to_pylist()]

    @property
    def stretches(self) -> list["Stretch"]:
        """The stretches of all rows, in order, without tokens that a later one of their document has again."""
        return [stretch for number, table in enumerate(self.tables) for stretch in _stretches(number, table)]

    @property
    def sequences(self) -> list[list[int]]:
        """The ids of every sequence, without padding and tokens that stand in another one again."""
        found: dict[tuple[int, int], list[int]] = {}
        for each in self.stretches:
            found.setdefault(each.row, []).extend(each.numbers["input_ids"])
        return list(found.values())

    @property
    def tokens(self) -> list[int]:
        return self.column("input_ids")

    def column(self, name: str) -> list[Any]:
        """The numbers of a per-token column, beside `tokens`."""
        return [number for each in self.stretches for number in each.numbers[name]]

    @property
    def documents(self) -> list[list[int]]:
        """The ids of every document, put together again where packing cut it."""
        found: list[list[int]] = []
        before: tuple[int, ...] = ()
        for each in self.stretches:
            shard = each.row[0]
            if before != (shard, *each.fragment, each.start):
                found.append([])
            found[-1] += each.numbers["input_ids"]
            before = (shard, *each.fragment, each.start + len(each.numbers["input_ids"]))
        return [ids for ids in found if ids]

    def chunks(self) -> list[Chunk]:
        return [chunk for path in self.paths for chunk in read_chunks(open_storage(self.folder), path)]


@dataclass
class Stretch:
    """Tokens of a document in a row: their place in the document, and their numbers by column."""

    row: tuple[int, int]
    fragment: tuple[int, ...]
    uid: int
    source: int
    start: int
    numbers: dict[str, list[Any]]


def _stretches(shard: int, table: pa.Table) -> list[Stretch]:
    """Return the stretches of a shard; tokens that a later one of their document has again are taken away."""
    found = []
    columns = [name for name in ("input_ids", "loss_mask", "ref_loss") if name in table.schema.names]
    names = ("doc_uids", "source_ids", "doc_starts", "doc_addresses", "doc_epochs", "doc_pools")
    for number, row in enumerate(table.to_pylist()):
        bounds = np.cumsum([0, *row["doc_lengths"]]).tolist()
        held = zip(pairwise(bounds), *(row[name] for name in names), strict=True)
        for (first, end), uid, source, start, *fragment in held:
            numbers = {name: row[name][first:end] for name in columns}
            found.append(Stretch((shard, number), tuple(fragment), uid, source, start, numbers))
    if shard_info(table.schema).packing.next_token:
        _take_away(found)
    return found


def _take_away(stretches: list[Stretch]) -> None:
    begins: dict[tuple[int, ...], int] = {}
    for each in sorted(stretches, key=lambda stretch: (stretch.start, stretch.row), reverse=True):
        end = begins.get(each.fragment, each.start + len(each.numbers["input_ids"]))
        begins[each.fragment] = each.start
        each.numbers = {name: numbers[: end - each.start] for name, numbers in each.numbers.items()}


def contents(lengths: list[int], form: "Form", seed: int) -> Contents:
    """Fragments of documents, with ids of the whole range; some are neighbours of one document, where rows allow it."""
    chance = np.random.default_rng(seed)
    count, dtype = len(lengths), np.dtype(form.dtype)
    neighbours = np.ones(count, np.int64) if form.packing.next_token else chance.integers(0, 2, count)
    address = np.cumsum(neighbours).astype(np.uint64)
    tokens = np.zeros(sum(lengths), record_type(form.dtype, form.columns))
    (tokens["ids"] if form.columns else tokens)[:] = chance.integers(0, np.iinfo(dtype).max // 2 + 1, len(tokens))
    if "loss_mask" in form.columns:
        tokens["loss_mask"] = chance.integers(0, 2, len(tokens))
    if "ref_loss" in form.columns:
        tokens["ref_loss"] = chance.random(len(tokens)) * 20
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
        ids=tokens,
    )


@dataclass(frozen=True)
class Form:
    """How shards are written: packing, type of the ids, tokens of a row group, and per-token columns."""

    packing: Packing
    dtype: str
    group: int = 1 << 22
    columns: tuple[str, ...] = ()


def make(folder: Path, fragments: list[list[int]], form: Form) -> Made:
    """Write a shard for each list of lengths."""
    origin = Origin("a" * 32, "b" * 32, 17, "web", SOURCES, ("code", "everything"))
    paths = [f"shards/web/part-{number:05d}.parquet" for number in range(len(fragments))]
    (folder / "shards" / "web").mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "ROW_GROUP_TOKENS", form.group)
        for number, (path, lengths) in enumerate(zip(paths, fragments, strict=True)):
            with (folder / path).open("wb") as file:
                write_shard(file, contents(lengths, form, number), form.packing, origin)
    return Made(folder, paths, form)


def written(made: Made, out: Path, exporter: Exporter, unit: str = "", file_bytes: int = 0) -> Written:
    """Write shards in a format; by way of memory, for a disk that is waited for makes property tests slow."""
    memory = Overlay()
    target = Target(
        storage=memory,
        phase="web",
        dtype=made.dtype,
        sequence_length=made.packing.sequence_length,
        row_length=made.packing.row_length,
        columns=made.form.columns,
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
