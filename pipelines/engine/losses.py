"""Losses: a source that all but disappears in one exchange stops the build.

In:  the receipts of the tasks that took an exchange's answers home.
Out: nothing, or `MaxLoss`.
Guaranteed: the message names the source, the stage, the share lost and the options that allow it.
"""

from collections import Counter
from collections.abc import Sequence

from pipelines.engine.homecoming import HomeTask
from pipelines.engine.receipts import Receipt
from pipelines.errors import MaxLoss


def check_losses(label: str, max_loss: float, tasks: Sequence[HomeTask], receipts: Sequence[Receipt]) -> None:
    """Compare what every source lost with `max_loss`.

    Raises:
        MaxLoss: a source lost more.
    """
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for task, receipt in zip(tasks, receipts, strict=True):
        before[task.holding.split.source] += receipt.counts["in"]
        after[task.holding.split.source] += receipt.counts["out"]
    for source in sorted(before):
        lost = before[source] - after[source]
        if lost > max_loss * before[source]:
            raise MaxLoss(
                f"{label} drops {lost:,} of the {before[source]:,} documents of source {source!r} "
                f"({lost / before[source]:.1%}), more than max_loss {max_loss:g} allows: name the source earlier in "
                f"`keep`, list it under `exempt`, or raise stages.{label}.max_loss"
            )
