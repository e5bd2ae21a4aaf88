"""The balance: books that do not balance stop the build and say where."""

from typing import Any

import pytest

from pipelines.audit.balance import check_documents, check_tokens
from pipelines.engine.receipts import Receipt
from pipelines.errors import Unbalanced


def receipt(**counts: int) -> Receipt:
    return Receipt("part", {}, "", {name.replace("__", "\t"): count for name, count in counts.items()})


LAST = {"rows": 9, "out": 5}
LEDGER = {"records": 9, "used____": 3, "unused____": 2, "dropped__where__chars > 1": 4}


def test_books_that_balance_say_nothing() -> None:
    check_documents([receipt(**LAST)], [receipt(**LEDGER)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dropped__where__chars > 1": 3}, "records read and records with a fate differ: 9 and 8"),
        ({"used____": 2, "unreadable____": 1}, "behind the last pass and survivors differ: 5 and 4"),
    ],
)
def test_a_document_that_is_lost_is_missed(change: dict[str, int], message: str) -> None:
    with pytest.raises(Unbalanced, match=message):
        check_documents([receipt(**LAST)], [receipt(**{**LEDGER, **change})])


def tokens(**changes: dict[str, int]) -> dict[str, Any]:
    """Return receipts that balance, some of whose counts are changed."""
    counts: dict[str, dict[str, int]] = {
        "pools": {"tokens": 100},
        "cuts": {"web__a": 40, "web__b": 20},
        "placed": {"web__a": 40, "web__b": 20},
        "packed": {"real": 57, "lost": 3},
        "ledger": {"tokens": 100, "tokens_used": 60},
    }
    made = {name: receipt(**{**count, **changes.get(name, {})}) for name, count in counts.items()}
    return {name: each if name == "cuts" else [each] for name, each in made.items()}


def test_tokens_that_balance_say_nothing() -> None:
    check_tokens(**tokens())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"placed": {"web__b": 19}}, "phase web of pool b: tokens budgeted and tokens placed differ: 20 and 19"),
        ({"packed": {"lost": 2}}, "in shards or lost in packing differ: 60 and 59"),
        ({"ledger": {"tokens_used": 61}}, "used by the ledger differ: 60 and 61"),
        ({"pools": {"tokens": 99}}, "survivors differ: 99 and 100"),
    ],
)
def test_a_token_that_is_lost_is_missed(changes: dict[str, dict[str, int]], message: str) -> None:
    with pytest.raises(Unbalanced, match=message):
        check_tokens(**tokens(**changes))
