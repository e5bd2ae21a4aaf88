"""Which tokens count for the loss, against a walk over every byte."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.encode import Encoder, load_encoder
from pipelines.tokens.loss import LossMask, loss_mask
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import needs_corpus
from tests.tokens.tokenizers_at_hand import TEXTS, ids_of, published, trained

Spans = list[list[int]] | None

any_text = st.text() | st.text("aB1 \n.\u00e9\u0301\u4e2d\U0001f600", max_size=30)
any_spans = st.none() | st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda at: [at[0], sum(at)]))


def masked(encoder: Encoder, texts: list[str], spans: list[Spans]) -> LossMask:
    """Return what `loss_mask` says; the texts are a slice of a longer column."""
    column = pa.array(["before", *texts], pa.large_string()).slice(1)
    flat = [None if each is None else [place for span in each for place in span] for each in [[[0, 1]], *spans]]
    runs = encoder.encode(column)
    return loss_mask(column, pa.array(flat, pa.list_(pa.uint32())).slice(1), runs, encoder.spelling)


def expected(encoder: Encoder, text: str, spans: Spans) -> list[int]:
    """Walk over the tokens of a text, byte by byte."""
    counting: list[bool] = []
    for place, letter in enumerate(text):
        inside = spans is None or any(start <= place < end for start, end in spans)
        counting += [inside] * len(letter.encode())
    mask: list[int] = []
    ids = ids_of(encoder, text)
    at = len(text.encode()) - len(encoder.token_bytes(np.array(ids, encoder.dtype)))
    for token in ids:
        size = len(encoder.token_bytes(np.array([token], encoder.dtype)))
        held = counting[max(at, 0) : max(at + size, 0)]
        mask.append(int(any(held)) if size else mask[-1] if mask else 0)
        at += size
    return mask


@pytest.mark.parametrize("pattern", ["gpt2", "llama3"])
@given(st.lists(st.tuples(any_text, any_spans), max_size=5))
def test_a_token_counts_if_a_byte_of_it_lies_in_a_span(pattern: str, documents: list[tuple[str, Spans]]) -> None:
    encoder = trained(pattern)
    found = masked(encoder, [text for text, _ in documents], [spans for _, spans in documents])
    assert found.mask.tolist() == [each for text, spans in documents for each in expected(encoder, text, spans)]
    assert found.mask.dtype == np.uint8
    assert found.unplaced == 0


@needs_corpus
@pytest.mark.parametrize("name", ["gpt2", "llama2", "llama3", "mistral"])
@given(st.tuples(st.text("aB1 \n.\u00e9\u4e2d\U0001f600", max_size=30), any_spans))
def test_so_it_does_in_published_vocabularies(name: str, document: tuple[str, Spans]) -> None:
    text, spans = document
    assert masked(published(name), [text], [spans]).mask.tolist() == expected(published(name), text, spans)


def test_eos_counts_where_the_last_token_does_and_bos_never() -> None:
    artifact = train_bpe(TEXTS, TrainOptions(vocab_size=300, special_tokens=("<s>",)))
    spec = TokenizerSpec(train=TrainOptions(vocab_size=300, special_tokens=("<s>",)), bos=True, eos=True)
    encoder = load_encoder(artifact, spec)
    for text, spans, wanted in (("ab", None, [0, 1]), ("ab", [[0, 1]], [0, 0]), ("", None, [0, 0])):
        mask = masked(encoder, [text], [spans]).mask
        assert [mask[0], mask[-1]] == wanted
        assert ids_of(encoder, text)[0] == encoder.bos_id


def test_an_answer_is_told_from_its_question() -> None:
    encoder = trained()
    question, answer = "Isn't it 12?\n", "Yes, of the people."
    found = masked(encoder, [question + answer], [[[len(question), len(question + answer)]]])
    ids = np.array(ids_of(encoder, question + answer), encoder.dtype)
    assert encoder.token_bytes(ids[found.mask == 1]) == answer.encode()
    assert found.mask[-1] == 1


def test_no_token_counts_of_a_text_that_the_tokenizer_changes() -> None:
    artifact = json.loads(train_bpe(TEXTS, TrainOptions(vocab_size=300)))
    artifact["normalizer"] = {"type": "NFC"}
    encoder = load_encoder(json.dumps(artifact).encode(), TokenizerSpec(file="tokenizer.json"))
    found = masked(encoder, ["e\u0301 is one", "\u00e9 is two"], [None, None])
    first = len(ids_of(encoder, "e\u0301 is one"))
    assert (found.mask[:first].tolist(), found.unplaced) == ([0] * first, 1)
    assert found.mask[first:].all()
