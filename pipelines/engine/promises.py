"""Promises of a mix that only the built pools can keep: subsets, and limits of shares.

In:  the receipts of pools and places.
Out: nothing, or `NotASubset`, `TooLargeShare`.
Guaranteed: every document of every split was compared; both are checked before a shard is written.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from pipelines.engine.job import Job
from pipelines.engine.placing import PlaceTask
from pipelines.engine.pooling import mix_of
from pipelines.engine.receipts import Receipt
from pipelines.errors import NotASubset, TooLargeShare
from pipelines.mixture import Mix, Phase


def check_subsets(job: Job, pools: Sequence[Receipt]) -> None:
    """Check that every pool with `subset_of` is one.

    Raises:
        NotASubset: the wider pool lacks documents of it.
    """
    counts = Counter[str]()
    for receipt in pools:
        counts.update(receipt.counts)
    for name, wider in mix_of(job).subsets.items():
        if outside := counts[f"outside:{name}"]:
            raise NotASubset(
                f"pool {name!r} is no subset of {wider!r}: {outside:,} of its documents, with "
                f"{counts[f'outside tokens:{name}']:,} of its {counts[f'pool:{name}']:,} tokens, are not in {wider!r}; "
                f"repeat the condition of mix.pools.{wider} in mix.pools.{name}.where, joined by `and`, or take "
                "subset_of out"
            )


def check_max_shares(job: Job, places: Sequence[PlaceTask], placed: Sequence[Receipt]) -> None:
    """Check that no phase takes more of some sources than `max_share` allows.

    Raises:
        TooLargeShare: one does.
    """
    mix = mix_of(job)
    if not mix.max_share:
        return
    taken = Counter[tuple[str, str]]()
    for task, receipt in zip(places, placed, strict=True):
        for drawer, tokens in _by_phase(receipt).items():
            taken[drawer, task.holding.split.source] += tokens
    for name in mix.max_share:
        for phase in mix.phases:
            _check(mix, phase, name, taken, job.manifest.sources_of(name))


def _by_phase(receipt: Receipt) -> Counter[str]:
    counts = Counter[str]()
    for name, tokens in receipt.counts.items():
        if "\t" in name:
            counts[name.split("\t")[0]] += tokens
    return counts


def _check(mix: Mix, phase: Phase, name: str, taken: Mapping[tuple[str, str], int], sources: Collection[str]) -> None:
    """Compare one phase with one limit; each pool and group may be rounded up by a token."""
    total = sum(tokens for (each, _), tokens in taken.items() if each == phase.name)
    inside = sum(tokens for (each, source), tokens in taken.items() if each == phase.name and source in sources)
    rounding = len(mix.pools_of(phase)) + len(mix.groups)
    if inside > Fraction(str(mix.max_share[name])) * total + rounding:
        raise TooLargeShare(
            f"phase {phase.name!r} takes {inside:,} of its {total:,} tokens ({inside / total:.2%}) from {name}, more "
            f"than mix.max_share.{name} {mix.max_share[name]:g} allows: give a smaller weight to the pools that hold "
            "it, narrow them by `where`, or raise the limit"
        )
