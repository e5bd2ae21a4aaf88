"""Counts of a what-if: documents, characters and tokens of a split, as they are and as they would be.

In:  a split that was judged again.
Out: sums by source and by rule, which add up over splits.
Guaranteed: tokens are those of the ledger; nothing is estimated here.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.audit.opened import Opened
from pipelines.audit.whatif_walk import Codes, SplitWalk
from pipelines.engine.parts import read_part

F64 = npt.NDArray[np.float64]

Sums = Counter[str]
"""Source -> sum."""


@dataclass(frozen=True)
class Counts:
    """Sums over splits.

    Args:
        documents: that take part.
        before: kept, as it is.
        after: kept, as it would be.
        undecided: of these, those for whom that is open.
        gained: kept that were not.
        lost: not kept that were.
        chars: characters behind all stages of the documents kept, as it is.
        tokens: tokens of these.
        tokens_lost: of documents that are lost.
        chars_gained: characters read of documents that are gained.
        rules_before: (stage, rule) -> documents that fall by it, as it is.
        rules_after: as it would be.
    """

    documents: Sums = field(default_factory=Counter)
    before: Sums = field(default_factory=Counter)
    after: Sums = field(default_factory=Counter)
    undecided: Sums = field(default_factory=Counter)
    gained: Sums = field(default_factory=Counter)
    lost: Sums = field(default_factory=Counter)
    chars: Sums = field(default_factory=Counter)
    tokens: Sums = field(default_factory=Counter)
    tokens_lost: Sums = field(default_factory=Counter)
    chars_gained: Sums = field(default_factory=Counter)
    rules_before: Counter[tuple[int, str]] = field(default_factory=Counter)
    rules_after: Counter[tuple[int, str]] = field(default_factory=Counter)

    @classmethod
    def sum(cls, parts: Iterable["Counts"]) -> "Counts":
        """Return the sums of several splits."""
        total = cls()
        for part in parts:
            for name, sums in vars(part).items():
                getattr(total, name).update(sums)
        return total


def counts_of(build: Opened, walk: SplitWalk) -> Counts:
    """Return the counts of one split."""
    table = read_part(build.storage, build.verdicts_file(walk.split), ["chars_in", "chars_out", "tokens"])
    chars_in, chars_out, tokens = (table.column(at).fill_null(0).to_numpy() for at in range(3))
    source, kept = walk.split.source, walk.stood
    gained, lost = walk.alive & ~kept, kept & ~walk.alive
    return Counts(
        documents=_sum(source, walk.takes_part),
        before=_sum(source, kept),
        after=_sum(source, walk.alive),
        undecided=_sum(source, walk.alive & walk.undecided),
        gained=_sum(source, gained),
        lost=_sum(source, lost),
        chars=_sum(source, chars_out[kept]),
        tokens=_sum(source, tokens[kept]),
        tokens_lost=_sum(source, tokens[lost]),
        chars_gained=_sum(source, chars_in[gained]),
        rules_before=_by_rule(walk, walk.before),
        rules_after=_by_rule(walk, walk.after),
    )


def _sum(source: str, values: npt.NDArray[np.generic]) -> Sums:
    return Counter({source: int(values.sum())})


def _by_rule(walk: SplitWalk, codes: Codes) -> Counter[tuple[int, str]]:
    sums = np.bincount(codes[codes >= 0], minlength=len(walk.book.rules)).tolist()
    return Counter(dict(zip(walk.book.rules, sums, strict=True)))
