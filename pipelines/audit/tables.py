"""Tables: the one look of all tables that the command line prints.

In:  a title, and the names of the columns.
Out: an empty table.
Guaranteed: words that do not fit are folded, and numbers are never cut.
"""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.table import Table


def table_of(title: str, left: Iterable[str], right: Iterable[str] = ()) -> Table:
    """Return an empty table; columns named in `right` are numbers, behind those of `left`."""
    table = Table(title=title or None, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.title_justify, table.title_style = "left", "bold"
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table
