"""What a finished build says of its shards: in its lock, and at the end of each shard.

In:  a build folder.
Out: which shards there are, what they were made from, and how many sequences each row group has.
Guaranteed: nothing but the lock and footers is read. Formats are those of `pipelines.engine.lock` and
    `pipelines.mix.shards`; this module reads by itself what it needs of them, so that no rank imports what curates.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow.parquet as pq

from pipelines.engine.storage import Storage
from pipelines.errors import RequestError

LOCK = "lock.json"

METADATA_KEY = b"gristmill"

HOLDOUT = "holdout"
"""The phase of documents that `mix.holdout` drew, which are not for training; no other phase has this name."""


class FinishedLock(msgspec.Struct, frozen=True):
    """What a lock says of shards.

    Args:
        manifest_hash: of the canonical manifest.
        tokenizer_hash: the tokenizer's identity.
        parts: step -> part -> hash of its content, in the order of the step's tasks; empty until the build is done.
    """

    manifest_hash: str
    tokenizer_hash: str
    parts: dict[str, dict[str, str]]

    @property
    def shards(self) -> dict[str, str]:
        """Path of every shard -> hash of its content, in the order of phases and of shards."""
        return self.parts.get("pack", {})

    @property
    def phases(self) -> list[str]:
        """The phases that have shards, in order."""
        return list(dict.fromkeys(map(phase_of, self.shards)))


class MadeFrom(msgspec.Struct, frozen=True):
    """What a shard was made from."""

    manifest_hash: str
    tokenizer_hash: str


class PackedTo(msgspec.Struct, frozen=True):
    """How many inputs a sequence has."""

    sequence_length: int


class About(msgspec.Struct, frozen=True):
    """What a shard's metadata say of it, as far as it is asked for here."""

    origin: MadeFrom
    packing: PackedTo


@dataclass(frozen=True)
class Footer:
    """What the end of a shard says of it.

    Args:
        rows: sequences of each row group.
        stored: ids of a sequence; 0 where there is no sequence.
        about: its metadata.
    """

    rows: tuple[int, ...]
    stored: int
    about: About


def phase_of(shard: str) -> str:
    """Return the phase of a shard, from its path."""
    return shard.split("/")[1]


def read_lock(storage: Storage) -> FinishedLock:
    """Read what the lock says of shards.

    Raises:
        RequestError: there is no finished build, or it has no shards.
    """
    try:
        lock = msgspec.json.decode(storage.read(LOCK), type=FinishedLock)
    except FileNotFoundError:
        raise RequestError(
            f"{storage.url} holds no build: name the folder that `gristmill build MANIFEST --out DIR` wrote"
        ) from None
    except msgspec.MsgspecError as error:
        raise RequestError(f"{storage.url}/{LOCK} cannot be read ({error}): run the build again") from error
    if not lock.parts:
        raise RequestError(f"the build in {storage.url} is not finished: run `gristmill build` again, it goes on there")
    if not lock.shards:
        raise RequestError(f"{storage.url} has no shards: its manifest mixes nothing")
    return lock


def read_footer(storage: Storage, shard: str) -> Footer:
    """Read what the end of a shard says.

    Raises:
        FileNotFoundError: there is no such shard.
    """
    with storage.open(shard) as file:
        return footer_of(pq.ParquetFile(file))


def footer_of(parquet: pq.ParquetFile) -> Footer:
    """Return what the end of an open shard says."""
    groups = [parquet.metadata.row_group(number) for number in range(parquet.num_row_groups)]
    held = [group for group in groups if group.num_rows]
    stored = _values(held[0], "input_ids") // held[0].num_rows if held else 0
    about = msgspec.json.decode(parquet.schema_arrow.metadata[METADATA_KEY], type=About)
    return Footer(tuple(group.num_rows for group in groups), stored, about)


def _values(group: Any, name: str) -> int:  # noqa: ANN401 - pyarrow has no types
    """Return the values that a row group has of a column."""
    columns = (group.column(number) for number in range(group.num_columns))
    return next(int(each.num_values) for each in columns if each.path_in_schema.split(".")[0] == name)
