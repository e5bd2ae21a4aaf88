"""The page of a story: what `gristmill why` prints.

In:  stories.
Out: lines and tables on a console.
Guaranteed: every number of the ledger's row is on the page, under the name that the ledger gives it.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.audit.lookup import Verdict
from pipelines.audit.stories import Story
from pipelines.audit.tables import table_of
from pipelines.audit.wording import number, plural, shown

COLOURS = {
    "used": "green",
    "unused": "cyan",
    "held_out": "cyan",
    "duplicate": "yellow",
    "dropped": "red",
    "unreadable": "red",
}

MOST_CUTS = 12
"""Stretches that were cut out of a text whose places are listed."""

MOST_USES = 12
"""Stretches of a document that are listed."""


def print_stories(console: Console, stories: Sequence[Story]) -> None:
    """Print stories, one below the other."""
    if len(stories) > 1:
        console.print(f"{plural(len(stories), 'record')} of that name", style="bold", highlight=False)
    for story in stories:
        _print_story(console, story)
        console.print()


def _print_story(console: Console, story: Story) -> None:
    verdict = story.verdict
    console.print(f"[bold]{escape(verdict.id)}[/]", highlight=False)
    fate = f"[bold {COLOURS.get(verdict.fate, 'magenta')}]{verdict.fate}[/]"
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("  fate", f"{fate}: {escape(story.reason)}")
    for name, value in _facts(story):
        facts.add_row(f"  {name}", escape(value))
    console.print(facts, highlight=False)
    if story.uses:
        console.print(_uses(story))


def _facts(story: Story) -> Iterator[tuple[str, str]]:
    """Yield what else is known of a record, by name."""
    verdict = story.verdict
    where = f"\nin the earlier build {story.kept_in}" if story.kept_in else ""
    for survivor in story.survivors:
        yield "kept instead", f"{survivor.id}\n{survivor.place}\nuid {survivor.uid}, itself {survivor.fate}{where}"
    if story.kept_in and not story.survivors:
        yield "kept instead", f"uid {verdict.kept_uid}{where}"
    if verdict.similarity is not None:
        yield "similarity", number(verdict.similarity)
    if verdict.cluster_size is not None:
        kept = "" if verdict.fate == "duplicate" else ", of which it stayed"
        yield "cluster", f"{plural(verdict.cluster_size, 'document')}{kept}"
    yield "place", verdict.place
    yield "uid", str(verdict.uid)
    yield "text", _lengths(verdict)
    for label, stretches in story.cuts.items():
        yield "cut", f"by {label}: {_stretches(stretches)}"
    if story.pools:
        yield "pools", ", ".join(story.pools)
    if story.signals:
        yield "signals", "\n".join(f"{name} {shown(value)}" for name, value in story.signals.items())


def _stretches(stretches: Sequence[tuple[int, int]]) -> str:
    """Return what was cut: how much, and the places of the first stretches."""
    total = sum(end - start for start, end in stretches)
    places = [f"{start:,}..{end:,}" for start, end in stretches[:MOST_CUTS]]
    more = [] if len(stretches) <= MOST_CUTS else ["..."]
    return f"{plural(total, 'byte')} in {plural(len(stretches), 'place')}: {', '.join([*places, *more])}"


def _lengths(verdict: Verdict) -> str:
    """Return characters in and out, tokens and tokens used; of what did not survive, only what was read."""
    if verdict.chars_in is None:
        return "none"
    read = f"{plural(verdict.chars_in, 'character')} read"
    if verdict.chars_out is None:
        return read
    tokens = "" if verdict.tokens is None else f", {plural(verdict.tokens, 'token')}"
    used = "" if verdict.tokens_used is None else f", {number(verdict.tokens_used)} used"
    return f"{read}, {number(verdict.chars_out)} behind all stages{tokens}{used}"


def _uses(story: Story) -> Table:
    table = table_of("", ["shard", "pool"], ["epoch", "its tokens"])
    for use in story.uses[:MOST_USES]:
        table.add_row(escape(use.shard), use.pool, number(use.epoch), f"{use.start:,}..{use.start + use.tokens:,}")
    if len(story.uses) > MOST_USES:
        table.add_row(f"and {len(story.uses) - MOST_USES:,} more", "", "", "")
    return table
