"""The sample of a pilot: which records of each source are read, and for how much of it they stand.

In:  a manifest, and the share or the number of documents of each source that are wanted.
Out: per source, places: splits, of each all records or so many of its first ones, with the size of each.
Guaranteed: places are spread evenly over a source's splits, and what is chosen follows from the files alone. A document
    has the uid that it has in a build, so it is drawn, held out and ordered alike.

A source is cut finer than for a build, so that a small share of it still comes from `PLACES` places. Plain lines can
be cut as fine as one likes, and of them a place is always read whole: all records that begin in a range of bytes, and
its size is that of these lines, which may end behind it. The first of them alone would not do, since where the first is
long there are few; what they stand for came out too small by up to half (measured). Compressed files and row groups are
larger: of such a place all records are counted, which reads and parses it once, and the first of them go through the
stages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from pipelines.audit.bench_sample import count_records
from pipelines.engine.inputs import plan_splits
from pipelines.engine.plan import Plan
from pipelines.engine.route import route_of
from pipelines.engine.splits import Split
from pipelines.engine.storage import open_storage
from pipelines.errors import RequestError
from pipelines.manifest import Manifest

PLACES = 32
"""Splits of a source that are read, at least, where it has so many."""

LEAST_BYTES = 1 << 10
"""Bytes of the smallest split."""

BYTES_PER_DOCUMENT = 6_000
"""How much a document takes, where that is not looked at: for the size of splits, and no more."""

LOOK_BYTES = 1 << 20
"""Bytes of plain lines in which it is looked at."""


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
        size: bytes of the whole split; of plain lines, those of the lines that begin in it.
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
        strata[name] = Stratum(places, len(own), _bytes(own))
    chosen = tuple(place.split for stratum in strata.values() for place in stratum.places)
    return Plan(chosen, {name: route_of(manifest, name) for name in sorted(manifest.sources)}), strata


def _cut(manifest: Manifest, name: str, wanted: Wanted, first: int) -> list[Split]:
    """Return the splits of a source, numbered from `first`, so small that a place can be a whole one."""
    source = {name: manifest.sources[name]}
    if wanted.share is not None:
        read = _bytes(plan_splits(source, manifest.split_bytes)) * wanted.share
    else:
        read = (wanted.documents or 0) * _document_bytes(manifest, plan_splits(source, LOOK_BYTES)[0])
    small = min(manifest.split_bytes, max(LEAST_BYTES, int(read / PLACES)))
    return [replace(split, number=first + split.number) for split in plan_splits(source, small)]


def _bytes(splits: Sequence[Split]) -> int:
    """Return the bytes of all files of some splits."""
    return sum({split.file.path: split.file.identity.size for split in splits}.values())


def _document_bytes(manifest: Manifest, first: Split) -> int:
    """Return about how many bytes a document of a source has: as in its first plain lines, elsewhere as usual."""
    if first.end not in {LOOK_BYTES, first.file.identity.size}:
        return BYTES_PER_DOCUMENT
    return first.end // max(1, _records(manifest, first))


def _places(manifest: Manifest, splits: Sequence[tuple[Split, int]], wanted: Wanted) -> Iterator[Place]:
    """Yield places, evenly spread, that together have about what is wanted."""
    bytewise = {split.file.path for split, _ in splits if split.end == split.file.identity.size}
    count = min(len(splits), max(PLACES, round((wanted.share or 0) * len(splits))))
    places = (splits[number * len(splits) // count] for number in range(count))
    chosen = [(split, _lines_size(split) if split.file.path in bytewise else size) for split, size in places]
    if wanted.share is not None and wanted.share * len(splits) >= count:
        yield from (Place(split, size) for split, size in chosen)
        return
    counts = {split.number: _records(manifest, split) for split, _ in chosen if split.file.path not in bytewise}
    share = _share(wanted, len(splits) / count, sum(counts.values()))
    for split, size in chosen:
        held = counts.get(split.number)
        yield Place(split, size) if held is None else _part(split, size, held, share)


def _lines_size(split: Split) -> int:
    """Return the bytes of the lines that begin in a range of bytes."""
    with open_storage(split.file.root).open(split.file.path) as file:
        return _line_at(file, split.end) - _line_at(file, split.start)


def _line_at(file: BinaryIO, place: int) -> int:
    """Return where the first line begins that does not begin before `place`; the file's end where there is none."""
    if place == 0:
        return 0
    file.seek(place - 1)
    file.readline()
    return file.tell()


def _records(manifest: Manifest, split: Split) -> int:
    return count_records(manifest.sources[split.source], split)


def _share(wanted: Wanted, spread: float, records: int) -> float:
    """Return which share of a place is read; `spread` splits stand behind each place, and all have these records."""
    if wanted.share is not None:
        return wanted.share * spread
    return min(1.0, (wanted.documents or 0) / max(records, 1))


def _part(split: Split, size: int, held: int, share: float) -> Place:
    some = min(held, max(1, round(held * share)))
    return Place(split if some == held else replace(split, most=some), size, some, held)
