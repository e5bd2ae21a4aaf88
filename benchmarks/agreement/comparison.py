"""What a peer says of documents beside what we say of them.

In:  per document the peer's answer and ours: a count, a ratio, a label, a list of numbers, or null.
Out: a `Comparison`: how many answers are equal, and every one that is not, with its cause.
Guaranteed: counts and labels are equal only where they are the same; ratios within 1e-6 of each other (of the larger
     number where it is above 1), and half a unit of the last place that the peer publishes. A cause is given only where
     its test holds for that document; what no cause explains stays without one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = float | str | Sequence[float | None] | None
"""One answer; a list holds a number per line."""

RATIO_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Case:
    """One document and the two answers."""

    id: str
    text: str
    theirs: Value
    ours: Value


@dataclass(frozen=True)
class Cause:
    """Why a peer differs.

    Args:
        sentence: the cause, in words.
        holds: tells from the document whether this is the cause there; it must be false where it cannot be.
    """

    sentence: str
    holds: Callable[[Case], bool]


@dataclass(frozen=True)
class Disagreement:
    """A document on which the two differ; `cause` is None where nobody knows why."""

    id: str
    theirs: Value
    ours: Value
    cause: str | None


@dataclass(frozen=True)
class Comparison:
    """One signal or decision over many documents.

    Args:
        peer: who else says it.
        signal: as the peer names it.
        ours: as we name it.
        documents: how many were compared.
        disagreements: all of them.
    """

    peer: str
    signal: str
    ours: str
    documents: int
    disagreements: tuple[Disagreement, ...]

    @property
    def share(self) -> float:
        """Return the share of documents on which both say the same; 1 where there are none."""
        return 1 - len(self.disagreements) / max(self.documents, 1)

    @property
    def unexplained(self) -> tuple[Disagreement, ...]:
        """Return the disagreements without a cause."""
        return tuple(found for found in self.disagreements if found.cause is None)


@dataclass(frozen=True)
class Subject:
    """What is compared.

    Args:
        peer: who else says it.
        signal: as the peer names it.
        ours: as we name it.
        decimals: places that the peer rounds to; None where it does not.
        causes: known reasons to differ, the first that holds is given.
    """

    peer: str
    signal: str
    ours: str
    decimals: int | None = None
    causes: tuple[Cause, ...] = ()


def compare(subject: Subject, cases: Iterable[Case]) -> Comparison:
    """Compare the two answers of every case."""
    seen = list(cases)
    different = [case for case in seen if not same(case.theirs, case.ours, subject.decimals)]
    found = tuple(Disagreement(case.id, case.theirs, case.ours, _cause(subject, case)) for case in different)
    return Comparison(subject.peer, subject.signal, subject.ours, len(seen), found)


def _cause(subject: Subject, case: Case) -> str | None:
    return next((cause.sentence for cause in subject.causes if cause.holds(case)), None)


def same(theirs: Value, ours: Value, decimals: int | None = None) -> bool:
    """Return whether two answers are equal.

    >>> same(0.33333, 1 / 3, decimals=5), same(0.33333, 1 / 3), same(3, 4), same(None, 0.0)
    (True, False, False, False)
    """
    if isinstance(theirs, str) or isinstance(ours, str) or theirs is None or ours is None:
        return theirs == ours
    if isinstance(theirs, Sequence) or isinstance(ours, Sequence):
        return _same_lists(theirs, ours, decimals)
    if isinstance(theirs, int) and isinstance(ours, int):
        return theirs == ours
    return abs(theirs - ours) <= tolerance(theirs, ours, decimals)


def _same_lists(theirs: Value, ours: Value, decimals: int | None) -> bool:
    if not (isinstance(theirs, Sequence) and isinstance(ours, Sequence)) or len(theirs) != len(ours):
        return False
    return all(same(one, other, decimals) for one, other in zip(theirs, ours, strict=True))


def tolerance(theirs: float, ours: float, decimals: int | None) -> float:
    """Return how far two equal ratios may lie apart."""
    rounding = 0.0 if decimals is None else 0.5 * 10.0**-decimals
    return RATIO_TOLERANCE * max(1.0, abs(theirs), abs(ours)) + rounding
