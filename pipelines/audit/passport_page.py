"""The page of a passport: what `gristmill tokenizer` prints.

In:  what is told of a tokenizer.
Out: lines and tables on a console.
Guaranteed: what it prints stands in the passport, or in what was told beside it.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.audit.passport import Edited, Fertility, Passport, RoundTrip
from pipelines.audit.tables import table_of
from pipelines.audit.tokenizer_told import Told
from pipelines.audit.wording import listed, plural

KINDS = {
    "train": "trained by the build",
    "json": "a tokenizer.json",
    "tiktoken": "tiktoken ranks",
    "sentencepiece": "a SentencePiece model",
}


def print_told(console: Console, told: Told) -> None:
    """Print what is told of a tokenizer."""
    console.print(f"[bold]{escape(told.where)}[/]", highlight=False)
    for name, value in passport_lines(told.passport, told.encoding):
        console.print(f"  {name:<16} {escape(value)}", highlight=False, soft_wrap=True)
    for title, rows in (("source", told.passport.by_source), ("language", told.passport.by_language)):
        if rows:
            console.print(_fertility(title, rows))
    if told.passport.round_trip:
        console.print(_round_trip(told.passport.round_trip))
    if told.note:
        console.print(told.note, highlight=False, style="dim")


def passport_lines(passport: Passport, encoding: str) -> Iterator[tuple[str, str]]:
    """Yield what a tokenizer is, as pairs of words."""
    framing = passport.framing
    yield "hash", passport.hash or "not known yet"
    yield "kind", KINDS[passport.kind]
    yield "vocabulary", f"{passport.vocab_size:,} ids, {passport.id_type}"
    yield "BOS", _framed(passport, framing.bos_id, "begins", adds=framing.adds_bos)
    yield "EOS", _framed(passport, framing.eos_id, "ends", adds=framing.adds_eos)
    yield "padding", _named(passport, framing.pad_id) or "none: sequences are filled up with 0"
    yield "normalizer", passport.normalizer
    yield "words", passport.pre_tokenizer
    yield "special tokens", _specials(passport)
    yield "who encodes", encoding
    if passport.edits is not None:
        yield from _edits(passport.edits)


def _named(passport: Passport, number: int | None) -> str:
    """Return a special token and its id; "" where there is none."""
    names = {held: token for token, held in passport.special_tokens.items()}
    return "" if number is None else f"{names.get(number, '')} ({number})".strip()


def _framed(passport: Passport, number: int | None, does: str, *, adds: bool) -> str:
    if number is None:
        return "none"
    return f"{_named(passport, number)}, {does} {'each' if adds else 'no'} document"


def _specials(passport: Passport) -> str:
    names = [f"{token} ({number})" for token, number in passport.special_tokens.items()]
    return f"{len(names):,}: {listed(names, 6)}" if names else "none"


def _edits(edits: Edited) -> Iterator[tuple[str, str]]:
    """Yield what was changed in the file's vocabulary."""
    removed = [f"{token} ({number} in the file)" for token, number in edits.removed.items()]
    gaps = [plural(edits.gaps, "gap")] if edits.gaps else []
    yield "removed", listed([*gaps, *removed], 6) or "nothing"
    yield "added", listed([f"{token} ({number})" for token, number in edits.added.items()], 6) or "nothing"
    yield "filled up", f"{plural(edits.padding, 'id')} that stand for nothing"


def _fertility(title: str, rows: Sequence[Fertility]) -> Table:
    """Return tokens for a character, a byte and a word."""
    names = ["documents", "tokens", "a character", "a byte", "a word"]
    table = table_of(f"Tokens by {title} (without BOS and EOS)", [title], names)
    for each in rows:
        ratios = (each.per_character, each.per_byte, each.per_word)
        shown = ("-" if ratio is None else f"{ratio:.3f}" for ratio in ratios)
        table.add_row(each.name or "not known", f"{each.documents:,}", f"{each.tokens:,}", *shown)
    return table


def _round_trip(rows: Sequence[RoundTrip]) -> Table:
    """Return how many texts came back."""
    table = table_of(
        "What comes back when it is decoded (beginnings of documents)",
        ["source"],
        ["documents", "the same", "normalized", "other"],
    )
    for each in rows:
        counts = (each.documents, each.exact, each.normalizer, each.other)
        table.add_row(each.source, *(f"{count:,}" for count in counts))
    return table
