"""The page of a bench on a terminal: what `gristmill dedup-bench` prints.

In:  a bench.
Out: tables, bars and pairs side by side on a console.
Guaranteed: what differs is told by signs ([-left-], {+right+}), not by colour alone; no text moves the cursor, for what
     cannot be printed is written out.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.audit import bench_words as say
from pipelines.audit.bench_found import Bench, Bin, Pair, Side
from pipelines.audit.contrast import Run, Stretch, plain
from pipelines.audit.tables import Name, table_of
from pipelines.audit.wording import number

BAR = 16
"""Cells of a full bar."""

EIGHTHS = " ▏▎▍▌▋▊▉█"


def print_bench(console: Console, seen: Bench) -> None:
    """Print a bench."""
    console.print(Text.assemble((seen.manifest, "bold"), f": {say.headline(seen)}"))
    console.print(Text(say.options(seen), style="dim"))
    console.print(_curve(seen))
    _print_lines(console, say.findings(seen))
    if seen.sizes:
        console.print(_sizes(seen), _largest(seen))
    console.print(_losses(seen))
    _print_lines(console, say.sampled(seen))
    for line in say.stops(seen):
        console.print(Text.assemble(("Caution: ", "yellow"), line))
    _print_pairs(console, say.VERIFIED, seen.verified)
    _print_pairs(console, say.saved(seen), seen.saved)


def _print_lines(console: Console, lines: Iterator[str]) -> None:
    for line in lines:
        console.print(Text(line))


def bar(part: float) -> str:
    """Return a bar for a part of 1; what is more than nothing is seen.

    >>> bar(0.5), bar(0.001)
    ('████████', '▏')
    """
    eighths = max(round(part * BAR * 8), 1 if part > 0 else 0)
    return (EIGHTHS[8] * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()


def _curve(seen: Bench) -> Table:
    """Return the S-curve with the measured similarities beside it."""
    table = table_of(say.CURVE, ["similarity"], ["compared"])
    table.add_column("of all such pairs", no_wrap=True, min_width=BAR)
    table.add_column("pairs", justify="right", no_wrap=True)
    table.add_column("found in the sample" if not seen.whole else "found", no_wrap=True, min_width=BAR)
    most = max(each.pairs for each in seen.curve)
    for each in say.shown_bins(seen.curve):
        if each.low == seen.stage["jaccard"]:
            table.add_section()
        table.add_row(*_bin(each, most, alike=each.low >= seen.stage["jaccard"]))
    table.caption, table.caption_justify = say.threshold(seen), "left"
    return table


def _bin(each: Bin, most: int, *, alike: bool) -> Iterator[RenderableType]:
    yield say.bin_name(each)
    yield f"{each.chance:.1%}"
    yield Text(bar(each.chance), style="cyan")
    yield number(each.pairs)
    yield Text(bar(each.pairs / most if most else 0), style="green" if alike else "red")


def _sizes(seen: Bench) -> Table:
    table = table_of(say.SIZES, ["documents"], ["components, before verification", "clusters, after it"])
    for each in seen.sizes:
        table.add_row(say.sizes_name(each), number(each.components), number(each.clusters))
    return table


def _largest(seen: Bench) -> Table:
    table = table_of(say.LARGEST, [], ["documents", "fall", "stay"])
    table.add_column("ranks first", overflow="fold")
    for each in seen.largest:
        counts = (number(each.documents), number(each.falls), number(each.documents - each.falls))
        first = Text.assemble((each.source, "cyan"), f" {plain(each.id)}  ", (each.text, "italic dim"))
        table.add_row(*counts, first)
    return table


def _losses(seen: Bench) -> Table:
    """Return what each source loses: documents and characters, and the documents without verification."""
    table = table_of(say.LOSSES, ["source"], ["read", "documents", "lost", "", "of its text", "unverified", ""])
    for each in seen.sources:
        style = "bold red" if each.stops else ""
        table.add_row(
            Name(each.source),
            say.read_words(each),
            number(each.documents),
            Text(number(each.lost), style),
            Text(say.share(each.lost, each.documents), style),
            say.share(each.lost_chars, each.chars),
            number(each.unverified),
            say.share(each.unverified, each.documents),
        )
    return table


def _print_pairs(console: Console, title: str, pairs: Sequence[Pair]) -> None:
    if not pairs:
        return
    console.print()
    console.print(Text(title, style="bold"))
    for pair in pairs:
        console.print(Padding(_pair(pair), (1, 0, 0, 0)))


def _pair(pair: Pair) -> RenderableType:
    """Return two documents side by side."""
    head = Text.assemble(("similarity ", "dim"), (f"{pair.similarity:.4f}", "bold"))
    grid = Table.grid(padding=(0, 2), expand=True)
    for _ in range(2):
        grid.add_column(ratio=1, overflow="fold")
    grid.add_row(*map(_side, (pair.left, pair.right)))
    for stretch in pair.contrast.stretches:
        if stretch.same:
            grid.add_row(*[Text(f"... {say.elision(stretch)} ...", style="dim")] * 2)
        grid.add_row(*_stretch(stretch))
    end = say.tail(pair)
    rest = [Text(f"... {end} ...", style="dim")] if end else []
    return Group(head, grid, *rest)


def _side(side: Side) -> Text:
    return Text.assemble((side.source, "cyan"), f" {plain(side.id)}", (f"  {side.chars:,} characters", "dim"))


def _stretch(stretch: Stretch) -> tuple[Text, Text]:
    return _runs(stretch.left, ("[-", "-]"), "red"), _runs(stretch.right, ("{+", "+}"), "green")


def _runs(runs: Sequence[Run], signs: tuple[str, str], style: str) -> Text:
    """Return the words of one side; those that the other lacks between signs."""
    text = Text()
    for own, words in runs:
        text.append(f"{signs[0]}{words}{signs[1]}" if own else words, style if own else "")
        text.append(" ")
    return text
