"""The page of the catalogue: what `gristmill signals` prints.

In:  signals.
Out: a block per signal on a console, under the stage that measures it.
Guaranteed: a source that a whole family shares is said once.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from pipelines.audit.signals_list import OWN, Entry
from pipelines.audit.wording import plural


def print_signals(console: Console, found: Sequence[Entry]) -> None:
    """Print signals, family by family."""
    for stages, family in groupby(found, lambda entry: entry.stages):
        for line in _family(stages, list(family)):
            console.print(line)
    console.print(plural(len(found), "signal"), style="dim", highlight=False)


def _family(stages: Sequence[str], family: Sequence[Entry]) -> Iterator[RenderableType]:
    """Yield the heading of a family, and its signals."""
    own = ", called after the `name` that a manifest gives it" if stages in OWN.values() else ""
    measured = f"measured by {' and '.join(stages)}{own}" if stages else "measured by a stage of your own"
    yield Text(measured, style="bold underline")
    sources = {entry.source for entry in family}
    if len(sources) == 1:
        yield Text(family[0].source, style="dim")
    for entry in family:
        yield Padding(_entry(entry, whole=len(sources) > 1), (0, 0, 0, 2))
    yield Text("")


def _entry(entry: Entry, *, whole: bool) -> RenderableType:
    """Return name, unit and type on one line, and the definition below; `whole`: also the source."""
    head = Text.assemble((entry.name, "bold cyan"), f"  {entry.unit}", (f"  {entry.type}", "dim"))
    body = Text.assemble(entry.definition, (f"\n{entry.source}" if whole else "", "dim"))
    return Group(head, Padding(body, (0, 0, 0, 4)))
