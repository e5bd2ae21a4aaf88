"""The page of one document: what `gristmill preview --id` and `--document` print.

In:  a document, with every number and every rule.
Out: a table per stage on a console, readable in 100 columns.
Guaranteed: every number that was measured and every rule is on the page; a rule that fails is told by its word, not by
its colour alone.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipelines.audit.changes import Change
from pipelines.audit.preview import Check, Reading, Sighting, SourcePreview
from pipelines.audit.tables import Name, table_of
from pipelines.audit.wording import excerpt, plural, shown

SHOWN = 400
"""Characters of the text that are shown."""

Row = tuple[str, str, str, str, str]
"""Signal, value, rule, what is asked, verdict."""


def print_one(console: Console, found: Sequence[SourcePreview]) -> None:
    """Print one document of each source."""
    for seen in found:
        for document in seen.documents:
            _print_document(console, document)
        if seen.exchanges and any(document.notes for document in seen.documents):
            console.print(
                f"Not run here, for they need all documents: {escape(', '.join(seen.exchanges))}.", style="dim"
            )
    console.print("Nothing was written.")


def _print_document(console: Console, document: Sighting) -> None:
    kept = document.fate == "kept"
    by = ", ".join(part for part in (document.stage, document.rule) if part)
    head = Text.assemble((document.fate, "bold green" if kept else "bold red"), " ", (document.id, "bold"))
    console.print(head.append(f" by {by}" if by else ""))
    console.print(
        f"{document.place}, {plural(len(document.text), 'character')}", style="dim", markup=False, highlight=False
    )
    console.print(Text(excerpt(document.text, SHOWN), style="italic"))
    for stage, notes in groupby(document.notes, lambda note: note.stage):
        _print_stage(console, stage, list(notes))
    if not document.notes:
        return
    checks = [note for note in document.notes if isinstance(note, Check)]
    failed = sum(not check.passes for check in checks)
    numbers = plural(len(document.signals), "number")
    console.print(f"{numbers}, {plural(len(checks), 'rule')}, of which {failed:,} fail.", highlight=False)


def _print_stage(console: Console, stage: str, notes: Sequence[Check | Change | Reading]) -> None:
    judged = any(isinstance(note, Check) for note in notes)
    table = table_of(stage if judged else f"{stage}, measured only", ["signal"], ["value"])
    for name in ("rule", "asked", "") if judged else ():
        table.add_column(name, overflow="fold")
    for row in _rows(notes):
        _add(table, row[: len(table.columns)])
    if table.row_count:
        console.print(table)
    for note in notes:
        if isinstance(note, Change):
            console.print(_change(note))


def _add(table: Table, row: Sequence[str]) -> None:
    styles = {"fails": "bold red", "ok": "green"}
    cells = [Text(cell, style=styles.get(cell, "") if place == 4 else "") for place, cell in enumerate(row)]
    table.add_row(*(Name(row[place]) if place in {0, 2} else cell for place, cell in enumerate(cells)))


def _rows(notes: Sequence[Check | Change | Reading]) -> Iterator[Row]:
    """Yield numbers in the order of the rules that look at them; rules on numbers of other stages come last."""
    by_number: dict[str, list[Check]] = {}
    for check in notes:
        if isinstance(check, Check):
            by_number.setdefault(check.numbers[0][0] if check.numbers else "", []).append(check)
    order = {name: place for place, name in enumerate(by_number)}
    readings = [note for note in notes if isinstance(note, Reading)]
    for note in sorted(readings, key=lambda note: order.get(note.name, len(order))):
        yield from _number(note.name, shown(note.value), by_number.pop(note.name, []))
    for name, checks in by_number.items():
        yield from _number(name, shown(checks[0].numbers[0][1]) if name else "", checks)
        yield from ((other, shown(value), "", "", "") for other, value in checks[0].numbers[1:])


def _number(name: str, value: str, checks: Sequence[Check]) -> Iterator[Row]:
    """Yield a number and the rules that look at it, one below the other."""
    if not checks:
        yield name, value, "", "", ""
    for place, check in enumerate(checks):
        rule = "" if check.rule == check.stage else check.rule
        verdict = "ok" if check.passes else "fails"
        yield *((name, value) if place == 0 else ("", "")), rule, check.asked or check.words, verdict


def _change(change: Change) -> Text:
    places = "\n".join(f"  - {old}\n  + {new}" for old, new in change.places)
    lengths = f"{change.chars_before:,} to {change.chars_after:,} characters"
    return Text.assemble((change.stage, "bold"), f": {lengths}\n{places}\n")
