"""Whose ids a file holds: token runs and shards name their tokenizer in the metadata of their schema.

In:  a schema, and the hash of a tokenizer.
Out: the schema with the hash in its metadata, under the key `gristmill`; and back.
Guaranteed: what says nothing of a tokenizer has the hash "".
"""

import msgspec
import pyarrow as pa

METADATA_KEY = b"gristmill"


class _Origin(msgspec.Struct):
    """What a file was made from, as far as it is asked for here."""

    tokenizer_hash: str = ""


class _Said(msgspec.Struct):
    """What a file says of itself: token runs name the hash alone, shards within their origin."""

    tokenizer_hash: str = ""
    origin: _Origin = msgspec.field(default_factory=_Origin)


def stamped(schema: pa.Schema, tokenizer_hash: str) -> pa.Schema:
    """Return the schema of token runs whose ids are of a tokenizer."""
    return schema.with_metadata({METADATA_KEY: msgspec.json.encode({"tokenizer_hash": tokenizer_hash})})


def tokenizer_of(schema: pa.Schema) -> str:
    """Return the hash of the tokenizer whose ids a file of this schema holds; "" where it says nothing."""
    said = (schema.metadata or {}).get(METADATA_KEY, b"{}")
    try:
        held = msgspec.json.decode(said, type=_Said)
    except msgspec.MsgspecError:
        return ""
    return held.tokenizer_hash or held.origin.tokenizer_hash
