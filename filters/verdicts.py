"""Verdicts from thresholds: the one way in which stored numbers become decisions.

In:  rules in their documented order, and the signals they name.
Out: per document the first rule that failed and the number it failed by.
Guaranteed: a verdict is a function of the stored number: a threshold is cast to the signal's own type, so that a ratio
     of exactly 1/5 is not above 0.2. A number that was not measured (null) fails no rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.batch import Columns, Verdicts

Numbers: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Rule:
    """A bound on one signal; a number on the bound itself passes.

    Args:
        name: the rule in the ledger, the stage's option of the same name.
        signal: what is bounded.
        bound: whether `limit` is the least or the greatest number that passes.
        limit: the threshold; None turns the rule off.
        exempt: a number that passes whatever the limit.
    """

    name: str
    signal: str
    bound: Literal["min", "max"]
    limit: float | None
    exempt: float | None = None


def judge_by(rules: Sequence[Rule], signals: Columns) -> Verdicts:
    """Judge every document by `rules` in order.

    Args:
        rules: the first that fails is the verdict.
        signals: int64 or float32 columns of one length, among them all that the rules name.

    Raises:
        KeyError: a rule names a signal that is not there.
    """
    columns = {name: _measured(signals[name]) for name in dict.fromkeys(rule.signal for rule in rules)}
    count = len(next(iter(columns.values()))[0]) if columns else 0
    chosen = np.full(count, -1, np.int64)
    values = np.zeros(count, np.float64)
    for number, rule in reversed(list(enumerate(rules))):
        numbers, known = columns[rule.signal]
        failed = _fails(rule, numbers) & known
        chosen[failed] = number
        values[failed] = numbers[failed]
    return _verdicts([rule.name for rule in rules], chosen, values)


def _measured(column: pa.Array) -> tuple[Numbers, npt.NDArray[np.bool_] | np.bool_]:
    """Return the numbers of a column, 0 for null, and which of them were measured."""
    if not column.null_count:
        return column.to_numpy(), np.True_
    return column.fill_null(0).to_numpy(), column.is_valid().to_numpy(zero_copy_only=False)


def _fails(rule: Rule, numbers: Numbers) -> npt.NDArray[np.bool_]:
    if rule.limit is None:
        return np.zeros(len(numbers), np.bool_)
    limit = np.float32(rule.limit) if numbers.dtype == np.float32 else rule.limit
    failed = np.asarray(numbers < limit if rule.bound == "min" else numbers > limit)
    return failed if rule.exempt is None else failed & (numbers != rule.exempt)


def _verdicts(names: list[str], chosen: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> Verdicts:
    stays = chosen < 0
    rule = pa.array(names, pa.string()).take(pa.array(chosen, mask=stays))
    return Verdicts(rule, pa.array(values, mask=stays))
