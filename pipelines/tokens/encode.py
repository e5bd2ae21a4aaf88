"""Encoders: from text to ids, whatever kind of file the vocabulary comes in.

In:  the bytes of a tokenizer.json, of tiktoken ranks or of a SentencePiece model, and the manifest's `tokenizer`.
Out: an `Encoder`.
Guaranteed: ids equal those of the reference library; text is never read for special tokens: a document that holds
     "<|endoftext|>" gets ordinary tokens (what a chat's template writes is cut out before, `marks.py`); one core: no
     library starts threads of its own.
"""

import re
from collections.abc import Callable
from typing import Literal, Protocol

import pyarrow as pa

from pipelines.errors import ManifestError, RequestError
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.about import About
from pipelines.tokens.backends import Backend
from pipelines.tokens.edit import edited, without_edits
from pipelines.tokens.huggingface import load_json
from pipelines.tokens.marks import Cut
from pipelines.tokens.runs import I64, Ids, Runs
from pipelines.tokens.spelling import Spelling
from pipelines.tokens.tiktoken import load_tiktoken
from pipelines.tokens.vocabulary import Policy, TableEncoder

Kind = Literal["json", "tiktoken", "sentencepiece"]


class Encoder(Protocol):
    """What the rest of the pipeline knows of a tokenizer."""

    @property
    def name(self) -> str:
        """Kind of the tokenizer's file."""

    @property
    def hash(self) -> str:
        """32 hex digits of vocabulary, merges, added tokens, normalizer and policy; not of the file's formatting."""

    @property
    def vocab_size(self) -> int:
        """Number of ids."""

    @property
    def dtype(self) -> str:
        """uint16 where all ids fit, else uint32."""

    @property
    def policy(self) -> Policy:
        """What frames documents."""

    @property
    def backend(self) -> Backend:
        """What gives the ids of texts."""

    @property
    def library(self) -> Backend:
        """The library that says what they should be."""

    @property
    def about(self) -> About:
        """What else is known of the vocabulary."""

    @property
    def bos_id(self) -> int | None:
        """Id that begins a text."""

    @property
    def eos_id(self) -> int | None:
        """Id that ends a text."""

    @property
    def pad_id(self) -> int | None:
        """Id that fills up a sequence."""

    @property
    def frame(self) -> tuple[int, int]:
        """How many ids (BOS, EOS) stand before and behind the tokens of each document."""

    @property
    def spelling(self) -> Spelling:
        """The exact bytes of every id, as arrays."""

    def encode(self, texts: pa.LargeStringArray) -> Runs:
        """Return the tokens of each text, BOS and EOS included by policy."""

    def encode_cut(self, cut: Cut) -> tuple[Runs, I64]:
        """Return the tokens of texts that are cut at special tokens, likewise, and where the latter stand in them."""

    def first_difference(self, texts: pa.LargeStringArray) -> int | None:
        """Return which of some texts is encoded otherwise than by the reference library, the first one."""

    def token_bytes(self, ids: Ids) -> bytes:
        """Return the exact bytes that `ids` stand for; special tokens stand for none."""


def _load_sentencepiece(artifact: bytes, spec: TokenizerSpec) -> TableEncoder:
    from pipelines.tokens.sentencepiece import load_sentencepiece  # noqa: PLC0415 - imports Protocol Buffers

    return load_sentencepiece(artifact, spec)


LOADERS: dict[Kind, Callable[[bytes, TokenizerSpec], TableEncoder]] = {
    "json": load_json,
    "tiktoken": load_tiktoken,
    "sentencepiece": _load_sentencepiece,
}
"""Kind of file -> what reads it; to add one, write its loader and add it here and to `kind_of`."""

_RANK = re.compile(rb"[A-Za-z0-9+/]+={0,2} [0-9]+\r?\n")


def kind_of(artifact: bytes) -> Kind:
    """Tell the kind of a tokenizer's file by its content.

    Raises:
        RequestError: it is none of the three.
    """
    if artifact.lstrip()[:1] == b"{":
        return "json"
    if _RANK.match(artifact):
        return "tiktoken"
    if artifact[:1] == b"\n":
        return "sentencepiece"
    raise RequestError("this is no tokenizer: give a tokenizer.json, tiktoken ranks or a SentencePiece model")


def load_encoder(artifact: bytes, spec: TokenizerSpec) -> Encoder:
    """Return the encoder that a file holds.

    Args:
        artifact: the file's bytes; of a trained tokenizer, what `train_bpe` returned.
        spec: the manifest's `tokenizer`.

    Raises:
        RequestError: the file is damaged, or none that we know; the message names it and its key.
        ManifestError: the manifest asks for what the vocabulary lacks.
    """
    try:
        return _of_file(artifact, spec)
    except ManifestError:
        raise
    except RequestError as error:
        if not spec.path:
            raise
        remedy = "give the file as it was published"
        raise RequestError(f"tokenizer.{spec.kind}: {spec.path!r}: {error}; {remedy}") from error


def _of_file(artifact: bytes, spec: TokenizerSpec) -> Encoder:
    """Return the encoder of a file, edited as the manifest says."""
    if spec.edit is not None:
        return edited(_load(artifact, without_edits(spec)), spec, spec.edit)
    return _load(artifact, spec)


def _load(artifact: bytes, spec: TokenizerSpec) -> TableEncoder:
    """Return the encoder of the file as it is."""
    kind = spec.kind
    if kind == "train":
        return load_json(artifact, spec)
    return LOADERS[kind_of(artifact) if kind == "file" else kind](artifact, spec)
