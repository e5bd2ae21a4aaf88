"""The agreement as a table, as JSON and as a page.

In:  comparisons.
Out: a row each: how many documents, the share on which both say the same, and the causes of the rest.
Guaranteed: nothing is left out of the JSON: it holds every disagreement.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from benchmarks.agreement.comparison import Comparison, Disagreement

UNKNOWN = "UNEXPLAINED"

LISTED = 25
"""A cause of so many disagreements is listed whole on the page; the JSON has all."""

EXAMPLES = 5
"""Disagreements shown for a cause of more."""


def table(found: Sequence[Comparison]) -> Table:
    """Return the table to print."""
    printed = Table(title="Agreement with the originals", title_justify="left")
    for heading in ("peer", "its signal", "ours"):
        printed.add_column(heading)
    for heading in ("documents", "equal"):
        printed.add_column(heading, justify="right")
    printed.add_column("causes of the rest")
    for row in found:
        printed.add_row(row.peer, row.signal, row.ours, f"{row.documents:,}", percent(row), causes_in_words(row))
    return printed


def percent(row: Comparison) -> str:
    """Return the share of equal answers; 100 % only where all are equal.

    >>> percent(Comparison("", "", "", 3000, (Disagreement("0", 1, 2, None),)))
    '99.97 %'
    """
    return "100 %" if not row.disagreements else f"{int(row.share * 10_000) / 100:.2f} %"


def causes_in_words(row: Comparison) -> str:
    """Return each cause and how many documents it explains."""
    counts = Counter(found.cause or UNKNOWN for found in row.disagreements)
    return "\n".join(f"{count}: {cause}" for cause, count in counts.most_common())


def as_json(found: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Return the comparisons as plain values, every disagreement among them."""
    return [{**asdict(row), "equal": row.documents - len(row.disagreements), "share": row.share} for row in found]


def page(found: Sequence[Comparison]) -> str:
    """Return the table and the disagreements in Markdown."""
    head = ["| peer | its signal | ours | documents | equal |", "|---|---|---|---:|---:|"]
    rows = [f"| {row.peer} | {row.signal} | {row.ours} | {row.documents:,} | {percent(row)} |" for row in found]
    lists = [text for row in found if row.disagreements for text in _listed(row)]
    return "\n".join([*head, *rows, "", *lists])


def _listed(row: Comparison) -> list[str]:
    texts = [f"**{row.peer}, {row.signal}** ({len(row.disagreements)} of {row.documents:,})", ""]
    for cause in dict.fromkeys(found.cause for found in row.disagreements):
        of_it = [found for found in row.disagreements if found.cause == cause]
        count = len(of_it) if len(of_it) <= LISTED else EXAMPLES
        more = "" if len(of_it) == count else f"; and {len(of_it) - count:,} more"
        shown = "; ".join(map(_shown, of_it[:count]))
        texts.append(f"- {cause or UNKNOWN} ({len(of_it):,}): {shown}{more}")
    return [*texts, ""]


def _shown(found: Disagreement) -> str:
    return f"`{found.id}` theirs {_value(found.theirs)}, ours {_value(found.ours)}"


def _value(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
