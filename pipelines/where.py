"""The `where` stage: a rule that is only a condition on known numbers.

    - where: "word_count >= 50 and mean_word_length between 3 and 10"

In:  signals, and the documents' own columns.
Out: who does not pass; the rule is the expression as written.
Guaranteed: null never passes; the expression is parsed when the stage is made, never run as Python.
"""

from functools import cached_property
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from filters.batch import Batch, Columns, Outcome, Stage, Verdicts, judging
from pipelines.expressions import Expression, evaluate, parse


def columns_of(batch: Batch) -> Columns:
    """Return all that an expression may name: the documents' columns, `chars` (int64) and the signals at hand."""
    documents = {name: batch.documents.column(name) for name in batch.documents.schema.names if name != "text"}
    return {**documents, "chars": pc.utf8_length(batch.text), **batch.signals}


class Where(Stage):
    """Drops documents for which an expression is not true."""

    version: ClassVar[int] = 1

    expression: str = judging(..., "what must be true of a document that stays", names="signals")

    def __call__(self, batch: Batch) -> Outcome:
        """Judge by the documents' own columns and the signals at hand."""
        verdicts = self.judge(columns_of(batch))
        return Outcome(verdicts.rule, verdicts.value)

    @cached_property
    def parsed(self) -> Expression:
        """The expression."""
        return parse(self.expression)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the expression asks for."""
        return self.parsed.names

    def model_post_init(self, _: object) -> None:
        """Refuse an expression that cannot be read."""
        _ = self.parsed

    def judge(self, signals: Columns) -> Verdicts:
        """Return a verdict per document.

        The value is the number that decided, where the expression names one column and that is a number; else null.
        """
        passes = evaluate(self.parsed, signals)
        rule = pc.if_else(passes, pa.scalar(None, pa.string()), pa.scalar(self.expression, pa.string()))
        return Verdicts(rule, pc.if_else(passes, pa.scalar(None, pa.float64()), self._value(signals, len(passes))))

    def _value(self, signals: Columns, count: int) -> pa.DoubleArray:
        column = signals[self.names[0]] if len(self.names) == 1 else pa.nulls(count)
        numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        return column.cast(pa.float64(), safe=False) if numeric else pa.nulls(count, pa.float64())
