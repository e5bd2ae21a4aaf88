"""The top share of documents by any signal: a bound that follows from all documents.

In:  a signal, and the quantile that was found.
Out: the documents on the wrong side of it.
Guaranteed: a document at the bound stays, so at least the share stays, and more where numbers are equal; a document
without a number stays. The verdict's value is the stored number, and its rule the bound that was found.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import msgspec
from pydantic import PrivateAttr

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging, run_stage
from filters.verdicts import Rule, judge_by

QUANTILE_FILE = "quantile.json"
"""What the bound is called among the files of its fit."""


class TopShare(Stage):
    """Keeps the share of the documents that have the highest numbers, or the lowest."""

    version: ClassVar[int] = 1

    signal: str = judging(..., "the number: a signal, `chars`, or a field that the source declares", names="number")
    share: float = judging(..., "share of the documents that stay", gt=0, le=1)
    highest: bool = judging(True, "whether high numbers stay; false keeps low ones, as perplexity asks for")
    _bound: float | None = PrivateAttr(default=None)

    def __call__(self, batch: Batch) -> Outcome:
        """Judge by the signals at hand."""
        return run_stage(self, batch)

    @property
    def waits(self) -> bool:
        """Always: the bound follows from all documents."""
        return True

    @property
    def names(self) -> tuple[str, ...]:
        """The signal that the stage asks for."""
        return (self.signal,)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The bound; none is known before it was fitted."""
        return (Rule("share", self.signal, "min" if self.highest else "max", self._bound),)

    def fitted(self, files: Mapping[str, bytes]) -> Self:
        """Return the stage with the bound that was found; null, where no document has a number, drops nothing."""
        copy = self.model_copy()
        copy._bound = msgspec.json.decode(files[QUANTILE_FILE], type=int | float | None)  # noqa: SLF001 - a copy of our own
        return copy

    def judge(self, signals: Columns) -> Verdicts:
        """Return the documents beyond the bound."""
        return judge_by(self.rules, signals)
