"""The words of a passport: what its pages say, on a terminal and in a browser.

In:  what is told of a tokenizer.
Out: pairs of words, and tables of words.
Guaranteed: both pages say the same, and nothing but what stands in the passport or was told beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.audit.passport import Edited, Fertility, Passport, RoundTrip
from pipelines.audit.wording import listed, plural

KINDS = {
    "train": "trained by the build",
    "json": "a tokenizer.json",
    "tiktoken": "tiktoken ranks",
    "sentencepiece": "a SentencePiece model",
}

FERTILITY = ("documents", "tokens", "a character", "a byte", "a word")
ROUND_TRIP = ("documents", "the same", "normalized", "other")
"""Columns of numbers."""


@dataclass(frozen=True)
class Listing:
    """A table of words.

    Args:
        title: what it is about.
        columns: names; all but the first are those of numbers.
        rows: a value for each column.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[list[str]]


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
    for source, marks in passport.marks.items():
        yield f"marks of {source}", _listed(marks)


def _named(passport: Passport, number: int | None) -> str:
    """Return a special token and its id; "" where there is none."""
    names = {held: token for token, held in passport.special_tokens.items()}
    return "" if number is None else f"{names.get(number, '')} ({number})".strip()


def _framed(passport: Passport, number: int | None, does: str, *, adds: bool) -> str:
    if number is None:
        return "none"
    return f"{_named(passport, number)}, {does} {'each' if adds else 'no'} document"


def _specials(passport: Passport) -> str:
    count = f"{len(passport.special_tokens):,}: " if passport.special_tokens else ""
    return count + _listed(passport.special_tokens)


def _listed(tokens: Mapping[str, int]) -> str:
    return listed([f"{token} ({number})" for token, number in tokens.items()], 6) or "none"


def _edits(edits: Edited) -> Iterator[tuple[str, str]]:
    """Yield what was changed in the file's vocabulary."""
    removed = [f"{token} ({number} in the file)" for token, number in edits.removed.items()]
    gaps = [plural(edits.gaps, "gap")] if edits.gaps else []
    yield "removed", listed([*gaps, *removed], 6) or "nothing"
    yield "added", _listed(edits.added)
    yield "filled up", f"{plural(edits.padding, 'id')} that stand for nothing"


def listings(passport: Passport) -> Iterator[Listing]:
    """Yield the tables of a passport; what is not known has none."""
    for name, rows in (("source", passport.by_source), ("language", passport.by_language)):
        if rows:
            title = f"Tokens by {name} (without BOS and EOS)"
            yield Listing(title, (name, *FERTILITY), [_fertility(each) for each in rows])
    if passport.round_trip:
        title = "What comes back when it is decoded (beginnings of documents)"
        yield Listing(title, ("source", *ROUND_TRIP), [_round_trip(each) for each in passport.round_trip])


def _fertility(each: Fertility) -> list[str]:
    ratios = (each.per_character, each.per_byte, each.per_word)
    shown = ("-" if ratio is None else f"{ratio:.3f}" for ratio in ratios)
    return [each.name or "not known", f"{each.documents:,}", f"{each.tokens:,}", *shown]


def _round_trip(each: RoundTrip) -> list[str]:
    return [each.source, *(f"{count:,}" for count in (each.documents, each.exact, each.normalizer, each.other))]
