"""The page of a what-if: what `gristmill what-if` prints.

In:  an answer.
Out: tables on a console.
Guaranteed: every number that is not exact is marked, and what is missing for it is said.
"""

from collections.abc import Iterator, Sequence
from shlex import quote

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.audit.tables import table_of
from pipelines.audit.whatif import Answer, SourceAnswer
from pipelines.audit.whatif_samples import Moved
from pipelines.audit.wording import excerpt, plural

SHOWN = 150
"""Characters of a text that are shown."""


def print_answer(console: Console, answer: Answer) -> None:
    """Print an answer."""
    console.print(f"[bold]{escape(answer.folder)}[/], judged again with", highlight=False)
    for setting in answer.settings:
        console.print(f"  {escape(setting)}", highlight=False)
    console.print(_trust(answer))
    console.print(_documents(answer))
    if any(each.tokens_before is not None for each in answer.sources):
        console.print(_tokens(answer))
    console.print(_rules(answer))
    _print_samples(console, answer)
    for remark in answer.remarks:
        console.print(f"Note: {escape(remark)}.", highlight=False)
    settings = " ".join(f"--set {quote(text)}" for text in answer.for_build)
    console.print("Nothing was run and nothing was written. To have it so, build again, with", highlight=False)
    console.print(f"  {settings}", highlight=False, markup=False, soft_wrap=True)


def _trust(answer: Answer) -> RenderableType:
    """Return how far the answer is to be trusted."""
    if answer.exact:
        return Text.assemble(("Exact", "green"), ": every number that this takes was measured.")
    head = Text.assemble(
        ("An estimate", "yellow"),
        ": what becomes of some documents is open. They are counted as kept, so that there are at most so many.",
    )
    return Group(head, *(Padding(Text(f"{each.words}."), (0, 0, 0, 2)) for each in answer.open))


def _print_samples(console: Console, answer: Answer) -> None:
    """Print some documents of either kind."""
    for way, samples in (("gained", answer.gained), ("lost", answer.lost)):
        if samples:
            count = plural(_sum(answer.sources, way), "document")
            some = "" if len(samples) == _sum(answer.sources, way) else f", of which {len(samples)}"
            console.print(_samples(f"{count} {way}{some}", samples))


def _rows(answer: Answer) -> Iterator[tuple[str, Sequence[SourceAnswer]]]:
    """Yield each source by name, and all of them together where there are several."""
    yield from ((each.source, [each]) for each in answer.sources)
    if len(answer.sources) > 1:
        yield "all", answer.sources


def _sum(rows: Sequence[SourceAnswer], name: str) -> int:
    return sum(getattr(each, name) or 0 for each in rows)


def _signed(amount: int) -> str:
    return f"{amount:+,}" if amount else "0"


def _documents(answer: Answer) -> Table:
    """Return what is kept, as it is and as it would be."""
    names = ["documents", "kept_before", "kept_after", *(["undecided"] if not answer.exact else [])]
    titles = ["documents", "kept now", "then" if answer.exact else "then, at most", "open"][: len(names)]
    table = table_of("What is kept", ["source"], [*titles, "gained", "lost"])
    for name, rows in _rows(answer):
        if name == "all" and len(rows) > 1:
            table.add_section()
        gained, lost = _signed(_sum(rows, "gained")), _signed(-_sum(rows, "lost"))
        table.add_row(escape(name), *(f"{_sum(rows, each):,}" for each in names), gained, lost)
    return table


def _tokens(answer: Answer) -> Table:
    """Return the tokens of what is kept; '~' marks what was never tokenized."""
    table = table_of("Tokens in what is kept", ["source"], ["now", "then", "gained", "lost"])
    for name, rows in _rows(answer):
        if name == "all" and len(rows) > 1:
            table.add_section()
        now, gained, lost = (_sum(rows, f"tokens_{each}") for each in ("before", "gained", "lost"))
        mark = "~" if gained else ""
        then = f"{mark}{now + gained - lost:,}"
        table.add_row(escape(name), f"{now:,}", then, f"{mark}{_signed(gained)}", _signed(-lost))
    return table


def _rules(answer: Answer) -> RenderableType:
    """Return the rules by which more documents fall or fewer."""
    changed = [each for each in answer.rules if each.before != each.after]
    rest = len(answer.rules) - len(changed)
    if not changed:
        return Text(" No rule drops more documents or fewer.")
    table = table_of("What documents fall by", ["stage", "rule"], ["now", "then", "change"])
    for each in changed:
        change = _signed(each.after - each.before)
        table.add_row(escape(each.stage), escape(each.rule), f"{each.before:,}", f"{each.after:,}", change)
    if rest:
        table.add_section()
        table.add_row(f"{plural(rest, 'other rule')}", "", "", "", "0")
    return table


def _samples(title: str, samples: Sequence[Moved]) -> RenderableType:
    """Return some documents, each with its rule and the beginning of its text."""
    return Group(Text(f" {title}", style="bold"), *map(_sample, samples))


def _sample(moved: Moved) -> RenderableType:
    place = "" if moved.id in moved.place else f"  {moved.place}"
    rule = "" if moved.words.startswith(moved.rule) else f"{moved.rule}: "
    text = "(its source cannot be read)" if moved.text is None else excerpt(moved.text, SHOWN)
    lines = [
        Text.assemble((moved.id, "bold"), (place, "dim")),
        Text(f"{moved.stage}: {rule}{moved.words}"),
        Text(text, style="italic"),
    ]
    return Padding(Group(*lines), (0, 0, 1, 2))
