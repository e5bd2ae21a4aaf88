"""Encoding: whose code will turn a build's texts into tokens, why, and about how fast.

In:  what a manifest says of its tokenizer.
Out: an `Encoding`.
Guaranteed: what is said is read off the very encoder that a build would use; where one is trained, off one that is
    trained with its options on nothing.

The rates of libraries lie between those measured on one core of an idle machine (`tokenizers` 3.0 megabytes of text a
second, `sentencepiece` 5.0, tiktoken 12) and of a busy one (1.2, 2.4 and 6.7, on 456 documents in many languages;
kernels 57 to 84 beside them; `tokenizers` with a Unigram model 1.1).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipelines.audit.estimates import RATES
from pipelines.audit.wording import listed, number
from pipelines.engine.storage import open_storage
from pipelines.sources.chats import Chat
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.encode import Encoder, load_encoder
from pipelines.tokens.marks import check_marks, marks_of, strays
from pipelines.tokens.train import train_bpe

OURS = "gristmill"

LIBRARY_RATES = {"tokenizers": 2.0, "sentencepiece": 4.0, "tiktoken": 9.0}
"""Megabytes of text that a library encodes in a second on one core."""


@dataclass(frozen=True)
class Encoding:
    """Whose code encodes.

    Args:
        backend: `gristmill`, or the name of a library.
        reason: why a library does; "" where none does.
        rate: megabytes of text a second on one core, about.
        marks: source -> special token -> id, of those that the template of its chat writes.
        strays: source -> what looks like one there, and is none of the vocabulary.
        doubled: source -> those of its marks that also stand around every document.
    """

    backend: str
    reason: str
    rate: float
    marks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    strays: Mapping[str, Sequence[str]] = field(default_factory=dict)
    doubled: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        who = "kernels of gristmill encode" if self.backend == OURS else f"the library {self.backend} encodes"
        why = f": {self.reason}" if self.reason else ""
        return f"{who}, about {number(self.rate)} MB of text a second on a core{why}"


def encoding_of(encoder: Encoder) -> Encoding:
    """Return whose code encodes with an encoder."""
    backend = encoder.backend.name
    if backend == OURS:
        return Encoding(backend, "", RATES["tokenize"])
    return Encoding(backend, encoder.about.obstacle or "the manifest says `library: true`", LIBRARY_RATES[backend])


def planned_encoding(spec: TokenizerSpec, chats: Mapping[str, Chat]) -> Encoding:
    """Return whose code will encode, and what becomes of the templates of chats.

    Raises:
        RequestError: see `planned_encoder`; or a chat names a special token that the vocabulary lacks.
    """
    encoder = planned_encoder(spec)
    check_marks(chats, encoder.about.specials)
    marks = {name: marks_of(chat, encoder.about).ids for name, chat in chats.items()}
    stray = {name: strays(chat, encoder.about.specials) for name, chat in chats.items()}
    frame = {*encoder.policy.head, *encoder.policy.tail}
    doubled = {name: [mark for mark, token in ids.items() if token in frame] for name, ids in marks.items()}
    return replace(encoding_of(encoder), marks=marks, strays=stray, doubled=doubled)


def encoding_cautions(encoding: Encoding) -> Iterator[str]:
    """Yield which chats write what looks like a special token and is none, or one that documents have anyway."""
    for source, names in encoding.strays.items():
        if names:
            yield (
                f"sources.{source}.chat: {listed(names)}: no special token of the vocabulary, so it becomes ordinary "
                "tokens: add it with tokenizer.edit.add (or train.special_tokens), or say `marks: []` if text is meant"
            )
    for source, names in encoding.doubled.items():
        if names:
            yield (
                f"sources.{source}.chat: {listed(names)}: stands around every document already, so a chat may have it "
                "twice: leave it out of the chat, or say `bos: false` or `eos: false` under tokenizer"
            )


def planned_encoder(spec: TokenizerSpec) -> Encoder:
    """Return the encoder of a build that has not begun; one that will be trained has no merges yet.

    Raises:
        RequestError: the file is none of a tokenizer, or the manifest asks for what its vocabulary lacks.
    """
    if spec.train is not None:
        return load_encoder(train_bpe((), spec.train), spec)
    return load_encoder(file_bytes(spec.path or ""), spec)


def file_bytes(path: str | Path) -> bytes:
    """Return the bytes of a file of the user's."""
    return open_storage(Path(path).parent).read(Path(path).name)
