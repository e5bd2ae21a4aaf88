"""Our own back-end beside the libraries: on every real document, on random strings, and where it steps aside."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.backends import Careful, Library
from pipelines.tokens.encode import load_encoder
from pipelines.tokens.patterns import CL100K
from pipelines.tokens.train import train_bpe
from pipelines.tokens.vocabulary import TableEncoder
from tests.filters.real_texts import CORPUS, json_lines, needs_corpus
from tests.tokens.corpus_texts import corpus_texts
from tests.tokens.tokenizers_at_hand import PUBLISHED, TEXTS, ids_of, published, trained

Reference = Callable[[str], list[int]]

ODD = "aB1 \n\r\t'.,<|>s\u2581\u00e9\u0301\u4e2d\u6587\u017f\0\U0001f600 \u3000\u0e44\u0e17\u0430'stTREvell0987"
SYMBOL = "[REFERENCE_DOC_19]"
"""One of those that the published Mistral vocabulary holds for its users."""


@cache
def reference(name: str) -> Reference:
    """Return what the library that defines a vocabulary makes of a text, BOS and EOS included."""
    path = PUBLISHED[name]
    if name == "gpt2":
        tokenizer = Tokenizer.from_file(str(path))
        return lambda text: [*tokenizer.encode(text).ids, 50_256]
    if name == "llama3":
        lines = (line.split() for line in path.read_bytes().splitlines())
        ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
        encoding = tiktoken.Encoding("llama3", pat_str=CL100K, mergeable_ranks=ranks, special_tokens={})
        return lambda text: [128_000, *encoding.encode_ordinary(text), 128_001]
    processor = SentencePieceProcessor(model_file=str(path))
    return lambda text: list(processor.encode(text, add_bos=True, add_eos=True))


def differing(name: str, texts: list[str]) -> Iterator[str]:
    """Yield the texts of which the two make something else; they come to ours as one batch."""
    runs = published(name).encode(pa.array(texts, pa.large_string()))
    theirs = reference(name)
    return (text for number, text in enumerate(texts) if runs[number].tolist() != theirs(text))


def random_texts(count: int, seed: int) -> list[str]:
    """Return strings of odd characters, and of any."""
    rng = random.Random(seed)

    def any_char() -> str:
        return chr(rng.choice([rng.randrange(128), rng.randrange(0x3000), rng.randrange(0xE000, 0x110000)]))

    odd = ["".join(rng.choices(ODD, k=rng.randrange(60))) for _ in range(count // 2)]
    return odd + ["".join(any_char() for _ in range(rng.randrange(30))) for _ in range(count // 2)]


@needs_corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_random_strings_have_the_ids_of_the_library(name: str) -> None:
    assert list(differing(name, random_texts(20_000, 1))) == []


@needs_corpus
@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_so_have_300_000_of_them(name: str) -> None:
    assert list(differing(name, random_texts(300_000, 2))) == []


@needs_corpus
@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_every_real_document_has_the_ids_of_the_library(name: str) -> None:
    assert list(differing(name, list(corpus_texts()))) == []


@needs_corpus
@pytest.mark.parametrize("name", PUBLISHED)
@given(texts=st.lists(st.text() | st.text(ODD), max_size=4))
def test_any_texts_have_the_ids_of_the_library(name: str, texts: list[str]) -> None:
    assert list(differing(name, texts)) == []


@needs_corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_vocabularies_are_encoded_by_our_own_kernels(name: str) -> None:
    encoder = published(name)
    assert isinstance(encoder, TableEncoder)
    assert encoder.backend.name == "gristmill"


@pytest.mark.parametrize("pattern", ["gpt2", "llama3", "cl100k"])
@given(text=st.text() | st.text(ODD))
def test_so_is_what_is_trained_here(pattern: str, text: str) -> None:
    encoder = trained(pattern)
    assert isinstance(encoder, TableEncoder)
    assert encoder.backend.name == "gristmill"
    artifact = train_bpe(TEXTS, TrainOptions(vocab_size=400, pattern=pattern))
    assert ids_of(encoder, text)[:-1] == Tokenizer.from_str(artifact.decode()).encode(text).ids


@pytest.mark.parametrize("digits", ["individual", "groups_of_three"])
@pytest.mark.parametrize("pattern", ["gpt2", "llama3", "cl100k"])
@given(text=st.text() | st.text(ODD) | st.text("0123456789 \u0663\u00bd\u2167\n'a.", max_size=30))
def test_so_it_is_however_digits_are_cut(pattern: str, digits: str, text: str) -> None:
    encoder = trained(pattern, digits=digits)
    assert isinstance(encoder, TableEncoder)
    assert encoder.backend.name == "gristmill"
    assert ids_of(encoder, text)[:-1] == library_of(pattern, digits).encode(text).ids


@cache
def library_of(pattern: str, digits: str) -> Tokenizer:
    options = TrainOptions(vocab_size=400, pattern=pattern, digits=digits)
    return Tokenizer.from_str(train_bpe(TEXTS, options).decode())


@pytest.mark.parametrize("digits", ["individual", "groups_of_three"])
@pytest.mark.parametrize("pattern", ["gpt2", "llama3"])
def test_random_strings_have_the_ids_of_the_library_however_digits_are_cut(pattern: str, digits: str) -> None:
    texts = random_texts(20_000, 3)
    runs = trained(pattern, digits=digits).encode(pa.array(texts, pa.large_string()))
    library = library_of(pattern, digits)
    assert [text for at, text in enumerate(texts) if runs[at][:-1].tolist() != library.encode(text).ids] == []


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a normalizer": lambda it: it.update(normalizer={"type": "NFC"}),
    "a space before each text": lambda it: it["pre_tokenizer"].update(add_prefix_space=True),
    "whole texts": lambda it: it["pre_tokenizer"].update(use_regex=False),
    "an added token that is found in text": lambda it: it["added_tokens"][1].update(special=False),
    "another pre-tokenizer": lambda it: it.update(
        pre_tokenizer={
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, it["pre_tokenizer"]],
        }
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_rules_are_left_to_the_library(change: str) -> None:
    document = json.loads(train_bpe(TEXTS, TrainOptions(vocab_size=400, special_tokens=("<s>",))))
    CHANGES[change](document)
    encoder = load_encoder(json.dumps(document).encode(), TokenizerSpec(tokenizer_json=__file__))
    assert isinstance(encoder, TableEncoder)
    assert encoder.backend.name == "tokenizers"


@needs_corpus
def test_texts_with_a_symbol_of_the_vocabulary_s_users_are_left_to_the_library() -> None:
    texts = ["before", f"see {SYMBOL} there", "", "behind", SYMBOL, f"{SYMBOL[:-1]} not quite"]
    assert list(differing("mistral", texts)) == []
    assert sum(1 in published("mistral").encode(pa.array([text], pa.large_string())).ids for text in texts) == len(
        texts
    )


@given(st.lists(st.text("ab!"), max_size=6))
def test_texts_of_two_back_ends_come_back_in_order(texts: list[str]) -> None:
    small, great = (
        Library("small", lambda text: [ord(char) for char in text]),
        Library("great", lambda text: [len(text)]),
    )
    frame = np.array([1], np.uint32), np.array([2, 3], np.uint32)
    runs = Careful(small, great, ("!",)).encode(pa.array(texts, pa.large_string()), frame)
    expected = [[len(text)] if "!" in text else [ord(char) for char in text] for text in texts]
    assert [runs[number].tolist() for number in range(len(runs))] == [[1, *ids, 2, 3] for ids in expected]


@needs_corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_slice_of_texts_has_the_ids_of_the_texts(name: str) -> None:
    texts = pa.array(["before", "one", "", "two\u2581 \u4e2d\u6587", "behind"], pa.large_string())
    runs, all_runs = published(name).encode(texts.slice(1, 3)), published(name).encode(texts)
    assert [runs[at].tolist() for at in range(3)] == [all_runs[at + 1].tolist() for at in range(3)]


@needs_corpus
@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("unit", ["a", " ", "\n", "\u4e2d", "\u0e01", "1", "ab ", "\u0301!", "A\u2581"])
def test_a_hostile_text_has_the_ids_of_the_library(name: str, unit: str) -> None:
    assert list(differing(name, [unit * 3000, f"x{unit * 3000}y"])) == []


@needs_corpus
def test_genuine_files_have_the_ids_of_the_library() -> None:
    for path in sorted(CORPUS.glob("redpajama_v2_genuine_ccnet/documents/*/*/*.json.gz")):
        texts = [record["raw_content"] for record in json_lines(path)][::5]
        assert list(differing("gpt2", texts)) == []
