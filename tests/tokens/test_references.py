"""Ids beside those of the libraries that define them, on real documents in many languages."""

import base64
import json

import pytest
import tiktoken
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.encode import load_encoder
from pipelines.tokens.huggingface import byte_alphabet
from pipelines.tokens.patterns import CL100K, PATTERNS
from pipelines.tokens.tiktoken import LONGEST_BLANK
from tests.filters.real_texts import CORPUS, needs_corpus, real_texts
from tests.tokens.tokenizers_at_hand import PUBLISHED, bytes_of, ids_of, published, trained

pytestmark = needs_corpus


def sample() -> tuple[str, ...]:
    return real_texts(60)


def gpt2_ranks() -> bytes:
    """Return GPT-2's vocabulary as tiktoken ranks: an id is the rank of its merge."""
    vocabulary = json.loads((CORPUS / "tokenizers" / "gpt2" / "encoder.json").read_text())
    byte_of = byte_alphabet()
    tokens = {number: bytes(byte_of[char] for char in token) for token, number in vocabulary.items() if number < 50_256}
    return b"".join(base64.b64encode(token) + b" %d\n" % number for number, token in tokens.items())


def test_gpt2_gives_the_ids_of_tokenizers() -> None:
    reference = Tokenizer.from_file(str(PUBLISHED["gpt2"]))
    for text in sample():
        assert ids_of(published("gpt2"), text) == [*reference.encode(text).ids, 50_256]


def test_gpt2_as_ranks_gives_the_same_ids_as_gpt2_as_json() -> None:
    ranks = load_encoder(gpt2_ranks(), TokenizerSpec(tiktoken=__file__, pattern="gpt2"))
    assert ranks.vocab_size == 50_257
    for text in sample():
        assert ids_of(ranks, text) == ids_of(published("gpt2"), text)


def test_llama3_gives_the_ids_of_tiktoken() -> None:
    lines = (line.split() for line in PUBLISHED["llama3"].read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    reference = tiktoken.Encoding("llama3", pat_str=CL100K, mergeable_ranks=ranks, special_tokens={})
    for text in sample():
        assert ids_of(published("llama3"), text) == [128_000, *reference.encode_ordinary(text), 128_001]


@pytest.mark.parametrize("name", ["llama2", "mistral"])
def test_sentencepiece_models_give_the_ids_of_sentencepiece(name: str) -> None:
    reference = SentencePieceProcessor(model_file=str(PUBLISHED[name]))
    for text in sample():
        assert ids_of(published(name), text) == reference.encode(text, add_bos=True, add_eos=True)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_real_documents_come_back_from_a_trained_vocabulary(pattern: str) -> None:
    for text in sample():
        assert bytes_of(trained(pattern), text) == text.encode()


@pytest.mark.parametrize("blank", [" ", "\u3000", " \t"])
def test_a_long_run_of_white_space_gets_the_ids_of_tiktoken_while_that_can_still_be_asked(blank: str) -> None:
    lines = (line.split() for line in PUBLISHED["llama3"].read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    reference = tiktoken.Encoding("llama3", pat_str=CL100K, mergeable_ranks=ranks, special_tokens={})
    text = "It's one\n" + blank * (LONGEST_BLANK // len(blank)) + "x of 12345."
    assert ids_of(published("llama3"), text)[1:-1] == reference.encode_ordinary(text)


@pytest.mark.parametrize("name", ["gpt2", "llama3"])
@pytest.mark.parametrize("text", [" " * 2_000_000 + "x", "a" * 1_000_000, "\n" * 1_000_000, "\u0301!" * 500_000])
def test_a_hostile_text_is_encoded_and_comes_back(name: str, text: str) -> None:
    assert bytes_of(published(name), text) == text.encode()
