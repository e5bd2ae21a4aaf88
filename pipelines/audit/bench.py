"""The bench: what a stage dedup_minhash would do, tried on a sample before anything is dropped.

In:  a manifest with such a stage, and how many records of each source are read.
Out: the S-curve beside the similarities that were measured, sizes of groups, what each source would lose, and pairs of
     either kind side by side.
Guaranteed: candidates, similarities and decisions are those of the build on the documents that are read; where all are
     read, the losses are the build's own. Nothing is extrapolated, and nothing is written but to a temporary folder.

What a sample says. Records that lie beside each other are read, from several places of each source
(`pipelines/audit/bench_sample.py`). Similarities and decisions about the pairs in it are exact. Losses are those within
the sample: of two copies that lie just anywhere in a source of which the share p is read, both are read with chance
p * p, so that a whole corpus nearly always loses more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.shingling import NORMALIZATIONS
from pipelines.audit.bench_found import Bench, Bin, Largest, Pair, Side, Sizes, SourceLoss
from pipelines.audit.bench_pairs import Pairs, spread
from pipelines.audit.bench_run import Come, Document, Trial, stage_at, trial
from pipelines.audit.bench_tally import Tally
from pipelines.audit.contrast import contrast
from pipelines.audit.estimates import Counted, estimates_of
from pipelines.audit.wording import excerpt
from pipelines.dedup.curve import Curve
from pipelines.dedup.minhash import DedupMinhash
from pipelines.engine.session import Settings
from pipelines.errors import RequestError
from pipelines.manifest import Manifest

F32 = npt.NDArray[np.float32]

STEP = 0.05
"""Width of the bins of similarities."""

SIZES = ((2, 2), (3, 5), (6, 10), (11, 100), (101, 1_000), (1_001, 1 << 62))
"""Least and greatest size of the groups that are counted together."""

SHOWN = 80
"""Characters of an example."""


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Args:
        documents: records of each source that are read; None is all.
        stage: which dedup_minhash: "" is the first.
        pairs: how many of each kind are shown.
    """

    documents: int | None = 20_000
    stage: str = ""
    pairs: int = 10


def bench(manifest: Manifest, asked: Asked, settings: Settings) -> Bench:
    """Try a stage dedup_minhash on a sample.

    Raises:
        RequestError: the manifest has no such stage.
        BuildError: a stage before it cannot do its work on the sample.
    """
    at = stage_at(manifest, asked.stage)
    stage = manifest.stages[at].stage
    if not isinstance(stage, DedupMinhash):
        raise RequestError(f"stages.{at} is no dedup_minhash")
    with trial(manifest, at, asked.documents, settings) as run:
        tally = Tally(run.survivors, asked.pairs)
        for rows in run.partitions():
            tally.add(rows)
        return _told(stage, at, run, tally, asked)


def _told(stage: DedupMinhash, at: int, run: Trial, tally: Tally, asked: Asked) -> Bench:
    verified, saved = (spread(pairs, asked.pairs) for pairs in (tally.verified, tally.rejected))
    ends = [*verified.left, *verified.right, *saved.left, *saved.right]
    known = run.documents([*map(int, ends), *(best for _, _, best in tally.largest)])
    similarity = np.concatenate([np.empty(0, np.float32), *tally.similarities])
    curve = Curve(stage.bands, stage.rows)
    return Bench(
        manifest=run.job.manifest.name,
        stage=stage.model_dump(mode="json"),
        at=at,
        whole=run.sample.whole == run.job.manifest.sources.keys(),
        sources=_losses(stage, run, tally),
        recall=curve.chance(stage.jaccard),
        curve=bins_of(curve, stage.jaccard, similarity),
        candidates=len(similarity),
        rejected=int((similarity < np.float32(stage.jaccard)).sum()),
        missed=missed(curve, similarity[similarity >= np.float32(stage.jaccard)]),
        sizes=_sizes(tally),
        largest=[_largest(known[best], size, falls) for size, falls, best in tally.largest],
        verified=_pairs(verified, known, stage),
        saved=_pairs(saved, known, stage),
    )


