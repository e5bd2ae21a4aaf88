"""Expressions: the small language of `where`, never evaluated as Python.

    word_count >= 50 and mean_word_length between 3 and 10
    language in ('en', 'de') and not (url is null or date < '2020-01-01')
    mean(rps_lines_uppercase_letter_fraction) < 0.2

In:  text, then columns.
Out: `parse` gives a frozen `Expression` (its `names` are the columns it asks for); `check` refuses it where columns
     are missing or of the wrong kind; `evaluate` tells which documents pass; `one_of` writes `x in (...)` from values.
Guaranteed: null never passes; a float32 signal is compared with float32 thresholds; of a list
     (a number per line) one asks for mean, min, max or sum; every mistake is an
     `ExpressionError` with a caret below the place.
"""

from pipelines.expressions.evaluator import evaluate
from pipelines.expressions.kinds import check
from pipelines.expressions.nodes import Expression, ExpressionError, one_of
from pipelines.expressions.parser import parse

__all__ = ["Expression", "ExpressionError", "check", "evaluate", "one_of", "parse"]
