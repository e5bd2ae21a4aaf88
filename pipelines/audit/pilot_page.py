"""The page of a pilot: what `gristmill plan --pilot` prints behind the forecast.

In:  a pilot.
Out: tables on a console.
Guaranteed: every estimate stands beside its interval, or it says that there is none; what a sample cannot tell is said.
"""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.audit.pilot import Amount, Pilot
from pipelines.audit.tables import table_of
from pipelines.audit.wording import size

COLOURS = {"yes": "green", "perhaps": "yellow", "no": "red"}


def print_pilot(console: Console, seen: Pilot) -> None:
    """Print a pilot."""
    console.print(_sources(seen))
    console.print(_pools(seen))
    console.print(
        "  95 % intervals, from how much the places that were read differ (Student's t); what is read whole is exact.",
        highlight=False,
        style="dim",
    )
    console.print(_phases(seen))
    if seen.stops:
        console.print(f"[yellow]At the likely numbers the build stops:[/] {escape(seen.stops)}", highlight=False)
    for note in seen.notes:
        console.print(f"[yellow]Caution:[/] {escape(note)}", highlight=False)


def _sources(seen: Pilot) -> Table:
    table = table_of(f"Pilot on {seen.wanted}: what was read", ["source"], ["records", "places", "of"])
    for each in seen.sources:
        table.add_row(each.source, f"{each.records:,}", "all" if each.whole else f"{each.places:,}", f"{each.splits:,}")
    return table


def _pools(seen: Pilot) -> Table:
    table = table_of("What each pool will hold", ["pool"], ["seen", "documents", "tokens", "95 % interval", "±"])
    for each in seen.pools:
        documents = size(each.documents.likely) if each.seen else "none seen"
        table.add_row(each.pool, f"{each.seen:,}", documents, size(each.tokens.likely), *_interval(each.tokens))
    return table


def _interval(amount: Amount) -> tuple[str, str]:
    """Return where an amount lies, and how wide that is beside it."""
    if amount.low is None or amount.high is None:
        return "no interval", "?"
    share = (amount.high - amount.likely) / amount.likely if amount.likely else 0.0
    return f"{size(amount.low)} to {size(amount.high)}", f"{share:.1%}"


def _phases(seen: Pilot) -> Table:
    table = table_of("Whether the phases can be met (tokens)", ["phase"], ["asked", "could take", "interval", "met"])
    for each in seen.phases:
        verdict = f"[{COLOURS[each.verdict]}]{each.verdict}[/]"
        table.add_row(each.phase, size(each.asked), size(each.could.likely), _interval(each.could)[0], verdict)
    return table
