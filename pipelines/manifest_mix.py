"""Checks of a mix: what its groups, subsets, hold-out and limits of shares mean together.

In:  a mix whose pools and weights name what there is, and the document that it was read from.
Out: nothing, or a ManifestError.
Guaranteed: no group holds itself, no phase reaches a pool by two ways, and nothing else has a name of the hold-out's.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

from pipelines.mixture import HOLDOUT
from pipelines.refusals import nearest

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipelines.manifest import Manifest
    from pipelines.mixture import Mix, Phase
    from pipelines.yaml_keys import Document, Key


def check_mix(document: Document, manifest: Manifest, mix: Mix) -> None:
    """Refuse a mix whose parts contradict each other.

    Raises:
        ManifestError: the first thing that is wrong.
    """
    checks = _Checks(document, manifest, mix)
    for name in mix.groups:
        checks.group(name)
    for at, phase in enumerate(mix.phases):
        checks.reached_once(("mix", "phases", at, "weights"), phase)
    for name, options in mix.pools.items():
        if options.subset_of is not None:
            checks.subset(("mix", "pools", name, "subset_of"), name, options.subset_of)
    checks.phases()
    if mix.holdout is not None:
        checks.holdout()
    checks.limits()


class _Checks:
    """The checks of one mix."""

    def __init__(self, document: Document, manifest: Manifest, mix: Mix) -> None:
        self._document, self._manifest, self._mix = document, manifest, mix

    def group(self, name: str) -> None:
        key: Key = ("mix", "groups", name)
        if name in self._manifest.names or name in self._mix.pools:
            self._document.refuse(key, "a source, a tag or a pool has this name; call the group otherwise", name)
        if way := self._way_back(name, (name,)):
            self._document.refuse((*key, "of"), f"the group holds itself ({' > '.join(way)}); take one of them out")

    def _way_back(self, name: str, way: tuple[str, ...]) -> tuple[str, ...]:
        """Return how a group comes to hold itself; () where it does not."""
        for member in self._mix.groups[name].of:
            if member == way[0]:
                return (*way, member)
            if member in self._mix.groups and member not in way and (found := self._way_back(member, (*way, member))):
                return found
        return ()

    def reached_once(self, key: Key, phase: Phase) -> None:
        counts = Counter(self._mix.pools_of(phase))
        if twice := sorted(pool for pool, count in counts.items() if count > 1):
            remedy = f"the weights and their groups reach {twice[0]!r} by two ways; name it once, or take it out"
            self._document.refuse(key, remedy)

    def subset(self, key: Key, name: str, wider: str) -> None:
        """Check that a pool is another one, with sources that it has, too."""
        known = {*self._manifest.sources, *self._mix.pools} - {name}
        if wider not in known:
            self._document.refuse(key, f"no other pool and no source; {nearest(wider, known)}")
        outside = sorted({*self._sources_of(name)} - {*self._sources_of(wider)})
        if outside:
            remedy = f"{wider!r} has no documents of source {outside[0]!r}; add it there, or take it out here"
            self._document.refuse(key, remedy)

    def _sources_of(self, pool: str) -> Collection[str]:
        if pool in self._manifest.sources:
            return (pool,)
        return {source for name in self._mix.pools[pool].sources for source in self._manifest.names[name]}

    def phases(self) -> None:
        """Keep the name of the hold-out's shards free: who trains on a build by default reads all others."""
        for at, phase in enumerate(self._mix.phases):
            if phase.name == HOLDOUT:
                remedy = "shards of this name are those of `mix.holdout`, which is not trained on; choose another"
                self._document.refuse(("mix", "phases", at, "name"), remedy, HOLDOUT)

    def holdout(self) -> None:
        for key, names in self._names():
            if HOLDOUT in names:
                remedy = "held-out documents have a pool and shards of this name; choose another, or drop mix.holdout"
                self._document.refuse(key, remedy, HOLDOUT)
        if isinstance(self._mix.holdout, dict):
            self.known(("mix", "holdout"), self._mix.holdout)
            for source in sorted(self._manifest.sources.keys() - self._mix.holdout.keys()):
                self._said_once(source, sorted(self._mix.holdout))

    def _names(self) -> list[tuple[Key, Collection[str]]]:
        """Return what is named in the manifest beside the hold-out, and where."""
        keys: list[Key] = [("sources",), ("mix", "pools"), ("mix", "groups")]
        return list(zip(keys, (self._manifest.names, self._mix.pools, self._mix.groups), strict=True))

    def _said_once(self, source: str, names: Collection[str]) -> None:
        tags = [name for name in names if source in self._manifest.names[name]]
        if len(tags) > 1:
            remedy = f"source {source!r} has the tags {' and '.join(tags)}; say what is held out of it by its own name"
            self._document.refuse(("mix", "holdout"), remedy)

    def known(self, key: Key, names: Collection[str]) -> None:
        """Check that names are those of sources or tags."""
        for name in names:
            if name not in self._manifest.names:
                self._document.refuse((*key, name), f"no source and no tag; {nearest(name, self._manifest.names)}")

    def limits(self) -> None:
        """Check `max_share` against the weights that are written; what follows from sizes is seen in the build."""
        self.known(("mix", "max_share"), self._mix.max_share)
        for name, limit in self._mix.max_share.items():
            for phase in self._mix.phases:
                self._limit(name, limit, phase)

    def _limit(self, name: str, limit: float, phase: Phase) -> None:
        sources = {*self._manifest.names[name]}
        whole = [pool for pool in phase.weights if self._is_within(pool, sources)]
        share = sum(Fraction(str(phase.weights[pool])) for pool in whole)
        if share > Fraction(str(limit)) + Fraction(1, 10**9):
            remedy = f"phase {phase.name!r} gives {float(share):g} to {', '.join(whole)}; lower that, or raise this"
            self._document.refuse(("mix", "max_share", name), remedy)

    def _is_within(self, name: str, sources: set[str]) -> bool:
        """Tell whether all pools that a weight names hold documents of these sources alone."""
        if name in self._mix.groups:
            return all(self._is_within(member, sources) for member in self._mix.groups[name].of)
        return sources.issuperset(self._sources_of(name))
