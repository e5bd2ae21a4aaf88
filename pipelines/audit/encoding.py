"""Encoding: whose code will turn a build's texts into tokens, why, and about how fast.

In:  what a manifest says of its tokenizer.
Out: an `Encoding`.
Guaranteed: what is said is read off the very encoder that a build would use; where one is trained, off one that is
    trained with its options on nothing.

The rates of libraries lie between those measured on one core of an idle machine (`tokenizers` 3.0 megabytes of text a
second, `sentencepiece` 5.0, tiktoken 12) and of a busy one (1.2, 2.4 and 6.7, on 456 documents in many languages;
kernels 57 to 84 beside them; `tokenizers` with a Unigram model 1.1).
"""

from dataclasses import dataclass
from pathlib import Path

from pipelines.audit.estimates import RATES
from pipelines.audit.wording import number
from pipelines.engine.storage import open_storage
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.encode import Encoder, load_encoder
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
    """

    backend: str
    reason: str
    rate: float

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
