"""Losses: a source that all but disappears in one exchange stops the build.

In:  the receipts of the tasks that took an exchange's answers home.
Out: nothing, or `MaxLoss`.
Guaranteed: documents are counted, and where an exchange cuts texts, characters too. The message names the source, the
     stage, the share lost and the options that allow it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from pipelines.engine.homecoming import HomeTask
from pipelines.engine.receipts import Receipt
from pipelines.errors import MaxLoss

COUNTED = {"documents": ("in", "out"), "characters": ("chars_in", "chars_out")}
"""What a source may lose -> the names under which a receipt counts it before and behind the exchange."""


def check_losses(label: str, max_loss: float, tasks: Sequence[HomeTask], receipts: Sequence[Receipt]) -> None:
    """Compare what every source lost with `max_loss`: its documents, and of a stage that cuts also its characters.

    Raises:
        MaxLoss: a source lost more.
    """
    pairs = [(task.holding.split.source, receipt) for task, receipt in zip(tasks, receipts, strict=True)]
    for what in COUNTED if any(task.stage.cuts for task in tasks) else ("documents",):
        _check(label, max_loss, what, pairs)


def _check(label: str, max_loss: float, what: str, pairs: Iterable[tuple[str, Receipt]]) -> None:
    """Compare what every source lost of one kind with `max_loss`."""
    before, lost = Counter[str](), Counter[str]()
    for source, receipt in pairs:
        had, has = (receipt.counts[name] for name in COUNTED[what])
        before[source] += had
        lost[source] += had - has
    for source in sorted(before):
        if lost[source] > max_loss * before[source]:
            raise MaxLoss(
                f"{label} {'drops' if what == 'documents' else 'cuts or drops'} {lost[source]:,} of the "
                f"{before[source]:,} {what} of source {source!r} ({lost[source] / before[source]:.1%}), more than "
                f"max_loss {max_loss:g} allows: name the source earlier in `keep`, list it under `exempt`, or raise "
                f"stages.{label}.max_loss"
            )
