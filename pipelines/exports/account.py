"""The account of an export: what `export.json` says.

In:  what was read and written.
Out: plain structures, as canonical JSON.
Guaranteed: no paths of the machine, no times: two exports of one build have the same account.
"""

import msgspec

from pipelines.engine.receipts import FileNote
from pipelines.engine.storage import Storage

EXPORT = "export.json"


class TokenizerNote(msgspec.Struct, frozen=True):
    """The tokenizer whose ids are in the files.

    Args:
        name: what the files call it, where they do.
        hash: its identity, as in the build's lock.
        vocab_size: number of ids.
        bos_id: begins a text, where the vocabulary has such a token.
        eos_id: ends a text, likewise.
        pad_id: fills the ends of sequences.
        adds_bos: whether each document begins with `bos_id`.
        adds_eos: whether each document ends with `eos_id`.
    """

    name: str
    hash: str
    vocab_size: int
    bos_id: int | None
    eos_id: int | None
    pad_id: int
    adds_bos: bool
    adds_eos: bool


class PhaseExport(msgspec.Struct, frozen=True):
    """What was exported of a phase.

    Args:
        phase: its name.
        shards: path in the build -> content hash, in the order in which they were read.
        sequences: sequences read.
        tokens: real tokens read, and written, each counted once.
        repeated_written: tokens that are in the files once more, as rows with their next token overlap.
        padding_written: ids of padding that are in the files.
        padding_left_out: ids of padding that are in the shards alone.
        items: documents or sequences, as the format counts them.
        files: path in the export -> size and hash (xxh3_128).
    """

    phase: str
    shards: dict[str, str]
    sequences: int
    tokens: int
    padding_written: int
    padding_left_out: int
    items: int
    repeated_written: int
    files: dict[str, FileNote]


class Export(msgspec.Struct, frozen=True):
    """What was exported of a build.

    Args:
        format: name of the format.
        unit: what an item is: `documents` or `sequences`.
        file_bytes: about how many bytes a file holds at most.
        build: name in the manifest.
        manifest_hash: of the build.
        dtype: of the ids in the shards.
        sequence_length: ids that a sequence of the shards trains on.
        next_token: whether a row of the shards has one id more, the target of its last input.
        tokenizer: whose ids they are.
        token_columns: per-token columns of the shards that are in the files.
        columns_left_out: columns of the shards that the format does not hold.
        phases: what was exported, in the manifest's order.
    """

    format: str
    unit: str
    file_bytes: int
    build: str
    manifest_hash: str
    dtype: str
    sequence_length: int
    next_token: bool
    tokenizer: TokenizerNote
    token_columns: list[str]
    columns_left_out: list[str]
    phases: list[PhaseExport]


def write_account(storage: Storage, account: Export) -> None:
    """Write `export.json`."""
    storage.put(EXPORT, msgspec.json.format(msgspec.json.encode(account), indent=1))


def read_account(storage: Storage) -> Export:
    """Read the account of an export.

    Raises:
        FileNotFoundError: there is no finished export.
    """
    return msgspec.json.decode(storage.read(EXPORT), type=Export)
