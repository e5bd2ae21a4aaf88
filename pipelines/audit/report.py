"""The report that ends a build: what went in, what was dropped and why, what came out.

In:  a summary.
Out: tables on a console.
Guaranteed: the columns of the first table add up to the records read.
"""

from collections import Counter

from rich.console import Console
from rich.table import Table

from pipelines.audit.summary import Summary

KEPT = ("used", "unused")


def print_summary(console: Console, summary: Summary, out: str) -> None:
    """Print what a build did, and where to look next."""
    console.print(_sources(summary))
    console.print(_reasons(summary))
    if summary.shards:
        console.print(_phases(summary))
        console.print(
            f"{summary.shards} shards, {summary.sequences:,} sequences: {summary.real:,} tokens, "
            f"{summary.padded:,} ids of padding, {summary.lost:,} tokens lost in packing"
        )
    console.print("The books balance: every record read has one verdict.")
    console.print(
        f"  shards   {out}/shards/\n  ledger   {out}/ledger/verdicts/  (Parquet, one row per record)", highlight=False
    )
    console.print(f"  why is a document missing?   gristmill why {out} ID", highlight=False)
    console.print(f"  what is a sequence made of?  gristmill trace {out} PHASE/part-00000.parquet 0", highlight=False)


def _sources(summary: Summary) -> Table:
    """Return records by source and fate."""
    table = Table(title="What went in, and what became of it (records)", title_justify="left")
    fates = [fate for fate in _FATES if any(fall.fate == fate for fall in summary.falls)]
    for name in ("source", "read", *fates):
        table.add_column(name, justify="left" if name == "source" else "right")
    for source in sorted({fall.source for fall in summary.falls}):
        counts = Counter(dict.fromkeys(fates, 0))
        for fall in summary.falls:
            counts[fall.fate] += fall.records if fall.source == source else 0
        table.add_row(source, f"{counts.total():,}", *(f"{counts[fate]:,}" for fate in fates))
    return table


_FATES = ("unreadable", "unselected", "unsampled", "dropped", "duplicate", "unused", "used")


def _reasons(summary: Summary) -> Table:
    """Return what was dropped, the most frequent reason first."""
    table = Table(title="What was dropped, and why", title_justify="left")
    for name in ("fate", "stage", "rule", "records"):
        table.add_column(name, justify="right" if name == "records" else "left")
    reasons: Counter[tuple[str, str, str]] = Counter()
    for fall in summary.falls:
        if fall.fate not in KEPT:
            reasons[fall.fate, fall.stage, fall.rule] += fall.records
    for (fate, stage, rule), count in reasons.most_common():
        table.add_row(fate, stage, rule, f"{count:,}")
    return table


def _phases(summary: Summary) -> Table:
    """Return tokens by phase and pool, with each pool's share."""
    table = Table(title="What came out (tokens)", title_justify="left")
    for name in ("phase", "pool", "tokens", "share"):
        table.add_column(name, justify="right" if name in {"tokens", "share"} else "left")
    totals: Counter[str] = Counter()
    for each in summary.phases:
        totals[each.phase] += each.tokens
    for each in summary.phases:
        table.add_row(each.phase, each.pool, f"{each.tokens:,}", f"{each.tokens / totals[each.phase]:.2%}")
    return table
