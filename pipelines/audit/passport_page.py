"""The page of a passport: what `gristmill tokenizer` prints.

In:  what is told of a tokenizer.
Out: lines and tables on a console.
Guaranteed: what it prints stands in the passport, or in what was told beside it.
"""

from rich.console import Console
from rich.markup import escape

from pipelines.audit.passport_words import listings, passport_lines
from pipelines.audit.tables import table_of
from pipelines.audit.tokenizer_told import Told


def print_told(console: Console, told: Told) -> None:
    """Print what is told of a tokenizer."""
    console.print(f"[bold]{escape(told.where)}[/]", highlight=False)
    for name, value in passport_lines(told.passport, told.encoding):
        console.print(f"  {name:<16} {escape(value)}", highlight=False, soft_wrap=True)
    for each in listings(told.passport):
        table = table_of(each.title, each.columns[:1], each.columns[1:])
        for row in each.rows:
            table.add_row(*map(escape, row))
        console.print(table)
    if told.note:
        console.print(told.note, highlight=False, style="dim")
