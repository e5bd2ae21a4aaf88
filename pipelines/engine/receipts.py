"""Receipts: the record, written last, that a part is complete.

In:  what a task wrote: files with their sizes and hashes, the hash of its logical content, counts.
Out: `work/receipts/<part>.json`, created exclusively.
Guaranteed: a receipt exists if and only if its part is complete; of two attempts at one part the first one's receipt
stands, and if the second wrote other content the build fails. No times: two builds of the same parts have the same
receipts.
"""

from typing import Any

import msgspec

from pipelines.engine.storage import Storage
from pipelines.errors import NotRepeatable

FOLDER = "work/receipts"


class FileNote(msgspec.Struct, frozen=True):
    """A file of a part.

    Args:
        bytes: its size.
        hash: hex digits of its bytes.
    """

    bytes: int
    hash: str


class Receipt(msgspec.Struct, frozen=True):
    """What a finished part is.

    Args:
        part: name of the part, a path below the build folder.
        files: path below the build folder -> size and hash.
        content: hash of the logical content: the same for two encodings of the same values.
        counts: documents in, out, dropped by rule, tokens and the like.
        info: anything else that a later step asks for, as plain JSON values.
    """

    part: str
    files: dict[str, FileNote]
    content: str
    counts: dict[str, int]
    info: dict[str, Any] = {}


def receipt_path(part: str) -> str:
    """Return where the part's receipt is, or will be."""
    return f"{FOLDER}/{part}.json"


def load_receipt(storage: Storage, part: str) -> Receipt | None:
    """Return the part's receipt, or None where the part is not complete."""
    try:
        return _decode(storage.read(receipt_path(part)))
    except FileNotFoundError:
        return None


def save_receipt(storage: Storage, receipt: Receipt) -> Receipt:
    """Declare a part complete; return the receipt that stands, which may be another attempt's.

    Raises:
        NotRepeatable: an earlier attempt wrote other content.
    """
    data = msgspec.json.encode(receipt, order="deterministic")
    if storage.create(receipt_path(receipt.part), data):
        return receipt
    stored = _decode(storage.read(receipt_path(receipt.part)))
    if stored.content != receipt.content:
        raise NotRepeatable(_disagreement(storage, stored, receipt))
    return stored


def receipts_below(storage: Storage, folder: str) -> list[Receipt]:
    """Return the receipts of all complete parts in a folder, sorted by part."""
    paths = storage.list(f"{FOLDER}/{folder}".rstrip("/"))
    return sorted((_decode(storage.read(path)) for path in paths), key=lambda receipt: receipt.part)


def forget(storage: Storage, part: str) -> None:
    """Delete a part: its receipt first, so that it is not taken for complete while its files go."""
    receipt = load_receipt(storage, part)
    if receipt is None:
        return
    storage.delete(receipt_path(part))
    for path in receipt.files:
        storage.delete(path)


def _decode(data: bytes) -> Receipt:
    return msgspec.json.decode(data, type=Receipt)


def _disagreement(storage: Storage, stored: Receipt, receipt: Receipt) -> str:
    return (
        f"{storage.url}/{receipt.part}: two attempts wrote different content ({stored.content} and {receipt.content}); "
        "a stage is not repeatable: mark it `reproducible = False`, or delete the build folder if code or data changed"
    )
