"""The tokenizers that the tests load: published ones, and one trained here."""

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.encode import Encoder, load_encoder
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import CORPUS

PUBLISHED: dict[str, Path] = {
    "gpt2": CORPUS / "tokenizers" / "gpt2" / "tokenizer.json",
    "llama3": CORPUS / "tokenizers" / "llama3" / "tokenizer.model",
    "llama2": CORPUS / "tokenizers" / "llama2" / "tokenizer.model",
    "mistral": CORPUS / "tokenizers" / "mistral" / "tokenizer.model.v3",
}

TEXTS = [
    "It's 12,345 of the people that we'll have met.\n\n  Isn't it?\r\n\tYes!",
    "Der Hund läuft über die Straße; \u0627\u0644\u0639\u0631\u0628\u064a\u0629, \u4e2d\u6587 und \u0e44\u0e17\u0e22.",
    "def f(x):\n    return x ** 2  # ...\n",
] * 20


@cache
def published(name: str) -> Encoder:
    """Load a published tokenizer as a manifest's bare path would."""
    path = PUBLISHED[name]
    return load_encoder(path.read_bytes(), TokenizerSpec(file=str(path)))


@cache
def trained(pattern: str = "gpt2", vocab_size: int = 400, **others: object) -> Encoder:
    """Train a small tokenizer."""
    options = TrainOptions(vocab_size=vocab_size, pattern=pattern, **others)
    return load_encoder(train_bpe(TEXTS, options), TokenizerSpec(train=options))


def ids_of(encoder: Encoder, text: str) -> list[int]:
    """Return the ids of one text, BOS and EOS included."""
    runs = encoder.encode(pa.array([text], pa.large_string()))
    assert runs.offsets.tolist() == [0, len(runs.ids)]
    assert runs.ids.dtype == np.dtype(encoder.dtype)
    return list(runs.ids.tolist())


def bytes_of(encoder: Encoder, text: str) -> bytes:
    """Return the bytes that the tokens of one text stand for."""
    return encoder.token_bytes(encoder.encode(pa.array([text], pa.large_string())).ids)
