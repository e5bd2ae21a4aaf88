"""Amounts: how many tokens or bytes, as people write them.

In:  8_000_000, "8M", "1.5B" (counts: K, M, B, T), or "128MB", "64KiB" (bytes), as YAML gives them.
Out: whole numbers, exact: 8M is 8,000,000 and 0.1M is 100,000.
Guaranteed: nothing is rounded; what is no whole number above zero raises ValueError with what to write.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

COUNT_UNITS = {"": 1, "K": 10**3, "k": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}

BYTE_UNITS = {
    **{f"{prefix}{unit}": 1000**power for power, prefix in enumerate(("", "K", "M", "G", "T")) for unit in ("", "B")},
    "kB": 1000,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}

MIB = 1 << 20

LARGEST = 2**63 - 1
"""Amounts are kept in signed 64-bit columns."""

_AMOUNT = re.compile(r"([0-9][0-9_]{0,30}(?:\.[0-9]{1,30})?(?:e\+?[0-9]{1,2})?) ?([A-Za-z]*)")


def parse_count(value: object) -> int:
    """Return a number of tokens: 8_000_000, 8e6, "8M", "1.5B" (a thousand million), "2T"."""
    return _parse(value, COUNT_UNITS, "write a whole number above zero, such as 2_000_000, 8M or 1.5B")


def parse_bytes(value: object) -> int:
    """Return a number of bytes: 128_000_000, "128MB" (the same), "64MiB"."""
    return _parse(value, BYTE_UNITS, "write a whole number of bytes above zero, such as 128MB or 64MiB")


def _parse(value: object, units: Mapping[str, int], remedy: str) -> int:
    match = None if isinstance(value, bool) else _AMOUNT.fullmatch(str(value))
    if match is None or match[2] not in units:
        raise ValueError(remedy)
    amount = Decimal(match[1].replace("_", "")) * units[match[2]]
    if amount != int(amount) or not 0 < amount <= LARGEST:
        raise ValueError(remedy)
    return int(amount)


def _schema(pattern: str, example: str) -> WithJsonSchema:
    whole = {"type": "integer", "minimum": 1}
    return WithJsonSchema({"anyOf": [whole, {"type": "string", "pattern": pattern, "examples": [example]}]})


Count = Annotated[int, BeforeValidator(parse_count), _schema(r"^[0-9][0-9_.]* ?[KkMBGT]?$", "8M")]
"""A manifest field that holds a number of tokens or words."""

Bytes = Annotated[int, BeforeValidator(parse_bytes), _schema(r"^[0-9][0-9_.]* ?([kKMGT]i?)?B?$", "128MB")]
"""A manifest field that holds a number of bytes."""
