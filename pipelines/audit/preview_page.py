"""The page of a preview: what `gristmill preview` prints.

In:  previews of sources.
Out: a block per document on a console.
Guaranteed: a rule that fails is told by its sign, not by its colour alone.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.audit.changes import Change
from pipelines.audit.preview import Check, Reading, Sighting, SourcePreview
from pipelines.audit.wording import excerpt, number, plural, shown

SHOWN = 150
"""Characters of a text that are shown."""

MANY = 12
"""Signals of a document, or rules of a stage, above which only what fails is shown."""


def print_preview(console: Console, previews: Sequence[SourcePreview]) -> None:
    """Print previews, source by source."""
    for seen in previews:
        console.rule(f"[bold]{escape(seen.source)}[/]", align="left")
        over = ", ".join(f"{number(count)} {fate}" for fate, count in sorted(seen.passed_over.items()))
        if over:
            console.print(f"passed over: {over}", style="dim", highlight=False)
        if seen.exchanges:
            console.print(
                f"not run here, for they need all documents: {escape(', '.join(seen.exchanges))}", style="dim"
            )
        if not seen.documents:
            console.print("no document takes part: look at the source's `select`, `where` and `sample`")
        for document in seen.documents:
            console.print(_block(document))
    kept = sum(document.fate == "kept" for seen in previews for document in seen.documents)
    total = sum(len(seen.documents) for seen in previews)
    console.print(f"{number(kept)} of {plural(total, 'document')} kept by the map stages. Nothing was written.")


def _block(document: Sighting) -> RenderableType:
    kept = document.fate == "kept"
    head = f"[bold {'green' if kept else 'red'}]{document.fate}[/] [bold]{escape(document.id)}[/]"
    fell = "" if kept else f" by {escape(document.stage)}, {escape(document.rule)}"
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _rows(document):
        grid.add_row(name, value)
    return Group(Text.from_markup(head + fell), Padding(grid, (0, 0, 1, 2)))


def _rows(document: Sighting) -> Iterator[tuple[str, RenderableType]]:
    """Yield what is known of a document, by name."""
    yield "place", Text(document.place)
    yield "text", Text(excerpt(document.text, SHOWN), style="italic")
    if document.signals:
        yield "signals", Columns(list(map(escape, _signals(document))))
    for stage, notes in groupby(document.notes, lambda note: note.stage):
        yield stage, Columns(_notes(list(notes)))


def _signals(document: Sighting) -> Iterator[str]:
    """Yield signals and their values; of many, those by which the document fails."""
    names = list(document.signals)
    if len(names) > MANY:
        failed = [note for note in document.notes if isinstance(note, Check) and not note.passes]
        names = [name for name in dict.fromkeys(name for note in failed for name, _ in note.numbers) if name in names]
    yield from (f"{name} {shown(document.signals[name])}" for name in names)
    if len(names) < len(document.signals):
        rest = len(document.signals) - len(names)
        yield f"and {rest:,} more; --id shows all" if names else f"{plural(rest, 'number')}; --id shows all"


def _notes(notes: Sequence[Check | Change | Reading]) -> list[RenderableType]:
    """Return what is noted of a stage; of many rules, those that fail."""
    checks = [note for note in notes if isinstance(note, Check)]
    told = [note for note in checks if not note.passes] if len(checks) > MANY else checks
    rest = [Text(f"{len(checks) - len(told)} rules ok", style="green")] if len(told) < len(checks) else []
    changes = [_change(note) for note in notes if isinstance(note, Change)]
    return [*map(_check, told), *rest, *changes]


def _change(change: Change) -> Text:
    places = "\n".join(f"- {old}\n+ {new}" for old, new in change.places)
    return Text(f"{change.chars_before:,} to {change.chars_after:,} characters\n{places}")


def _check(check: Check) -> Text:
    sign, style = ("ok", "green") if check.passes else ("fails", "bold red")
    name = "" if check.rule == check.stage else f"{check.rule} "
    return Text.assemble(f"{name}{check.words} ", (sign, style))
