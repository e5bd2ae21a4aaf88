"""Identity: what a document, a use of chance, a part and a table are called.

In:  names, numbers, canonical configuration, Arrow tables.
Out: 64-bit document ids and draws, 128-bit keys and content hashes.
Guaranteed: the same values on every machine and Python; nothing here depends on paths, times or workers.
"""

import json
import struct
from collections.abc import Collection, Iterable
from itertools import chain, pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

U64 = npt.NDArray[np.uint64]

FEW = 16
"""Items of a list that are looked at one by one."""


def document_uids(source: str, path: str, ordinals: U64) -> U64:
    """Return the uid of each record of a file.

    uid = xxh3_64(utf8(source), 00, utf8(path), 00, u64le(ordinal)), seed 0, where `path` is relative to the longest
    folder of the source's `path` without a wildcard, with `/` between its parts.
    """
    prefix = source.encode() + b"\0" + path.encode() + b"\0"
    raw = ordinals.astype("<u8").tobytes()
    hashes = (xxhash.xxh3_64_intdigest(prefix + raw[at : at + 8]) for at in range(0, len(raw), 8))
    return np.fromiter(hashes, np.uint64, len(ordinals))


def draw(label: str, seed: int, uids: U64) -> U64:
    """Return one uniform 64-bit number per document for the use of chance called `label`.

    draw = xxh3_64(label, u64le(seed), u64le(uid)): each use has its own label, or the tokenizer's sample, the
    hold-out and the head of every pool would be the same documents.
    """
    prefix = label.encode() + struct.pack("<Q", seed)
    raw = uids.astype("<u8").tobytes()
    hashes = (xxhash.xxh3_64_intdigest(prefix + raw[at : at + 8]) for at in range(0, len(raw), 8))
    return np.fromiter(hashes, np.uint64, len(uids))


def text_hashes(texts: pa.LargeStringArray) -> U64:
    """Return xxh3_64 of the UTF-8 bytes of each text."""
    _, offsets, data = texts.buffers()
    view = memoryview(b"" if data is None else data)
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1].tolist()
    hashes = (xxhash.xxh3_64_intdigest(view[start:end]) for start, end in pairwise(bounds))
    return np.fromiter(hashes, np.uint64, len(texts))


def canonical(value: object) -> str:
    """Return `value` as canonical JSON; a set, NaN or an object has no stable form: TypeError or ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def key_of(value: object) -> str:
    """Return 32 hex digits that name `value` by its canonical JSON (xxh3_128)."""
    return xxhash.xxh3_128_hexdigest(canonical(value).encode())


def key_of_large(value: object) -> str:
    """Return what `key_of` does, sooner where `value` holds thousands of words, numbered or in pairs: a vocabulary."""
    return xxhash.xxh3_128_hexdigest(_canonical_bytes(value))


def _canonical_bytes(value: object) -> bytes:
    """Return canonical JSON in UTF-8; msgspec writes the same of words and whole numbers (of floats it does not)."""
    if isinstance(value, dict) and _are(value, str):
        if _are(value.values(), int):
            return msgspec.json.encode(value, order="sorted")
        return b"{%b}" % b",".join(_member(name, value[name]) for name in sorted(value))
    if isinstance(value, list | tuple):
        if _are(value, list, tuple) and _are(chain.from_iterable(value), str, int):
            return msgspec.json.encode(value)
        if len(value) <= FEW:
            return b"[%b]" % b",".join(map(_canonical_bytes, value))
    return canonical(value).encode()


def _are(values: Iterable[object], *kinds: type) -> bool:
    """Return whether all values are of these very types; neither of one that comes of them, nor a bool for an int."""
    return set(map(type, values)) <= set(kinds)


def _member(name: str, value: object) -> bytes:
    return b"%b:%b" % (canonical(name).encode(), _canonical_bytes(value))


def free_name(name: str, taken: Collection[str]) -> str:
    """Return `name`, or with a number behind it where it is taken."""
    numbered = (f"{name}#{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(full for full in numbered if full not in taken)


def content_hash(table: pa.Table) -> str:
    """Return 32 hex digits of a table's logical values: chunking, slicing and compression do not count."""
    digest = xxhash.xxh3_128()
    digest.update(canonical([[field.name, _type_name(field.type)] for field in table.schema]).encode())
    for column in table.columns:
        _update_array(digest, column.combine_chunks())
    return digest.hexdigest()


def _update_array(digest: xxhash.xxh3_128, array: pa.Array) -> None:
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.nulls(0, array.type)
    digest.update(struct.pack("<q", len(array)))
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    digest.update(_validity(array))
    if pa.types.is_null(array.type):
        return
    if pa.types.is_boolean(array.type):
        digest.update(np.packbits(array.fill_null(False).to_numpy(zero_copy_only=False)).tobytes())
    elif pa.types.is_struct(array.type):
        for child in array.flatten():
            _update_array(digest, child)
    elif pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        _update_fixed(digest, pc.list_value_length(array))
        _update_array(digest, array.flatten())
    elif _is_variable(array.type):
        _update_fixed(digest, pc.binary_length(array))
        digest.update(_variable_bytes(array))
    else:
        _update_fixed(digest, array)


def _validity(array: pa.Array) -> bytes:
    """Return a bit per value that says whether it is there."""
    if array.null_count == 0:
        return np.packbits(np.ones(len(array), np.bool_)).tobytes()
    return np.packbits(array.is_valid().to_numpy(zero_copy_only=False)).tobytes()


def _type_name(kind: pa.DataType) -> str:
    """Return a type's name, whatever a file format calls the elements of its lists, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        return _type_name(kind.value_type)
    return f"list<{_type_name(kind.value_type)}>" if pa.types.is_list(kind) else str(kind)


def _is_variable(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _variable_bytes(array: pa.Array) -> memoryview | bytes:
    """Return the bytes of all values, one after another (nulls are empty)."""
    present = array.drop_null() if array.null_count else array
    wide = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, offsets, data = present.buffers()
    if data is None or len(present) == 0:
        return b""
    bounds = np.frombuffer(offsets, np.int64 if wide else np.int32)[present.offset : present.offset + len(present) + 1]
    return memoryview(data)[int(bounds[0]) : int(bounds[-1])]


def _update_fixed(digest: xxhash.xxh3_128, array: pa.Array) -> None:
    filled = array.fill_null(0) if array.null_count and not pa.types.is_temporal(array.type) else array
    if pa.types.is_temporal(array.type):
        filled = array.cast(pa.int64()).fill_null(0)
    digest.update(np.ascontiguousarray(filled.to_numpy(zero_copy_only=False)).tobytes())
