"""Readers of the exported formats, written from the formats' descriptions and sharing no code with what writes them."""

import gzip
import json
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

MEGATRON_TYPES = {1: "B", 2: "b", 3: "h", 4: "i", 5: "q", 6: "d", 7: "f", 8: "H"}
"""Code of a type in an index -> what `struct` calls it."""


def read_megatron(prefix: Path) -> tuple[list[list[int]], list[int]]:
    """Return the sequences of a `.bin` and `.idx`, and by the numbers of its sequences where each document begins."""
    index, data = prefix.with_suffix(".idx").read_bytes(), prefix.with_suffix(".bin").read_bytes()
    magic, version, code, sequences, bounds = struct.unpack_from("<9sQBQQ", index)
    assert (magic, version) == (b"MMIDIDX\x00\x00", 1)
    sizes = struct.unpack_from(f"<{sequences}i", index, 34)
    places = struct.unpack_from(f"<{sequences}q", index, 34 + 4 * sequences)
    documents = struct.unpack_from(f"<{bounds}q", index, 34 + 12 * sequences)
    assert len(index) == 34 + 12 * sequences + 8 * bounds
    kind = MEGATRON_TYPES[code]
    assert len(data) == sum(sizes) * struct.calcsize(kind)
    found = [struct.unpack_from(f"<{size}{kind}", data, at) for size, at in zip(sizes, places, strict=True)]
    return [list(ids) for ids in found], list(documents)


def read_ids(path: Path, width: int) -> list[int]:
    """Return the ids of a file that holds nothing else, `width` bytes each."""
    data = path.read_bytes()
    return [int.from_bytes(data[at : at + width], "little") for at in range(0, len(data), width)]


def read_datatrove(path: Path) -> tuple[list[list[int]], list[str]]:
    """Return the documents of a `.ds` file, and the lines of its metadata."""
    about = Path(f"{path}.metadata").read_text().split("\n")
    ids = read_ids(path, int(about[0].split("|")[1]))
    index = Path(f"{path}.index").read_bytes()
    ends = struct.unpack(f"<{len(index) // 8}Q", index)
    return [ids[begin:end] for begin, end in zip((0, *ends), ends, strict=False)], about


def read_olmo(path: Path, width: int) -> list[tuple[list[int], list[str]]]:
    """Return the documents of a `.npy` file, each with what its line says behind the two places."""
    ids = read_ids(path, width)
    with gzip.open(path.with_suffix("").with_suffix(".csv.gz"), "rt") as lines:
        rows = [line.rstrip("\n").split(",") for line in lines]
    return [(ids[int(row[0]) : int(row[1])], row[2:]) for row in rows]


MDS_TYPES = {
    "int32": ("i", 4),
    "uint64": ("Q", 8),
    "uint8": ("B", 1),
    "uint16": ("H", 2),
    "uint32": ("I", 4),
    "float16": ("e", 2),
}
"""Type of a column's numbers -> what `struct` calls it, and its bytes."""


def read_mds(folder: Path) -> Iterator[dict[str, list[Any]]]:
    """Yield the samples of a folder of MDS shards."""
    index = json.loads((folder / "index.json").read_text())
    assert index["version"] == 2
    for shard in index["shards"]:
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"]
        (samples,) = struct.unpack_from("<I", data)
        assert samples == shard["samples"]
        places = struct.unpack_from(f"<{samples + 1}I", data, 4)
        assert places[-1] == len(data)
        for begin, end in pairwise(places):
            yield _mds_sample(shard, data[begin:end])


def _mds_sample(shard: dict[str, Any], data: bytes) -> dict[str, list[Any]]:
    at = 4 * shard["column_sizes"].count(None)
    told = iter(struct.unpack_from(f"<{at // 4}I", data))
    sample: dict[str, list[Any]] = {}
    for name, encoding, fixed in zip(
        shard["column_names"], shard["column_encodings"], shard["column_sizes"], strict=True
    ):
        size = next(told) if fixed is None else fixed
        sample[name] = _mds_numbers(encoding.split(":"), data[at : at + size])
        at += size
    assert at == len(data)
    return sample


def _mds_numbers(encoding: list[str], data: bytes) -> list[Any]:
    kind, width = MDS_TYPES[encoding[1]]
    if len(encoding) == 3:
        count, at = int(encoding[2]), 0
    else:
        assert data[0] >> 2 == 1, "a list has one dimension"
        told = 1 << (data[0] & 3)
        count, at = int.from_bytes(data[1 : 1 + told], "little"), 1 + told
    assert len(data) == at + count * width
    return list(struct.unpack_from(f"<{count}{kind}", data, at))
