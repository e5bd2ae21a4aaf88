"""The S-curve of MinHash bands: which pairs of documents become candidates, and how many of those that should.

In:  `bands` and `rows` of a signature, and the Jaccard similarity at which a pair counts as duplicates.
Out: chances, the similarities at which they turn, the recall to expect, a table in plain text, and cautions.
Guaranteed: nothing is refused; curves depend on the two numbers alone, and never fall as similarity grows.

Two documents of Jaccard similarity s agree in one number of their signatures with chance s, in all `rows` of a band
with s^rows, and so share at least one of `bands` bands with 1 - (1 - s^rows)^bands (Leskovec, Rajaraman and Ullman,
Mining of Massive Datasets, section 3.4.2). Papers name the two numbers in either order: RefinedWeb's (section 3.3 and
appendix G.3.1) can be read as 20 bands of 450 rows, by which nothing below 0.98 is ever found, where 450 bands of 20
are meant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import expm1, log, log1p
from statistics import fmean
from typing import Protocol, runtime_checkable

SIMILARITIES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
"""Similarities of the table."""

BAR = 40
"""Characters of a full bar."""


@runtime_checkable
class Banded(Protocol):
    """A stage that finds candidates by bands."""

    @property
    def bands(self) -> int:
        """Bands of a signature."""

    @property
    def rows(self) -> int:
        """Numbers of the signature that make one band."""

    @property
    def jaccard(self) -> float:
        """The similarity from which on two documents are duplicates."""


@dataclass(frozen=True)
class Curve:
    """The S-curve of two numbers.

    Args:
        bands: bands of a signature, at least 1.
        rows: numbers in a band, at least 1.

    >>> round(Curve(bands=14, rows=8).chance(0.8), 3)
    0.924
    """

    bands: int
    rows: int

    @property
    def swapped(self) -> "Curve":
        """The curve of the same two numbers the other way round."""
        return Curve(bands=self.rows, rows=self.bands)

    @property
    def midpoint(self) -> float:
        """The similarity at which every other pair becomes a candidate: (1 - 0.5^(1/bands))^(1/rows)."""
        return float((-expm1(log(0.5) / self.bands)) ** (1 / self.rows))

    @property
    def threshold(self) -> float:
        """The usual approximation of where the curve is steepest, (1/bands)^(1/rows); there the chance is about 0.63.

        It is the figure that Mining of Massive Datasets (section 3.4.2) and most recipes print.
        """
        return float((1 / self.bands) ** (1 / self.rows))

    def chance(self, similarity: float) -> float:
        """Return the chance, from 0 to 1, that two documents of this Jaccard similarity become candidates.

        Raises:
            ValueError: the similarity is not from 0 to 1.
        """
        if not 0 <= similarity <= 1:
            raise ValueError(f"a Jaccard similarity is from 0 to 1, not {similarity}")
        one_band = similarity**self.rows
        return 1.0 if one_band == 1 else -expm1(self.bands * log1p(-one_band))

    def recall(self, similarities: Sequence[float]) -> float:
        """Return the share of pairs of these exact similarities that is expected to be found; 1.0 of no pairs."""
        return fmean(map(self.chance, similarities)) if similarities else 1.0

    def table(self, similarities: Sequence[float] = SIMILARITIES) -> str:
        """Return a line per similarity: the similarity, the chance, and a bar of up to `BAR` characters."""
        return "\n".join(_line(each, self.chance(each)) for each in similarities)


def _line(similarity: float, chance: float) -> str:
    return f"{similarity:.2f}  {chance:6.1%}  {'#' * round(BAR * chance)}".rstrip()


def curve_of(stage: Banded) -> Curve:
    """Return the curve of a stage."""
    return Curve(stage.bands, stage.rows)


def curve_page(name: str, stage: Banded) -> str:
    """Return what is said of a stage's curve: a line, and the table of similarities and shares of pairs.

    Args:
        name: of the stage in the manifest.
        stage: its options.
    """
    curve = curve_of(stage)
    head = f"Pairs compared by {name}, {curve.bands} bands of {curve.rows} rows"
    return f"{head} (half of them at {curve.midpoint:.3f}):\n{curve.table()}"


def curve_cautions(name: str, stage: Banded) -> Iterator[str]:
    """Yield what looks wrong with a stage's curve: most pairs that it should find are never compared."""
    curve, wanted = curve_of(stage), stage.jaccard
    chance, other = curve.chance(wanted), curve.swapped.chance(wanted)
    if chance >= 0.5:
        return
    found = f"{name}: {curve.bands} bands of {curve.rows} rows find {chance:.1%} of the pairs at `jaccard: {wanted:g}`"
    if other > 0.5:
        yield f"{found}, and {curve.rows} bands of {curve.bands} rows would find {other:.1%}: are the two swapped?"
    else:
        yield f"{found}: give more `bands`, or fewer `rows`"
