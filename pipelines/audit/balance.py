"""The balance: what went in equals what came out plus what was dropped, in documents and in tokens.

In:  the receipts of a build's last steps.
Out: nothing, or `Unbalanced`.
Guaranteed: each side of every sum was counted by another task, from other files.
"""

from collections import Counter
from collections.abc import Sequence

from pipelines.engine.receipts import Receipt
from pipelines.errors import Unbalanced


def check_documents(maps: Sequence[Receipt], ledger: Sequence[Receipt]) -> None:
    """Records that the last pass saw = records in the ledger, and every one of those has a fate.

    Raises:
        Unbalanced: they differ.
    """
    for counted, merged in zip(maps, ledger, strict=True):
        fates = sum(count for name, count in merged.counts.items() if "\t" in name)
        _equal(f"{merged.part}: records read and records with a fate", counted.counts["rows"], fates)
        survivors = sum(merged.counts.get(f"{fate}\t\t", 0) for fate in ("held_out", "unused", "used"))
        _equal(
            f"{merged.part}: documents behind the last pass and survivors",
            counted.counts["out"],
            survivors,
        )


def check_tokens(
    pools: Sequence[Receipt],
    cuts: Receipt,
    placed: Sequence[Receipt],
    packed: Sequence[Receipt],
    ledger: Sequence[Receipt],
) -> None:
    """Compare, per phase and pool, tokens budgeted and placed; over all, tokens placed, packed and used.

    Raises:
        Unbalanced: they differ.
    """
    taken: Counter[str] = Counter()
    for receipt in placed:
        taken.update({name: count for name, count in receipt.counts.items() if "\t" in name})
    for name, budget in cuts.counts.items():
        _equal("phase {} of pool {}: tokens budgeted and tokens placed".format(*name.split("\t")), budget, taken[name])
    in_shards = sum(receipt.counts["real"] + receipt.counts["lost"] for receipt in packed)
    _equal("tokens placed, and tokens in shards or lost in packing", sum(taken.values()), in_shards)
    used = sum(receipt.counts["tokens_used"] for receipt in ledger)
    _equal("tokens placed, and tokens used by the ledger", sum(taken.values()), used)
    _equal(
        "tokens of the pools' documents, and tokens of the ledger's survivors",
        sum(receipt.counts["tokens"] for receipt in pools),
        sum(receipt.counts["tokens"] for receipt in ledger),
    )


def _equal(what: str, left: int, right: int) -> None:
    if left != right:
        raise Unbalanced(f"{what} differ: {left:,} and {right:,}; this is a defect of ours, please report it")
