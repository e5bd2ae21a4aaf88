"""The number behind a peer's verdict, found by moving its threshold.

In:  a filter of datatrove's, the options that bound one number with every other rule off, and a number of ours.
Out: whether the filter's number is ours, or else what it is.
Guaranteed: nothing is known of the filter but its verdicts: it keeps a text at a bound just beyond our number, and
     drops it at one just short of it, if and only if its number lies between the two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.agreement.comparison import Value, tolerance
from benchmarks.agreement.peer import KEPT, RAISED, ask, patched

NO_NUMBER = "not a number"

STEPS = 24
"""Halvings of the last range, which find a ratio to seven places."""


@dataclass(frozen=True)
class Probe:
    """One number of a filter.

    Args:
        signal: its name with us.
        kind: a count, or a ratio.
        bound: whether the filter drops what is below the threshold ("min") or above it ("max").
        options: the filter's options for a threshold, every other rule off.
    """

    signal: str
    kind: Literal["count", "ratio"]
    bound: Literal["min", "max"]
    options: Callable[[float], dict[str, Any]]

    def number(self, filter_: Any, text: str, ours: float) -> Value:  # noqa: ANN401 - datatrove is not annotated
        """Return `ours` where the filter's number is the same, else the filter's number, or that it raises."""
        gap = 0.5 if self.kind == "count" else tolerance(ours, ours, None)
        below, above = self._passes(filter_, text, ours - gap), self._passes(filter_, text, ours + gap)
        if isinstance(below, str) or isinstance(above, str):
            return below if isinstance(below, str) else above
        return ours if below != above else self._search(filter_, text)

    def _passes(self, filter_: Any, text: str, limit: float) -> bool | str:  # noqa: ANN401 - datatrove is not annotated
        with patched(filter_, self.options(limit)):
            reason = ask(filter_, text).reason
        return reason if reason.startswith(RAISED) else reason == KEPT

    def _search(self, filter_: Any, text: str) -> Value:  # noqa: ANN401 - datatrove is not annotated
        """Double the range until the verdict changes in it, then halve it."""
        low, high = -1.0, 1.0
        first = self._passes(filter_, text, low)
        while self._passes(filter_, text, high) == first:
            if high > len(text):
                return NO_NUMBER
            low, high = high, 2 * high
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._passes(filter_, text, middle) == first else (low, middle)
        return int(high) if self.kind == "count" else high
