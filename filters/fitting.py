"""Stages that work with something that is made first, out of all documents alive before them.

In:  a stage that waits.
Out: the same stage at work, given the files that were made.
Guaranteed: a stage never fits itself: what is made, and from which documents, is the engine's affair.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from filters.batch import Judges, Measures
from filters.signals.signal import Signal


@runtime_checkable
class Fitted(Protocol):
    """A stage that may have to wait for a fit: a model that is trained, a quantile of a signal."""

    @property
    def waits(self) -> bool:
        """Whether something has to be fitted before the stage can work."""

    def fitted(self, files: Mapping[str, bytes]) -> "Measures | Judges":
        """Return the stage at work, with what was fitted: relative path -> content; called once per process."""


@runtime_checkable
class NamesSignals(Protocol):
    """A stage that names its signals itself, so that a manifest may hold several of its kind."""

    @property
    def signals(self) -> Mapping[str, Signal]:
        """What `measure` returns, by name."""
