"""Tokenizers that are refused, and what the refusal says."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.errors import ManifestError, RequestError
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.encode import load_encoder
from pipelines.tokens.train import train_bpe

ARTIFACT = train_bpe([], TrainOptions(vocab_size=258))
BYTES = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))

Change = Callable[[dict[str, Any]], object]

WORD_PIECE = {"type": "WordPiece", "unk_token": "a", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9}

REFUSED: dict[str, Change] = {
    "loses text; give a BPE": lambda it: it.update(model={**WORD_PIECE, "vocab": {"a": 0}}),
    "merges by chance": lambda it: it["model"].update(dropout=0.1),
    "some byte has no token": lambda it: it["model"]["vocab"].pop("a"),
}


@pytest.mark.parametrize(("reason", "change"), REFUSED.items())
def test_a_tokenizer_json_that_loses_or_varies_text_is_refused(reason: str, change: Change) -> None:
    document = json.loads(ARTIFACT)
    change(document)
    with pytest.raises(RequestError, match=reason):
        load_encoder(json.dumps(document).encode(), TokenizerSpec(tokenizer_json=__file__))


@pytest.mark.parametrize(
    ("ranks", "why"),
    [
        (BYTES[:-9], "a byte has no token"),
        (BYTES + b"YWI= 7\n", "two tokens share a rank"),
        (BYTES + b"YWI= 256\nYWI= 257\n", "a token has two lines"),
        (BYTES + b"YWI= 256\n" * 2, "a token has two lines"),
    ],
)
def test_damaged_ranks_are_refused(ranks: bytes, why: str) -> None:
    with pytest.raises(RequestError, match=f"damaged: .*{why}"):
        load_encoder(ranks, TokenizerSpec(tiktoken=__file__))


GAP = BYTES + b"YWI= 257\n"
"""Ranks between which 256 is missing."""


def test_ranks_between_which_one_is_missing_are_refused_but_for_a_special_token() -> None:
    with pytest.raises(RequestError, match=r"damaged: rank 256 is missing \(1 in all\)"):
        load_encoder(GAP, TokenizerSpec(tiktoken=__file__))
    special = TokenizerSpec(tiktoken=__file__, special_tokens={"<|endoftext|>": 256})
    assert load_encoder(GAP, special).eos_id == 256


@pytest.mark.parametrize(
    ("artifact", "key"),
    [
        (ARTIFACT[: len(ARTIFACT) // 2], "json"),
        (b"this is no JSON", "json"),
        (b"this is nothing known", "file"),
        (BYTES[:1000], "tiktoken"),
        (BYTES[:-3], "tiktoken"),
        (GAP, "tiktoken"),
        (b"\n\x09\n\x04<un", "sentencepiece"),
        (b"", "sentencepiece"),
    ],
)
def test_a_damaged_file_is_refused_with_its_key_its_path_and_a_remedy(artifact: bytes, key: str) -> None:
    with pytest.raises(RequestError) as refused:
        load_encoder(artifact, TokenizerSpec(**{key: "some/file"}))
    assert str(refused.value).startswith(f"tokenizer.{key}: 'some/file': ")
    assert str(refused.value).endswith("; give the file as it was published")


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"special_tokens": {"<|endoftext|>": 7}}, "tokenizer.special_tokens"),
        ({"special_tokens": {"<a>": 300, "<b>": 300}}, "tokenizer.special_tokens"),
        ({"pattern": "("}, "tokenizer.pattern"),
        ({"bos": True, "pattern": "gpt2"}, "tokenizer.bos"),
        ({"eos": True, "special_tokens": ["<|user|>"]}, "tokenizer.eos"),
    ],
)
def test_what_the_ranks_cannot_give_is_refused_by_key(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ManifestError) as refused:
        load_encoder(BYTES, TokenizerSpec(tiktoken=__file__, **options))
    assert refused.value.key == key
