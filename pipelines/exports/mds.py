"""MDS: shards of MosaicML Streaming, a sample per training sequence.

In:  the chunks of a phase.
Out: `shard.00000.mds`, ..., and `index.json`, which names them.
Guaranteed: a sample is a row as it is, its padding and its next token included; the shards are those that `MDSWriter`
    of mosaicml-streaming 0.13.0 writes for the same samples and the same limit, to the byte. Memory: one shard.

A sample has the columns `doc_lengths` (int32, tokens of each stretch of a document; their sum is the number of real
tokens, and the rest of the sample is padding), `doc_uids` (uint64) and `tokens` (uint16 or uint32: `sequence_length`,
or one more where the shards have `next_token`), and the shards' per-token columns, named as there, beside `tokens`.

A shard, little-endian: number of samples (u32); where each sample begins in the file, and where the last one ends (u32
each); the description of the columns as JSON; the samples. A sample: the sizes of the columns that have no fixed one
(u32 each), then the columns, sorted by name. A list of n numbers is 0x04, 0x05 or 0x06 (one dimension, told in 1, 2 or
4 bytes), n, and the numbers.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pipelines.engine.receipts import FileNote
from pipelines.exports.chunks import Chunk
from pipelines.exports.formats import Exporter, Target, Written
from pipelines.tokens.columns import TOKEN_COLUMNS

HASH = "xxh3_128"
"""Shards are hashed as all our files are; the format knows the same hash by the same name."""

_LISTS = {"doc_lengths": "ndarray:int32", "doc_uids": "ndarray:uint64"}
"""Columns whose values have no fixed size -> how they are stored; by name they stand before all others."""

Columns: TypeAlias = dict[str, Any]
Sample: TypeAlias = tuple[int, bytes]
"""Real tokens of a sequence, and the sequence as it is stored."""


def write_mds(chunks: Iterable[Chunk], target: Target) -> Written:
    """Write a phase as MDS shards and their index."""
    about = _about(target)
    files: dict[str, FileNote] = {}
    entries: list[Columns] = []
    items = tokens = 0
    for samples in _shards(_samples(chunks, sorted(target.columns)), target.file_bytes, len(_json(about))):
        name = f"shard.{len(entries):05d}.mds"
        note = files[target.path(name)] = _write_shard(target, name, samples, about)
        entries.append(_entry(about, name, note, len(samples)))
        items += len(samples)
        tokens += sum(real for real, _ in samples)
    if entries:
        with target.writing(target.path("index.json")) as out:
            out.write(_json({"shards": entries, "version": 2}))
        files[target.path("index.json")] = out.note()
    return Written(files, items, tokens, items * target.row_length - tokens)


def _about(target: Target) -> Columns:
    """Return what the format says of a shard: its columns, sorted by name, and how it was made."""
    kinds = {name: np.dtype(TOKEN_COLUMNS[name].dtype) for name in sorted(target.columns)} | {"tokens": target.dtype}
    return {
        "column_encodings": [
            *_LISTS.values(),
            *(f"ndarray:{kind.name}:{target.row_length}" for kind in kinds.values()),
        ],
        "column_names": [*_LISTS, *kinds],
        "column_sizes": [None] * len(_LISTS) + [target.row_length * kind.itemsize for kind in kinds.values()],
        "compression": None,
        "format": "mds",
        "hashes": [HASH],
        "size_limit": target.file_bytes,
        "version": 2,
    }


def _entry(about: Columns, name: str, note: FileNote, samples: int) -> Columns:
    data = {"basename": name, "bytes": note.bytes, "hashes": {HASH: note.hash}}
    return {**about, "raw_data": data, "samples": samples, "zip_data": None}


def _samples(chunks: Iterable[Chunk], columns: Sequence[str]) -> Iterator[Sample]:
    for chunk in chunks:
        lengths, uids = chunk.stretches.length.astype("<i4"), chunk.stretches.uid.astype("<u8", copy=False)
        rows = [_stored(chunk.rows[name]) for name in (*columns, "input_ids")]
        for row, real in enumerate(chunk.real.tolist()):
            held = slice(chunk.bounds[row], chunk.bounds[row + 1])
            first, second = _listed(lengths[held]), _listed(uids[held])
            fixed = (each[row].tobytes() for each in rows)
            yield real, b"".join([struct.pack("<II", len(first), len(second)), first, second, *fixed])


def _stored(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)


def _listed(numbers: npt.NDArray[Any]) -> bytes:
    """Return numbers as a list of one dimension."""
    for code, form in enumerate(("<BB", "<BH", "<BI")):
        if len(numbers) < 1 << (8 << code):
            return struct.pack(form, 4 | code, len(numbers)) + numbers.tobytes()
    raise OverflowError(f"{len(numbers)} documents in one sequence")


def _shards(samples: Iterable[Sample], limit: int, about: int) -> Iterator[list[Sample]]:
    """Yield the samples of one shard after another: as many as fit, but at least one."""
    held: list[Sample] = []
    size = empty = 8 + about
    for sample in samples:
        taken = len(sample[1]) + 4
        if held and size + taken > limit:
            yield held
            held, size = [], empty
        held.append(sample)
        size += taken
    if held:
        yield held


def _write_shard(target: Target, name: str, samples: list[Sample], about: Columns) -> FileNote:
    described = _json(about)
    sizes = [len(data) for _, data in samples]
    offsets = np.cumsum([8 + 4 * len(samples) + len(described), *sizes])
    with target.writing(target.path(name)) as out:
        out.write(struct.pack("<I", len(samples)) + offsets.astype("<u4").tobytes() + described)
        for _, data in samples:
            out.write(data)
    return out.note()


def _json(value: Columns) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


MDS = Exporter(
    write=write_mds,
    about="LLM Foundry, and any StreamingDataset of MosaicML Streaming",
    units=("sequences",),
    file_bytes=64 << 20,
    columns=("input_ids", "doc_lengths", "doc_uids", *TOKEN_COLUMNS),
    pointer="dataset: {{{place}: {out}, split: {phase}, max_seq_len: {row}}}",
    keeps_rows=True,
    largest_file=(1 << 32) - 1,
)
"""Read by MosaicML Streaming's StreamingDataset, of which LLM Foundry's StreamingTextDataset is one."""
