"""The sample of a pilot: which records of each source are read, and for how much of it they stand.

In:  a manifest, and the share or the number of documents of each source that are wanted.
Out: per source, places: splits, of each all records or so many of its first ones, with the size of each.
Guaranteed: places are spread evenly over a source's splits, and what is chosen follows from the files alone. A document
    has the uid that it has in a build, so it is drawn, held out and ordered alike.

A source is cut finer than for a build, so that a small share of it still comes from `PLACES` places. A compressed file
of lines cannot be cut: of it the first records are read. Where a place is read in part, all its records are counted
first, which reads its split once, parses it, and does no more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipelines.audit.bench_sample import count_records
from pipelines.engine.inputs import plan_splits
from pipelines.engine.plan import Plan
from pipelines.engine.route import route_of
from pipelines.engine.splits import Split
from pipelines.errors import RequestError
from pipelines.manifest import Manifest

PLACES = 32
"""Splits of a source that are read, at least, where it has so many."""

LEAST_BYTES = 1 << 16
"""Bytes of the smallest split."""

BYTES_PER_DOCUMENT = 6_000
"""How much a document takes, for the size of splits; a guess that decides no more."""


@dataclass(frozen=True)
class Wanted:
    """How much of each source is read: a share of its documents, or a number of them."""

    share: float | None = None
    documents: int | None = None


@dataclass(frozen=True)
class Place:
    """A split that is read, all of it or its first records.

    Args:
        split: what is read.
        size: bytes of the whole split.
        records: how many are read; None where all are, and nobody counted them.
        of: how many records the split has; None likewise.
    """

    split: Split
    size: int
    records: int | None = None
    of: int | None = None

    @property
    def scale(self) -> float:
        """For how many records of its split one that is read stands."""
        return self.of / self.records if self.records and self.of else 1.0

    @property
    def whole(self) -> bool:
        """Whether all of the split is read."""
        return self.records == self.of


@dataclass(frozen=True)
class Stratum:
    """What is read of one source.

    Args:
        places: in the order of their splits.
        splits: how many splits the source has.
        size: bytes of all of them.
    """

    places: tuple[Place, ...]
    splits: int
    size: int

    @property
    def whole(self) -> bool:
        """Whether all of the source is read."""
        return len(self.places) == self.splits and all(place.whole for place in self.places)


def wanted_of(text: str) -> Wanted:
    """Return what `--pilot` asks for: `1%`, `0.01`, or a number of documents of each source, such as 20000.

    Raises:
        RequestError: it is none of these.
    """
    number, percent = text.strip().removesuffix("%").replace("_", ""), text.strip().endswith("%")
    try:
        amount = float(number)
    except ValueError:
        amount = 0.0
    if percent and 0 < amount <= 100:
        return Wanted(share=amount / 100)
    if not percent and 0 < amount < 1:
        return Wanted(share=amount)
    if not percent and number.isdecimal() and amount > 1:
        return Wanted(documents=int(number))
    raise RequestError(f"--pilot {text}: write a share, such as 1% or 0.01, or documents of each source, such as 20000")


def strata_of(manifest: Manifest, wanted: Wanted) -> tuple[Plan, dict[str, Stratum]]:
    """Return a plan whose splits are the places of the sample, and what is read of each source."""
    splits: list[Split] = []
    strata: dict[str, Stratum] = {}
    for name in sorted(manifest.sources):
        own = _cut(manifest, name, wanted, len(splits))
        splits += own
        sizes = Plan(tuple(own), {}).sizes()
        places = tuple(_places(manifest, list(zip(own, sizes, strict=True)), wanted))
        strata[name] = Stratum(places, len(own), sum(sizes))
    chosen = tuple(place.split for stratum in strata.values() for place in stratum.places)
    return Plan(chosen, {name: route_of(manifest, name) for name in sorted(manifest.sources)}), strata


def _cut(manifest: Manifest, name: str, wanted: Wanted, first: int) -> list[Split]:
    """Return the splits of a source, numbered from `first`, so small that a place can be a whole one."""
    source = {name: manifest.sources[name]}
    files = plan_splits(source, manifest.split_bytes)
    size = sum(Plan(tuple(files), {}).sizes())
    read = size * wanted.share if wanted.share is not None else (wanted.documents or 0) * BYTES_PER_DOCUMENT
    small = min(manifest.split_bytes, max(LEAST_BYTES, int(read / PLACES)))
    return [replace(split, number=first + split.number) for split in plan_splits(source, small)]


def _places(manifest: Manifest, splits: Sequence[tuple[Split, int]], wanted: Wanted) -> Iterator[Place]:
    """Yield places, evenly spread, that together have what is wanted; where whole ones do, nothing is counted."""
    count = min(len(splits), max(PLACES, round((wanted.share or 0) * len(splits))))
    chosen = [splits[number * len(splits) // count] for number in range(count)]
    if wanted.share is not None and wanted.share * len(splits) >= count:
        yield from (Place(split, size) for split, size in chosen)
        return
    records = [count_records(manifest.sources[split.source], split) for split, _ in chosen]
    if wanted.share is not None:
        share = wanted.share * len(splits) / count
    else:
        share = min(1.0, (wanted.documents or 0) / max(sum(records), 1))
    for (split, size), held in zip(chosen, records, strict=True):
        some = min(held, max(1, round(held * share)))
        yield Place(split if some == held else replace(split, most=some), size, some, held)
