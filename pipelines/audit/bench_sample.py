"""The sample of a bench: which records of each source are read.

In:  the splits of a build, and how many records of each source are wanted.
Out: the same splits, fewer of them, each saying how many of its first records are read.
Guaranteed: records that lie beside each other are read together, from up to `PLACES` places spread evenly over the
     source: copies that lie close together stay together, and no file speaks for all. What is chosen follows from the
     files alone. Where a source has no more records than are wanted, all of it is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipelines.engine.pieces import first_records
from pipelines.engine.splits import Split
from pipelines.engine.storage import open_storage
from pipelines.manifest import Manifest
from pipelines.sources.options import SourceOptions
from pipelines.sources.reading import read

PLACES = 16
"""Splits of a source that a sample is taken from, where they hold enough."""


@dataclass(frozen=True)
class Sample:
    """What is read.

    Args:
        splits: in the order of their numbers.
        whole: the sources of which that is all.
    """

    splits: tuple[Split, ...]
    whole: frozenset[str]


def sample_of(manifest: Manifest, splits: Sequence[Split], wanted: int | None) -> Sample:
    """Return a sample of `wanted` records of each source, or of all of them where that is None."""
    chosen: list[Split] = []
    whole: set[str] = set()
    for name, source in sorted(manifest.sources.items()):
        own = [split for split in splits if split.source == name]
        some = own if wanted is None else list(_some(source, own, wanted))
        chosen += some
        if len(some) == len(own) and all(split.most < 0 for split in some):
            whole.add(name)
    return Sample(tuple(sorted(chosen, key=lambda split: split.number)), frozenset(whole))


def _some(source: SourceOptions, splits: Sequence[Split], wanted: int) -> Iterator[Split]:
    """Yield splits with so many records together: as many from each place, more where another place holds few."""
    left, places = wanted, min(PLACES, len(splits))
    for at, split in enumerate(_spread(splits, places)):
        quota = -(-left // max(1, places - at))
        if quota == 0:
            return
        found = count_records(source, split, quota + 1)
        left -= min(found, quota)
        yield split if found <= quota else replace(split, most=quota)


def _spread(splits: Sequence[Split], places: int) -> list[Split]:
    """Return the splits at so many places, evenly spread, the smallest first; behind them all others."""
    numbers = [number * len(splits) // places for number in range(places)]
    chosen = sorted((splits[number] for number in numbers), key=_size)
    return [*chosen, *(split for number, split in enumerate(splits) if number not in numbers)]


def _size(split: Split) -> int:
    """Return how much a split holds, in the unit of its source's splits."""
    return split.end - split.start if split.end >= 0 else split.file.identity.size


def count_records(source: SourceOptions, split: Split, most: int = -1) -> int:
    """Return how many records a split holds; what is behind the first `most` is not read, where that is not -1."""
    with open_storage(split.file.root).open(split.file.path) as file:
        batches = read(source, file, split.start, split.end, split.file.path)
        return sum(batch.num_rows for batch in first_records(batches, most))
