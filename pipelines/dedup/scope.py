"""Scope: among which documents duplicates are looked for.

In:  a stage's option `scope`, and the fields or the uids of documents.
Out: 64-bit numbers that are mixed into keys, or the number of the bucket that a document belongs to.
Guaranteed: functions of the documents alone; documents of different scopes never share a key, but for chance (2^-64).

    global                    all documents that come to the exchange
    [language], [dump, ...]   documents that agree in these columns; no value is a value of its own
    {documents: 30000000}     buckets of about so many documents, to which chance assigns them

Llama 3 removes lines that occur often "in each bucket of 30M documents" (The Llama 3 Herd of Models, 3.1.1) and does
not say how its buckets are formed; here a document's bucket is drawn by its uid, whatever file it lies in.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash
from pydantic import BaseModel, ConfigDict, Field

from filters.batch import Columns
from pipelines.engine.exchange import Rows
from pipelines.engine.keys import draw

U64 = npt.NDArray[np.uint64]

ODD = np.uint64(0x9E3779B97F4A7C15)
"""Times this, different numbers stay different, and small ones are spread over all 64 bits, and so over partitions."""

HALF = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)
MOST_BUCKETS = 1 << 32
NO_VALUE = xxhash.xxh3_64_intdigest(b"\0")


class BucketSize(BaseModel):
    """Buckets of documents; a manifest writes `{documents: 30000000}`.

    Args:
        documents: how many a bucket holds at most, on average over chance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: int = Field(ge=1)


Scope: TypeAlias = Literal["global"] | list[str] | BucketSize


def scope_fields(scope: Scope) -> list[str]:
    """Return the columns that documents must agree in to be compared."""
    return scope if isinstance(scope, list) else []


def scope_hash(fields: Sequence[pa.Array]) -> U64:
    """Return a uniform number per document that stands for its values in the fields.

    Args:
        fields: arrays of the same length, at least one, of any type that Arrow casts to strings; null is a value.

    Returns:
        uint64; equal where all values are.
    """
    mixed = np.zeros(len(fields[0]), np.uint64)
    for field in fields:
        mixed = (mixed ^ _value_hashes(field)) * ODD
        mixed ^= mixed >> HALF
    return mixed


def _value_hashes(field: pa.Array) -> U64:
    """Return xxh3_64 of 01 and the UTF-8 bytes of each value, and of 00 where there is none."""
    encoded = field.cast(pa.string()).dictionary_encode()
    hashes = [xxhash.xxh3_64_intdigest(b"\1" + value.encode()) for value in encoded.dictionary.to_pylist()]
    known = np.array([*hashes, NO_VALUE], np.uint64)
    return np.asarray(known[encoded.indices.fill_null(len(hashes)).to_numpy()])


def mix(key: U64, scope: U64) -> U64:
    """Return keys that are equal only where key and scope are; uniform if `key` is, and for each scope one to one."""
    return key ^ scope


def document_scopes(scope: Scope, columns: Columns, count: int) -> U64:
    """Return the number of each document's scope, which `mix` takes: 0 where the scope names no columns.

    Args:
        scope: the option.
        columns: the documents' columns, by name.
        count: number of documents.

    Raises:
        ValueError: a field of the scope is no column of the documents.
    """
    names = scope_fields(scope)
    for name in names:
        if name not in columns:
            raise ValueError(f"scope: {name!r} is no column of these documents; there are {', '.join(sorted(columns))}")
    return scope_hash([columns[name] for name in names]) if names else np.zeros(count, np.uint64)


def bucket_count(scope: Scope, documents: int) -> int:
    """Return into how many buckets so many documents go; 1 unless the scope counts documents."""
    return max(1, -(-documents // scope.documents)) if isinstance(scope, BucketSize) else 1


def buckets(uids: U64, count: int) -> U64:
    """Return the bucket of each document: floor(draw * count / 2^64), its draw being that of label `scope`, seed 0.

    Args:
        uids: uint64, any number of them the same.
        count: number of buckets, less than 2^32.

    Raises:
        ValueError: too many buckets.
    """
    if not 1 <= count < MOST_BUCKETS:
        raise ValueError(f"{count} buckets; between 1 and {MOST_BUCKETS - 1} can be told apart")
    if count == 1:
        return np.zeros(len(uids), np.uint64)
    different, place = np.unique(uids, return_inverse=True)
    drawn, many = draw("scope", 0, different), np.uint64(count)
    found = ((drawn >> HALF) * many + ((drawn & LOW) * many >> HALF)) >> HALF
    return np.asarray(found[place])


def buckets_told(scope: Scope, count: int) -> int:
    """Return the number of buckets: 1 unless the scope counts documents, else `count`, which is 0 until it is said.

    Raises:
        ValueError: the scope counts documents, and nobody has said how many there are.
    """
    if not isinstance(scope, BucketSize):
        return 1
    if not count:
        raise ValueError("a scope of {documents: N} needs `for_documents` before `reduce`")
    return count


def row_buckets(scope: Scope, count: int, rows: Rows) -> U64:
    """Return the bucket of the document that each row speaks of.

    Args:
        scope: the option.
        count: number of buckets, as `buckets_told` takes it.
        rows: have a column `uid`.
    """
    return buckets(rows["uid"], buckets_told(scope, count))
