"""Folders of a finished build, as far as the loader reads them: shards by the real writer, and the lock."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from pipelines.engine.storage import Storage
from pipelines.loader.finished import FinishedLock
from pipelines.mix import shards
from pipelines.mix.contents import Contents
from pipelines.mix.shards import METADATA_KEY, Origin, Packing, plan_shard, shard_info, shard_tables, write_shard

MANIFEST, TOKENIZER = "b" * 32, "a" * 32
PAD = 65_535

Phases = Mapping[str, Sequence[Sequence[int]]]
"""Phase -> the lengths of the fragments of each of its shards."""


@dataclass(frozen=True)
class Form:
    """How shards are written: inputs of a sequence, tokens of a row group, and whether the next token is stored."""

    length: int = 8
    group: int = 24
    next_token: bool = False
    method: Literal["concat", "pad_truncate"] = "concat"


def contents(lengths: Sequence[int], first: int = 0) -> Contents:
    """Return fragments whose ids count up from `first`, modulo what is below `PAD`."""
    count, numbers = len(lengths), np.arange(len(lengths), dtype=np.uint64)
    return Contents(
        t=numbers,
        pool=np.zeros(count, np.uint16),
        uid=numbers + np.uint64(1000 * first),
        piece=np.zeros(count, np.uint32),
        epoch=np.zeros(count, np.int64),
        start=np.zeros(count, np.int64),
        address=numbers,
        source=np.zeros(count, np.uint16),
        length=np.array(lengths, np.int64),
        ids=(np.arange(first, first + sum(lengths)) % PAD).astype(np.uint16),
    )


def write_build(storage: Storage, phases: Phases, form: Form, manifest: str = MANIFEST) -> list[str]:
    """Write the shards of some phases, and the lock; return the paths of the shards, in order."""
    held, first = {}, 0
    for phase, lengths_of_shards in phases.items():
        for number, lengths in enumerate(lengths_of_shards):
            data = shard_bytes(contents(lengths, first), form, phase, manifest)
            path = f"shards/{phase}/part-{number:05d}.parquet"
            storage.put(path, data)
            held[path] = xxhash.xxh3_128_hexdigest(data)
            first += sum(lengths)
    storage.put("lock.json", msgspec.json.encode(FinishedLock(manifest, TOKENIZER, {"map": {}, "pack": held})))
    return list(held)


def shard_bytes(held: Contents, form: Form, phase: str, manifest: str) -> bytes:
    """Return a shard; with `next_token`, rows of one more id than the metadata say."""
    out, origin = io.BytesIO(), Origin(TOKENIZER, manifest, 1, phase, ("a",), ("a",))
    packing = Packing(form.method, form.length + form.next_token, PAD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "ROW_GROUP_TOKENS", form.group)
        write_shard(out, held, packing, origin)
    return _said_shorter(out.getvalue(), held, packing, form) if form.next_token else out.getvalue()


def _said_shorter(data: bytes, held: Contents, packing: Packing, form: Form) -> bytes:
    """Return the shard again, its metadata saying how many inputs a sequence has."""
    schema, out = pq.read_schema(io.BytesIO(data)), io.BytesIO()
    info = msgspec.structs.replace(shard_info(schema), packing=Packing(form.method, form.length, PAD))
    metadata = {METADATA_KEY: msgspec.json.encode(info)}
    with pq.ParquetWriter(out, schema.with_metadata(metadata)) as writer:
        for table in shard_tables(held, packing, plan_shard(held, packing)):
            writer.write_table(table, row_group_size=max(form.group // form.length, 1))
    return out.getvalue()


def whole_table(folder: Path, paths: Sequence[str]) -> pa.Table:
    """Return the rows of shards as pyarrow reads them."""
    tables = [pq.read_table(folder / path).replace_schema_metadata(None) for path in paths]
    return pa.concat_tables(tables)
