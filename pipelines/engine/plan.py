"""The plan: splits and passes, before anything runs.

In:  a manifest.
Out: what there is to read and what each pass does with it.
Guaranteed: making a plan reads file headers at most, and writes nothing.
"""

from collections import Counter
from dataclasses import dataclass

from pipelines.engine.inputs import plan_splits
from pipelines.engine.route import Pass, route_of
from pipelines.engine.splits import Split
from pipelines.manifest import Manifest


@dataclass(frozen=True)
class Plan:
    """What a build will do.

    Args:
        splits: in the order of their numbers.
        routes: the passes of each source; all have the same number.
    """

    splits: tuple[Split, ...]
    routes: dict[str, tuple[Pass, ...]]

    @property
    def passes(self) -> int:
        """Number of passes."""
        return len(next(iter(self.routes.values())))

    def keeps_text(self, source: str, number: int) -> bool:
        """Whether a pass behind number `number` asks for the text of its survivors, and the pass reads them all."""
        route = self.routes[source]
        work, later = route[number], route[number + 1 :]
        if work.looks_at_linked:
            return False
        fitted = any(fit.reads_text for fit in work.fits)
        return fitted or work.cuts or any(each.steps or each.tokenize or each.fits or each.reads_text for each in later)

    def sizes(self) -> list[int]:
        """Return the bytes of input of each split; row groups of a file count alike."""
        pieces = Counter((split.source, split.file.path) for split in self.splits)
        return [split.file.identity.size // pieces[split.source, split.file.path] for split in self.splits]


def make_plan(manifest: Manifest) -> Plan:
    """Plan a manifest."""
    splits = plan_splits(manifest.sources, manifest.split_bytes)
    return Plan(tuple(splits), {name: route_of(manifest, name) for name in sorted(manifest.sources)})
