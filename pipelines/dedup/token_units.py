"""Tokens as units: texts as the ids of a fixed tokenizer, and the bytes that each id stands for.

In:  a tokenizer's file, and texts.
Out: the ids of each text, and where in it each token begins.
Guaranteed: the tokens of a text spell it byte for byte, or an error says so; no BOS, no EOS.

Any byte-level BPE does: a tokenizer.json with the ByteLevel pre-tokenizer and no normalizer (GPT-2, Llama 3, what a
build of ours trained), or tiktoken ranks, which are cut into words by Llama 3's expression. A tokenizer that normalizes
text, or puts a space before it (SentencePiece), is refused: what it calls a token has no place in the text.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import RequestError
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.encode import Encoder, load_encoder
from pipelines.tokens.runs import Ids, Runs

U32 = npt.NDArray[np.uint32]

PROBE = "A  b\n\n\tC's e\u0301\xe9 \ufb01 \u2581 \u0130\u1e9e \u4e2d\U0001f600 1234 \xa0 "
"""What tokenizers are known to change: spaces, case, decomposed letters, ligatures, SentencePiece's mark."""


class Spelling(NamedTuple):
    """Texts in tokens.

    Args:
        runs: the ids of each text.
        begins: uint32, one more than ids: the byte at which each begins, the texts being one behind the other.
    """

    runs: Runs
    begins: U32


class Speller:
    """A tokenizer whose tokens spell what they stand for.

    Args:
        artifact: the bytes of its file.

    Raises:
        ValueError: they are no tokenizer's, or its tokens do not spell texts.
    """

    def __init__(self, artifact: bytes) -> None:
        self._encoder = _encoder(artifact)
        self._widths = np.array([len(self._bytes_of(token)) for token in range(self._encoder.vocab_size)], np.uint32)
        if self._bytes_of(*self._encoder.encode(pa.array([PROBE], pa.large_string())).ids) != PROBE.encode():
            raise ValueError(
                "the tokens of this tokenizer do not spell a text byte for byte; give a byte-level BPE without "
                "normalizer (GPT-2's, Llama 3's), or write `unit: bytes`"
            )

    @property
    def separator(self) -> int:
        """An id that no text has."""
        return self._encoder.vocab_size

    def spell(self, texts: pa.LargeStringArray) -> Spelling:
        """Return texts in tokens.

        Args:
            texts: large_string, no nulls, less than 2^32 bytes.

        Raises:
            ValueError: the tokens of a text do not spell it.
        """
        runs = self._encoder.encode(texts)
        begins = np.zeros(len(runs.ids) + 1, np.uint32)
        np.cumsum(self._widths[runs.ids], dtype=np.uint32, out=begins[1:])
        sizes = np.diff(begins[runs.offsets])
        wrong = np.flatnonzero(sizes != pc.binary_length(texts).to_numpy())
        if len(wrong):
            raise ValueError(f"the tokens of a text do not spell it: {texts[int(wrong[0])].as_py()[:100]!r}")
        return Spelling(runs, begins)

    def _bytes_of(self, *tokens: int) -> bytes:
        ids: Ids = np.array(tokens, np.uint32)
        return self._encoder.token_bytes(ids)


def _encoder(artifact: bytes) -> Encoder:
    try:
        return load_encoder(artifact, TokenizerSpec(file="", bos=False, eos=False))
    except RequestError as error:
        raise ValueError(str(error)) from error
