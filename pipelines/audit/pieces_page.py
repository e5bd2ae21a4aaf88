"""The page of a sequence: what `gristmill trace` prints.

In:  traced pieces, of one sequence or of several, one after another, and how their shards were packed.
Out: of each sequence a table on a console, a row per piece; or a block per piece with all of its text.
Guaranteed: a piece whose tokens are not its document's text is shown as such, with both.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipelines.audit.pieces import Piece, Traced
from pipelines.audit.tables import table_of
from pipelines.audit.wording import excerpt, plural
from pipelines.mix.shards import Packing
from pipelines.tokens.columns import LOSS_MASK, REFERENCE

SHOWN = 110
"""Characters of a piece's text that the table shows."""

_OVERLAP = "With next_token, what goes on in another sequence begins there with the last token that it has here."


def print_sequences(console: Console, traced: Sequence[Traced], packing: Packing, *, whole: bool) -> None:
    """Print the pieces of several sequences, sequence by sequence; `whole` prints all of their texts."""
    for _, pieces in groupby(traced, lambda each: (each.piece.shard, each.piece.sequence)):
        print_sequence(console, list(pieces), packing, whole=whole)


def print_sequence(console: Console, traced: Sequence[Traced], packing: Packing, *, whole: bool) -> None:
    """Print the pieces of one sequence; `whole` prints all of their texts."""
    first = traced[0].piece
    tokens = sum(len(each.piece.ids) for each in traced)
    console.print(
        f"[bold]{escape(first.shard)}[/], sequence [bold]{first.sequence}[/]: {plural(tokens, 'token')} in "
        f"{plural(len(traced), 'piece')}, packed by {packing.method}",
        highlight=False,
    )
    if packing.next_token and packing.method != "pad_truncate":
        console.print(_OVERLAP)
    if whole:
        _print_whole(console, traced)
    else:
        console.print(_table(traced))
    _print_check(console, traced)


def _table(traced: Sequence[Traced]) -> Table:
    table = table_of("", ["tokens", "of which document", "their text"])
    for each in traced:
        piece = each.piece
        text = Text(excerpt(piece.text, SHOWN), style="green" if each.agrees else "red")
        table.add_row(f"{piece.first:,}..{piece.end:,}", f"[bold]{escape(piece.id)}[/]\n{escape(_origin(each))}", text)
        table.add_section()
    return table


def _origin(each: Traced) -> str:
    piece = each.piece
    place = "" if piece.id == f"{piece.split.file.path}:{piece.ordinal}" else f"{piece.place}\n"
    source = f"source {piece.split.source}, " if not place else ""
    lines = [
        f"{place}{source}pool {piece.pool}, epoch {piece.epoch}",
        f"its token {piece.start:,}, byte {each.offset:,}",
    ]
    return "\n".join([*lines, *_columns(piece)])


def _columns(piece: Piece) -> Iterator[str]:
    """Yield a line for each per-token column."""
    tokens = len(piece.ids)
    if LOSS_MASK in piece.columns:
        yield f"{sum(map(int, piece.columns[LOSS_MASK])):,} of its {plural(tokens, 'token')} count for the loss"
    if REFERENCE in piece.columns:
        known = [float(loss) for loss in piece.columns[REFERENCE] if not math.isnan(loss)]
        mean = f", {sum(known) / len(known):.3f} on average" if known else ""
        yield f"reference loss of {len(known):,} of its {plural(tokens, 'token')}{mean}"


def _print_whole(console: Console, traced: Sequence[Traced]) -> None:
    for each in traced:
        piece = each.piece
        console.rule(f"tokens {piece.first:,}..{piece.end:,}", align="left")
        console.print(f"[bold]{escape(piece.id)}[/]\n{escape(_origin(each))}\nuid {piece.uid}", highlight=False)
        console.print(Text(piece.text, style="green" if each.agrees else "red"), soft_wrap=True)


def _print_check(console: Console, traced: Sequence[Traced]) -> None:
    """Say whether the tokens are the text, and of those that are not, what the text has instead."""
    wrong = [each for each in traced if not each.agrees]
    for each in wrong:
        console.print(f"tokens {each.piece.first:,}..{each.piece.end:,}: the text has", style="red", highlight=False)
        console.print(Text(excerpt(each.text.decode("utf-8", errors="replace"), SHOWN)))
    if wrong:
        console.print(f"{len(wrong)} of {plural(len(traced), 'piece')} differ from the text.", style="bold red")
    else:
        console.print("Checked: the bytes of these tokens are the bytes of the documents' final texts at those places.")
