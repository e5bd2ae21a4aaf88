"""The passport of a tokenizer: what it is, and what it made of a build's texts.

In:  an encoder; the counts of a build.
Out: a `Passport`, as `tokens/passport.json` in the build folder, and back.
Guaranteed: the same manifest and inputs give the same bytes, wherever and however the build ran. Whose code encoded is
    not in it: kernels and library give the same ids, and `library: true` changes no byte of a build; each run says it
    in `runs.jsonl`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from pipelines.sources.chats import Chat
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.about import Edits
from pipelines.tokens.encode import Encoder
from pipelines.tokens.marks import marks_of

PASSPORT = "tokens/passport.json"

DECODER = "tokens/tokenizer.json"
"""The tokenizer by which a trainer decodes, where it came as such a file or was trained in the build."""


class Framing(msgspec.Struct, frozen=True):
    """The special tokens that frame documents and fill up sequences; None where the vocabulary has none."""

    bos_id: int | None
    eos_id: int | None
    pad_id: int | None
    adds_bos: bool
    adds_eos: bool


class Edited(msgspec.Struct, frozen=True):
    """What the manifest changed in the vocabulary of the file.

    Args:
        removed: token -> id in the file, of tokens that are gone.
        gaps: ids of the file that were no token's, and are gone.
        added: token -> id.
        padding: ids behind all tokens that stand for nothing.
    """

    removed: dict[str, int]
    gaps: int
    added: dict[str, int]
    padding: int


class Fertility(msgspec.Struct, frozen=True):
    """How many tokens texts become, BOS and EOS not counted.

    Args:
        name: of a source, or code of a language; "" is a language that is not known.
        documents: how many were encoded.
        characters: of their texts.
        bytes: of their texts in UTF-8.
        tokens: that they became.
        per_character: tokens for a character, to six places.
        per_byte: likewise.
        words: in the documents whose words were counted (`word_count` on the final text).
        per_word: tokens of those documents for a word; None where no words were counted.
    """

    name: str
    documents: int
    characters: int
    bytes: int
    tokens: int
    per_character: float | None
    per_byte: float | None
    words: int
    per_word: float | None


class RoundTrip(msgspec.Struct, frozen=True):
    """What became of texts that were encoded and decoded: the beginnings of the first documents of each split.

    Args:
        source: name of the source.
        documents: how many were looked at.
        exact: those that came back, but for a space that the tokenizer puts before every text.
        normalizer: those that the normalizer had changed.
        other: those that came back otherwise for another reason.
    """

    source: str
    documents: int
    exact: int
    normalizer: int
    other: int


class Passport(msgspec.Struct, frozen=True):
    """What a tokenizer is, and what it made of a build's texts.

    Args:
        hash: 32 hex digits of all that decides an id.
        kind: of its file: json, tiktoken or sentencepiece; `train` where the build trained it.
        vocab_size: ids: the greatest and one.
        id_type: uint16 or uint32.
        framing: BOS, EOS and padding.
        normalizer: what changes texts before they are cut into words.
        pre_tokenizer: how texts are cut into words.
        special_tokens: token -> id; no text becomes one.
        edits: what the manifest changed; None where it says nothing of that.
        marks: source -> special token -> id, of those that the template of its chat writes.
        by_source: of every source; none before a build.
        by_language: of every language, if some stage measured it.
        round_trip: by source.
    """

    hash: str
    kind: str
    vocab_size: int
    id_type: str
    framing: Framing
    normalizer: str
    pre_tokenizer: str
    special_tokens: dict[str, int]
    edits: Edited | None = None
    marks: dict[str, dict[str, int]] = {}
    by_source: list[Fertility] = []
    by_language: list[Fertility] = []
    round_trip: list[RoundTrip] = []


def passport_of(encoder: Encoder, spec: TokenizerSpec, chats: Mapping[str, Chat] | None = None) -> Passport:
    """Return what can be said of a tokenizer without texts.

    Args:
        encoder: the tokenizer.
        spec: what the manifest says of it.
        chats: by source; None where there is no manifest.
    """
    policy, about = encoder.policy, encoder.about
    return Passport(
        hash=encoder.hash,
        kind="train" if spec.kind == "train" else encoder.name,
        vocab_size=encoder.vocab_size,
        id_type=encoder.dtype,
        framing=Framing(policy.bos_id, policy.eos_id, policy.pad_id, bool(policy.head), bool(policy.tail)),
        normalizer=about.normalizer,
        pre_tokenizer=about.words,
        special_tokens=dict(sorted(about.specials.items(), key=lambda pair: pair[1])),
        edits=None if about.edits is None else _edited(about.edits),
        marks={name: dict(marks_of(chat, about).ids) for name, chat in (chats or {}).items()},
    )


def _edited(edits: Edits) -> Edited:
    named = {name: number for name, number in zip(edits.names, edits.removed, strict=True) if name}
    return Edited(named, len(edits.removed) - len(named), dict(edits.added), edits.padding)


def fertility_of(name: str, counts: Mapping[str, int]) -> Fertility:
    """Return the fertility of texts whose amounts are added up (`engine/fertility.py`)."""
    tokens, words = counts["tokens"], counts["words"]
    return Fertility(
        name=name,
        documents=counts["documents"],
        characters=counts["characters"],
        bytes=counts["bytes"],
        tokens=tokens,
        per_character=_ratio(tokens, counts["characters"]),
        per_byte=_ratio(tokens, counts["bytes"]),
        words=words,
        per_word=_ratio(counts["tokens_of_words"], words),
    )


def _ratio(tokens: int, amount: int) -> float | None:
    return round(tokens / amount, 6) if amount else None


def added_up(rows: Sequence[tuple[str, Mapping[str, int]]]) -> list[Fertility]:
    """Return the fertility of each name, sorted, from amounts that belong to names."""
    sums: dict[str, Counter[str]] = {}
    for name, counts in rows:
        sums.setdefault(name, Counter()).update(counts)
    return [fertility_of(name, sums[name]) for name in sorted(sums)]


def read_passport(data: bytes) -> Passport:
    """Return a passport from the bytes of its file."""
    return msgspec.json.decode(data, type=Passport)
