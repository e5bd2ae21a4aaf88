"""Tables: the one look of all tables that the command line prints.

In:  a title, and the names of the columns.
Out: an empty table.
Guaranteed: words that do not fit are folded, names rather behind one of their underscores; numbers are never cut.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Name:
    """A name such as `max_frac_bullet_lines`, which breaks behind an underscore where it does not fit."""

    text: str

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        lines = [""]
        for part in self._parts():
            if lines[-1] and len(lines[-1]) + len(part) > options.max_width:
                lines.append("")
            lines[-1] += part
        yield Text("\n".join(lines))

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        longest = max(map(len, self._parts()), default=0)
        return Measurement(longest, len(self.text)).clamp(max_width=options.max_width)

    def _parts(self) -> list[str]:
        return re.findall(r"[^_]*_+|[^_]+", self.text)


def table_of(title: str, left: Iterable[str], right: Iterable[str] = ()) -> Table:
    """Return an empty table; columns named in `right` are numbers, behind those of `left`."""
    table = Table(title=title or None, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.title_justify, table.title_style = "left", "bold"
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table