def bins_of(curve: Curve, threshold: float, similarity: F32) -> list[Bin]:
    """Return bins of similarities: each `STEP`, the threshold, and 1 begin one."""
    edges = sorted({*(round(number * STEP, 10) for number in range(round(1 / STEP) + 1)), threshold})
    places = np.searchsorted(np.array(edges, np.float32), similarity, side="right") - 1
    counts = np.bincount(places, minlength=len(edges)).tolist()
    bounds = zip(edges, [*edges[1:], 1.0], counts, strict=True)
    return [Bin(low, high, curve.chance((low + high) / 2), pairs) for low, high, pairs in bounds]


def missed(curve: Curve, similarity: F32) -> float:
    """Return how many pairs of such similarities are expected to share no band.

    Of n pairs of a similarity whose chance is c, about n * c are found: for each one that is, 1 / c - 1 are not.
    """
    chances = np.array([curve.chance(each) for each in np.unique(similarity).tolist()])
    counts = np.unique(similarity, return_counts=True)[1]
    return float(((1 / chances - 1) * counts).sum())


def _sizes(tally: Tally) -> list[Sizes]:
    components, clusters = tally.components, tally.clusters
    counted = [
        Sizes(
            least, most, *(sum(each[size] for size in each if least <= size <= most) for each in (components, clusters))
        )
        for least, most in SIZES
    ]
    return [each for each in counted if each.components or each.clusters]


def _largest(document: Document, size: int, falls: int) -> Largest:
    return Largest(size, falls, document.source, document.id, excerpt(document.text, SHOWN))


def _losses(stage: DedupMinhash, run: Trial, tally: Tally) -> list[SourceLoss]:
    """Return what each source loses, by name."""
    chars = run.chars()
    names = {split.number: split.source for split in run.plan.splits}
    nothing = np.empty(0, np.uint64)
    fell = _by_source(np.concatenate([nothing, *tally.fallen]), names, chars)
    without = _by_source(np.concatenate([nothing, *tally.unverified]), names, chars)
    come, shares = run.come(), _shares(run)
    losses = []
    for source in sorted(come):
        lost, unverified = fell.get(source, (0, 0)), without.get(source, (0, 0))
        each = come[source]
        decided = lost if stage.verify else unverified
        stops = decided[0] > stage.max_loss * each.documents
        losses.append(
            SourceLoss(source, each.records, shares[source], each.documents, each.chars, *lost, *unverified, stops)
        )
    return losses


def _by_source(
    addresses: npt.NDArray[np.uint64], names: Mapping[int, str], chars: Mapping[int, npt.NDArray[np.int64]]
) -> dict[str, tuple[int, int]]:
    """Return by source how many documents there are, and the characters of their texts."""
    found: dict[str, tuple[int, int]] = {}
    numbers, rows = addresses >> np.uint64(32), addresses & np.uint64(0xFFFFFFFF)
    for number in np.unique(numbers).tolist():
        own = rows[numbers == number].astype(np.int64)
        documents, size = found.get(names[number], (0, 0))
        found[names[number]] = documents + len(own), size + int(chars[number][own].sum())
    return found


def _shares(run: Trial) -> dict[str, float]:
    """Return the share of each source's text that was read; below 1 it is an estimate by the sizes of its files."""
    come: dict[str, Come] = run.come()
    if come.keys() <= run.sample.whole:
        return dict.fromkeys(come, 1.0)
    chars = {each.source: each.chars for each in estimates_of(run.job.manifest, run.whole, Counted())}
    part = {source: min(each.chars_read / max(chars[source], 1), 0.99) for source, each in come.items()}
    return {source: 1.0 if source in run.sample.whole else part[source] for source in come}


def _pairs(pairs: Pairs, known: Mapping[int, Document], stage: DedupMinhash) -> list[Pair]:
    """Return pairs with what sets them apart, in the form of words that the stage compares."""
    form = NORMALIZATIONS[stage.normalization]
    found = []
    for similarity, left, right in zip(*(column.tolist() for column in pairs[:3]), strict=True):
        one, other = known[left], known[right]
        apart = contrast(one.text, other.text, form)
        found.append(Pair(similarity, _side(one), _side(other), apart))
    return found


def _side(document: Document) -> Side:
    return Side(document.source, document.id, len(document.text))
