"""RedPajama v2 written as it is published: documents, and the files that lie beside them."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.kernels.minhash import permutations, signatures
from filters.kernels.shingles import Shingles
from filters.shingling import redpajama, shingles_of
from pipelines.sources.bands import BANDS_AND_ROWS

SHARD = "2023-06/0000/en_head"

U32 = npt.NDArray[np.uint32]


def words_of(text: str) -> list[str]:
    """Return the words of a text as RedPajama v2 has them."""
    return redpajama(text).split()


def published_signatures(texts: Sequence[str]) -> list[U32 | None]:
    """Return the 128 numbers that RedPajama v2 gives each text; None where it has fewer than 13 words."""
    shingles = [sorted(map(_sha1, shingles_of(words_of(text), 13))) for text in texts]
    first = np.cumsum([0, *map(len, shingles)], dtype=np.int64)
    hashes = np.array([number for text in shingles for number in text], np.uint64)
    found = signatures(Shingles(first, hashes), *permutations(128, 42, "legacy"), "legacy")
    return [
        row.astype(np.uint32) if len(words_of(text)) >= 13 else None for text, row in zip(texts, found, strict=True)
    ]


def _sha1(shingle: tuple[str, ...]) -> int:
    return int.from_bytes(hashlib.sha1(" ".join(shingle).encode()).digest()[:4], "little")  # noqa: S324 - RedPajama's


def bands_of(numbers: U32 | None, bands: int, rows: int) -> list[bytes] | None:
    """Return the bands of a signature as they are published: the bytes of each number, the highest first."""
    if numbers is None:
        return None
    return [numbers[at * rows : (at + 1) * rows].astype(">u4").tobytes() for at in range(bands)]


def minhash_table(ids: Sequence[str], texts: Sequence[str]) -> pa.Table:
    """Return the rows of a published MinHash file."""
    found = published_signatures(texts)
    columns: dict[str, Any] = {"shard_id": [each.rpartition("/")[0] for each in ids], "id": list(ids)}
    columns["id_int"] = pa.array(range(len(ids)), pa.uint64())
    for name, shape in BANDS_AND_ROWS.items():
        columns[name] = pa.array([bands_of(numbers, *shape) for numbers in found], pa.list_(pa.binary()))
    return pa.table(columns)


def ids_of(count: int, shard: str = SHARD) -> list[str]:
    """Return the ids of the documents of a shard."""
    return [f"{shard}.json.gz/{number}" for number in range(count)]


def write_documents(folder: Path, texts: Sequence[str], shard: str = SHARD) -> list[str]:
    """Write a shard of documents below `folder`/documents; return their ids."""
    lines = "".join(json.dumps({"raw_content": text, "url": "http://x.org/"}) + "\n" for text in texts)
    _put(folder / "documents" / f"{shard}.json.gz", gzip.compress(lines.encode(), mtime=0))
    return ids_of(len(texts), shard)


def write_minhash(folder: Path, table: pa.Table, shard: str = SHARD) -> None:
    """Write the MinHash file of a shard."""
    path = folder / "minhash" / f"{shard}.minhash.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def write_duplicates(folder: Path, ids: Sequence[str], shard: str = SHARD) -> None:
    """Write the ids of the duplicates of a shard."""
    path = folder / "duplicates" / f"{shard}.duplicates.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    strings = pa.array(list(ids), pa.string())
    pq.write_table(pa.table({"shard_id": strings, "doc_id": strings, "digest": strings}), path)


def write_attributes(path: Path, rows: Sequence[Any]) -> None:
    """Write rows of attributes as JSON lines, gzip; bytes stand as they are."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    _put(path, gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
