"""What holds for every encoder, and what the special cases of each kind are."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import RequestError
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.encode import Encoder, kind_of, load_encoder
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import needs_corpus
from tests.tokens.tokenizers_at_hand import PUBLISHED, TEXTS, bytes_of, ids_of, published, trained

ROOT = Path(__file__).parents[2]

PATTERNS = ["gpt2", "llama3"]

SPECIAL_TEXTS = [
    "<|endoftext|>",
    "a<|endoftext|><|pad|>b",
    "<s> x </s> [INST] <unk>",
    "<|begin_of_text|><|end_of_text|><|reserved_special_token_7|>",
    "<0x0A>",
]

any_text = st.text() | st.text("aB1 \n\r\t'.<|>s\u2581\u00e9\u0301\u4e2d\u017f\0\U0001f600")


def spec(**options: Any) -> TokenizerSpec:  # noqa: ANN401 - whatever a manifest holds
    return TokenizerSpec(train=TrainOptions(vocab_size=400), **options)


ARTIFACT = train_bpe(TEXTS, TrainOptions(vocab_size=400, special_tokens=("<s>",)))


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=any_text)
def test_the_tokens_of_any_text_stand_for_its_bytes(pattern: str, text: str) -> None:
    assert bytes_of(trained(pattern), text) == text.encode()


@needs_corpus
@pytest.mark.parametrize("name", ["gpt2", "llama3"])
@given(text=any_text)
def test_so_they_do_in_published_byte_level_vocabularies(name: str, text: str) -> None:
    assert bytes_of(published(name), text) == text.encode()


@needs_corpus
@pytest.mark.parametrize("name", ["llama2", "mistral"])
@given(text=any_text)
def test_sentencepiece_puts_a_space_before_and_takes_its_mark_for_a_space(name: str, text: str) -> None:
    expected = f" {text}".replace("\u2581", " ") if text else ""
    assert bytes_of(published(name), text) == expected.encode()


@pytest.mark.parametrize("text", SPECIAL_TEXTS)
def test_special_tokens_are_not_found_in_text(text: str) -> None:
    assert {0, 1}.isdisjoint(ids_of(trained(), text)[:-1])
    assert bytes_of(trained(), text) == text.encode()


@needs_corpus
@pytest.mark.parametrize("text", SPECIAL_TEXTS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_nor_are_they_in_published_vocabularies(name: str, text: str) -> None:
    encoder = published(name)
    inner = ids_of(encoder, text)[encoder.bos_id is not None : -1]
    assert all(encoder.token_bytes(np.array([token], encoder.dtype)) for token in inner)
    assert bytes_of(encoder, text).strip() == text.encode()


@given(st.lists(any_text))
def test_a_document_gets_the_same_ids_alone_and_among_others(texts: list[str]) -> None:
    runs = trained().encode(pa.array(texts, pa.large_string()))
    assert [runs[number].tolist() for number in range(len(texts))] == [ids_of(trained(), text) for text in texts]


def test_documents_are_framed_as_the_manifest_says_and_else_by_every_token_there_is() -> None:
    bos, eos = 2, 0
    framed = {
        (None, None): [bos, eos],
        (True, False): [bos],
        (False, True): [eos],
        (False, False): [],
    }
    for (adds_bos, adds_eos), ids in framed.items():
        assert ids_of(load_encoder(ARTIFACT, spec(bos=adds_bos, eos=adds_eos)), "") == ids


@needs_corpus
def test_published_vocabularies_have_their_published_sizes_and_special_tokens() -> None:
    def summary(encoder: Encoder) -> tuple[object, ...]:
        return encoder.vocab_size, encoder.dtype, encoder.bos_id, encoder.eos_id, encoder.pad_id

    assert summary(published("gpt2")) == (50_257, "uint16", None, 50_256, None)
    assert summary(published("llama3")) == (128_256, "uint32", 128_000, 128_001, 128_004)
    assert summary(published("llama2")) == (32_000, "uint16", 1, 2, None)
    assert summary(published("mistral")) == (32_768, "uint16", 1, 2, None)


def test_ids_are_uint16_up_to_a_vocabulary_of_65536() -> None:
    ranks = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))
    for last, dtype in ((65_535, "uint16"), (65_536, "uint32")):
        encoder = load_encoder(ranks, TokenizerSpec(tiktoken=__file__, special_tokens={"<|endoftext|>": last}))
        assert (encoder.vocab_size, encoder.dtype) == (last + 1, dtype)
        assert ids_of(encoder, "") == [last]


@needs_corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_file_is_told_by_its_content(name: str) -> None:
    kinds = {"gpt2": "json", "llama3": "tiktoken", "llama2": "sentencepiece", "mistral": "sentencepiece"}
    assert kind_of(PUBLISHED[name].read_bytes()) == kinds[name] == published(name).name


@pytest.mark.parametrize("kind", ["tokenizer_json", "tiktoken", "sentencepiece", "file"])
@given(artifact=st.binary() | st.sampled_from([b"{}", b"[]", b"AA== 0\n", b"AA==\n", b"\n\x05abc", ARTIFACT[:-9]]))
def test_a_damaged_file_is_refused(kind: str, artifact: bytes) -> None:
    with pytest.raises(RequestError):
        load_encoder(artifact, TokenizerSpec(**{kind: __file__}))


LIBRARIES = """
import os, sys
import pyarrow as pa
from filters.kernels.scans import Scans
from pipelines.tokenizer_spec import TokenizerSpec
from pipelines.tokens.encode import load_encoder
texts = pa.array(["The people that live here. " * 50] * 200, pa.large_string())
Scans(texts).words("whitespace")  # what loads compiled code has a thread of its own
before = len(os.listdir("/proc/self/task"))
for path in sys.argv[1:]:
    load_encoder(open(path, "rb").read(), TokenizerSpec(file=path)).encode(texts)
print(len(os.listdir("/proc/self/task")) - before)
"""


@needs_corpus
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_no_library_starts_a_thread() -> None:
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "true"}
    command = [sys.executable, "-c", LIBRARIES, *map(str, PUBLISHED.values())]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert done.stdout.decode().split() == ["0"]


@pytest.mark.parametrize("number", [400, 900])
def test_added_tokens_that_are_not_special_are_vocabulary_under_the_librarys_own_number(number: int) -> None:
    document = json.loads(ARTIFACT)
    added = {**document["added_tokens"][0], "id": number, "content": "<tab>", "special": False}
    document["added_tokens"].append(added)
    encoder = load_encoder(json.dumps(document).encode(), spec(bos=False, eos=False))
    assert encoder.vocab_size == len(document["model"]["vocab"]) + 1
    assert encoder.vocab_size - 1 in ids_of(encoder, "a<tab>b")
    assert bytes_of(encoder, "a<tab>b") == b"a<tab>b"


@pytest.mark.parametrize("odd", ["\u20ac", "\uffff", "a\0b", "\u00a0", "\n"])
def test_a_token_outside_the_alphabet_of_bytes_stands_for_its_own_characters(odd: str) -> None:
    document = json.loads(ARTIFACT)
    document["model"]["vocab"][odd] = len(document["model"]["vocab"])
    known, encoder = (load_encoder(each, spec()) for each in (ARTIFACT, json.dumps(document).encode()))
    assert encoder.token_bytes(np.array([known.vocab_size], np.uint32)) == odd.encode()
    whole = np.arange(known.vocab_size, dtype=np.uint32)
    assert encoder.token_bytes(whole) == known.token_bytes(whole)
