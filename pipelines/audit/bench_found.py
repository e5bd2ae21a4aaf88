"""What a bench finds: the records that its pages print, and its JSON.

In:  nothing.
Out: frozen records.
Guaranteed: numbers, names and words only; what they mean is said here once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.audit.contrast import Contrast


@dataclass(frozen=True)
class SourceLoss:
    """What a source would lose.

    Args:
        source: its name.
        records: that were read.
        share: of its text that was read, 1.0 if all; an estimate below that.
        documents: that came to the stage.
        chars: of their texts.
        lost: documents that fall with verification.
        lost_chars: of their texts.
        unverified: documents that fall with `verify: false`, where one of each component stays.
        unverified_chars: of their texts.
        stops: whether a build with the stage as it is written would stop, by its `max_loss`.
    """

    source: str
    records: int
    share: float
    documents: int
    chars: int
    lost: int
    lost_chars: int
    unverified: int
    unverified_chars: int
    stops: bool


@dataclass(frozen=True)
class Bin:
    """Pairs of about one similarity.

    Args:
        low: least similarity.
        high: the similarity below which all are; 1.0 of the last bin, whose only one that is.
        chance: that a pair in the middle of it becomes a candidate.
        pairs: candidates of such a similarity.
    """

    low: float
    high: float
    chance: float
    pairs: int


@dataclass(frozen=True)
class Sizes:
    """Groups of some sizes.

    Args:
        least: members of the smallest.
        most: members of the largest that is counted here.
        components: groups of candidates, before verification.
        clusters: survivors with those that fall for them, behind it.
    """

    least: int
    most: int
    components: int
    clusters: int


@dataclass(frozen=True)
class Largest:
    """One of the largest components.

    Args:
        documents: its members.
        falls: how many of them fall with verification.
        source: of the member that ranks first.
        id: of that member.
        text: how its text begins.
    """

    documents: int
    falls: int
    source: str
    id: str
    text: str


@dataclass(frozen=True)
class Side:
    """One document of a pair.

    Args:
        source: its source.
        id: as in the ledger.
        chars: of its text.
    """

    source: str
    id: str
    chars: int


@dataclass(frozen=True)
class Pair:
    """Two documents that share a band.

    Args:
        similarity: Jaccard similarity of their shingles.
        left: of a pair that is alike, the one that stays; of another, the one that ranks first.
        right: of a pair that is alike, the one that falls.
        contrast: what sets their texts apart.
    """

    similarity: float
    left: Side
    right: Side
    contrast: Contrast


@dataclass(frozen=True)
class Bench:
    """What was found.

    Args:
        manifest: name of the build.
        stage: the stage's options.
        at: its place among the manifest's stages, from 0.
        whole: whether all of every source was read.
        sources: what each would lose.
        recall: chance that a pair just at the threshold becomes a candidate.
        curve: similarities from 0 on, and how many candidates there are of each.
        candidates: all of them.
        rejected: those below the threshold.
        missed: pairs at or above the threshold that are expected to share no band, by the similarities of those found.
        sizes: of groups.
        largest: components.
        verified: pairs by which a document falls, from the least similar to the most.
        saved: candidates that are not alike enough, likewise.
    """

    manifest: str
    stage: Mapping[str, Any]
    at: int
    whole: bool
    sources: Sequence[SourceLoss]
    recall: float
    curve: Sequence[Bin]
    candidates: int
    rejected: int
    missed: float
    sizes: Sequence[Sizes]
    largest: Sequence[Largest]
    verified: Sequence[Pair]
    saved: Sequence[Pair]
