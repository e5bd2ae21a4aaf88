"""The report that ends a build: what went in, what was dropped and why, what came out.

In:  a summary.
Out: tables on a console.
Guaranteed: the columns of the first table add up to the records read.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.audit.summary import Summary
from pipelines.audit.tables import Name, table_of
from pipelines.audit.wording import number, plural, size
from pipelines.engine.selection import FATES
from pipelines.sample import Summary as SampleSummary

KEPT = ("used", "unused", "held_out")


def print_sample(console: Console, sample: SampleSummary) -> None:
    """Print what a first corpus holds, file by file."""
    table = table_of(f"Written to {sample.folder}", ["file"], ["documents", "text"])
    for file in sample.files:
        table.add_row(file.path, f"{file.documents:,}", f"{size(file.text_bytes)}B")
    console.print(table)
    console.print(f"{plural(sample.documents, 'document')}, {size(sample.text_bytes)}B of text.", highlight=False)


def print_summary(console: Console, summary: Summary, out: str) -> None:
    """Print what a build did, and where to look next."""
    console.print(_sources(summary))
    if any(fall.fate not in KEPT for fall in summary.falls):
        console.print(_reasons(summary))
    if summary.beside:
        console.print(_beside(summary))
        for each in (each for each in summary.beside if each.problem):
            console.print(f"{each.source}: {escape(each.problem)}", highlight=False, soft_wrap=True)
    if summary.fits:
        console.print(_fits(summary))
    if summary.shards:
        console.print(_phases(summary))
        console.print(
            f"{plural(summary.shards, 'shard')}, {plural(summary.sequences, 'sequence')}: {summary.real:,} tokens, "
            f"{summary.padded:,} ids of padding, {summary.lost:,} tokens lost in packing.",
            highlight=False,
        )
        console.print(_more(summary), highlight=False)
    if summary.unplaced:
        console.print(_unplaced(summary), highlight=False, soft_wrap=True)
    if any(msgspec.structs.astuple(summary.referred)):
        console.print(_referred(summary), highlight=False, soft_wrap=True)
    if len(summary.packed) > 1:
        console.print(_packed(summary))
    console.print("The books balance: every record read has one verdict.")
    for what, where in _next(summary, out):
        console.print(f"  {what:<28} {escape(where)}", highlight=False, soft_wrap=True)


def _next(summary: Summary, out: str) -> Iterator[tuple[str, str]]:
    """Yield where to look next."""
    yield "a verdict for every record", f"{out}/ledger/verdicts/"
    yield "why is a document missing?", f"gristmill why {out} ID"
    if summary.tokens:
        yield "what is its tokenizer?", f"gristmill tokenizer {out}"
    if summary.shards:
        yield "what a trainer reads", f"{out}/shards/"
        phase = summary.phases[0].phase
        yield "what is a sequence made of?", f"gristmill trace {out} {phase}/part-00000.parquet 0"


def _sources(summary: Summary) -> Table:
    """Return records by source and fate."""
    fates = [fate for fate in FATES if any(fall.fate == fate for fall in summary.falls)]
    table = table_of("What went in, and what became of it (records)", ["source"], ["read", *fates])
    for source in sorted({fall.source for fall in summary.falls}):
        counts = Counter(dict.fromkeys(fates, 0))
        for fall in summary.falls:
            counts[fall.fate] += fall.records if fall.source == source else 0
        table.add_row(source, f"{counts.total():,}", *(f"{counts[fate]:,}" for fate in fates))
    totals = [sum(fall.records for fall in summary.falls if fall.fate == fate) for fate in fates]
    table.add_section()
    table.add_row("all", f"{summary.records:,}", *(f"{total:,}" for total in totals))
    return table


def _reasons(summary: Summary) -> Table:
    """Return what was dropped, the most frequent reason first."""
    table = table_of("What was dropped, and why", ["fate", "stage", "rule"], ["records"])
    reasons: Counter[tuple[str, str, str]] = Counter()
    for fall in summary.falls:
        if fall.fate not in KEPT:
            reasons[fall.fate, fall.stage, fall.rule] += fall.records
    for (fate, stage, rule), count in reasons.most_common():
        table.add_row(fate, stage, escape(rule), f"{count:,}")
    return table


def _beside(summary: Summary) -> Table:
    """Return of how many documents their companions said something."""
    counts = ["documents", "without", "unclaimed", "no file", "broken"]
    table = table_of("What lay beside the documents", ["source", "companion"], counts)
    for each in summary.beside:
        numbers = (each.documents, each.without, each.unclaimed, each.missing, each.broken)
        table.add_row(each.source, Name(each.companion), *(f"{value:,}" for value in numbers))
    return table


def _fits(summary: Summary) -> Table:
    """Return what was fitted, a line for each number."""
    table = table_of("What was fitted", ["fit", "what"], ["value"])
    for fit in summary.fits:
        for name, value in fit.numbers.items():
            table.add_row(fit.name, name.replace("_", " "), number(None if value is None else round(value, 4)))
        table.add_section()
    return table


def _more(summary: Summary) -> str:
    """Return what else is known of the tokens: those that are no text, and those that stand twice."""
    words = f"Of the tokens that came to the packer {summary.special:,} are BOS or EOS"
    twice = f"; {summary.repeated:,} stand in two sequences" if summary.repeated else ""
    return f"{words}{twice}."


def _unplaced(summary: Summary) -> str:
    documents = plural(summary.unplaced, "document")
    return f"{documents}: loss_spans could not be placed, for the tokenizer changes the text; no token of it counts."


def _referred(summary: Summary) -> str:
    seen = summary.referred
    said = f"ref_loss: {plural(seen.given, 'document')} have it"
    if seen.edited or seen.misfit:
        said += (
            f"; NaN for all tokens of {plural(seen.edited + seen.misfit, 'document')}: of {seen.misfit:,} the list is "
            f"not as long as their tokens are many, of {seen.edited:,} a stage changed the text"
        )
    return f"{said}."


def _packed(summary: Summary) -> Table:
    """Return what packing did to documents, beside what `concat` would have done."""
    table = table_of("How documents became sequences", ["packing"], ["sequences", "padding", "", "documents cut", ""])
    own, *others = summary.packed
    for name, way in ((own.method, own), *((f"({other.method} instead)", other) for other in others)):
        padding, cut = way.padded / max(way.ids, 1), way.cut / max(way.fragments, 1)
        table.add_row(name, f"{way.sequences:,}", f"{way.padded:,}", f"{padding:.2%}", f"{way.cut:,}", f"{cut:.2%}")
    return table


def _phases(summary: Summary) -> Table:
    """Return tokens by phase and pool, with each pool's share."""
    table = table_of("What came out (tokens)", ["phase", "pool"], ["tokens", "share"])
    totals: Counter[str] = Counter()
    for each in summary.phases:
        totals[each.phase] += each.tokens
    for each in summary.phases:
        table.add_row(each.phase, each.pool, f"{each.tokens:,}", f"{each.tokens / totals[each.phase]:.2%}")
    return table
