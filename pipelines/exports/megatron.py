"""Megatron: the `.bin` and `.idx` of Megatron-LM's indexed dataset.

In:  the chunks of a phase.
Out: `part-00000.bin`: ids; `part-00000.idx`: where they are.
Guaranteed: a document of Megatron has one sequence of Megatron and is an item: a document of the mixture, or a packed
    sequence. Ids are uint16, or int32 where the tokenizer has more than 65,536, since the format knows no uint32.

The index, little-endian (`megatron/core/datasets/indexed_dataset.py`, NVIDIA/Megatron-LM d98e8a6): `MMIDIDX`, 00, 00;
version 1 (u64); code of the ids' type (u8); number of sequences (u64); number of documents + 1 (u64); lengths in tokens
(i32 each); places in bytes (i64 each); for each document the number of its first sequence, and at last the number of
sequences (i64 each).
"""

import struct
from collections.abc import Iterable

import numpy as np

from pipelines.engine.receipts import FileNote
from pipelines.exports.chunks import Chunk
from pipelines.exports.formats import Exporter, Target, Written
from pipelines.exports.token_files import Kind, TokenFile, write_token_files

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
STORED = {"uint16": "<u2", "uint32": "<i4"}
CODES = {"<u2": 8, "<i4": 4}


def write_megatron(chunks: Iterable[Chunk], target: Target) -> Written:
    """Write a phase as pairs of `.bin` and `.idx`."""
    stored = np.dtype(STORED[target.dtype.name])
    kind = Kind(".bin", stored, target.sequence_length)
    files: dict[str, FileNote] = {}
    items = tokens = 0
    for file in write_token_files(chunks, target, kind):
        index = file.path.removesuffix(".bin") + ".idx"
        files |= {**file.notes, index: _write_index(target, index, file, stored)}
        items += len(file.begin)
        tokens += file.tokens
    return Written(files, items, tokens)


def _write_index(target: Target, path: str, file: TokenFile, stored: np.dtype[np.generic]) -> FileNote:
    items = len(file.begin)
    with target.writing(path) as out:
        out.write(MAGIC + struct.pack("<QBQQ", VERSION, CODES[stored.str], items, items + 1))
        out.write((file.end - file.begin).astype("<i4").tobytes())
        out.write((file.begin * stored.itemsize).astype("<i8").tobytes())
        out.write(np.arange(items + 1, dtype="<i8").tobytes())
    return out.note()


MEGATRON = Exporter(
    write=write_megatron,
    about="Megatron-LM",
    units=("documents", "sequences"),
    file_bytes=16 << 30,
    columns=("input_ids", "doc_lengths"),
    pointer="--train-data-path {prefixes} --seq-length {length}",
)
"""Read by Megatron-LM's GPTDataset, which shuffles documents and cuts samples itself."""
