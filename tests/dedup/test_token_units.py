"""Tokens as units: they spell their texts, and a tokenizer whose tokens do not is refused."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dedup.substrings import DedupSubstrings
from pipelines.dedup.text_units import tokens_of
from pipelines.dedup.token_units import Speller
from pipelines.engine.exchange import Layout, Rows
from pipelines.tokenizer_spec import TrainOptions
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import needs_corpus, real_texts
from tests.tokens.tokenizers_at_hand import PUBLISHED, TEXTS

ARTIFACT = train_bpe(TEXTS, TrainOptions(vocab_size=400))
SPELLER = Speller(ARTIFACT)

any_text = st.text() | st.text("aB1 \n\r\t'.<|>s\u2581\u00e9\u0301\u4e2d\u017f\0\U0001f600")


def rows_of(texts: list[str]) -> Rows:
    row = np.arange(len(texts), dtype=np.uint32)
    return Rows.build(Layout(), key=row.astype(np.uint64), row=row, payloads=[text.encode() for text in texts])


def check_places(speller: Speller, texts: list[str], members: list[int]) -> None:
    """Check that each unit of some texts is found at the bytes that its token spells."""
    units = tokens_of(rows_of(texts), np.array(members, np.int64), speller)
    first = units.joined.first
    for place, member in enumerate(members):
        count = int(units.joined.lengths[place])
        ids = units.joined.units[first[place] : first[place] + count]
        assert (ids != speller.separator).all()
        bounds = units.byte_of(np.full(count + 1, place), np.arange(count + 1)).tolist()
        widths = [len(speller._bytes_of(token)) for token in ids.tolist()]
        assert bounds == [sum(widths[:at]) for at in range(count + 1)]
        assert speller._bytes_of(*ids.tolist()) == texts[member].encode()


@given(st.lists(any_text, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_each_unit_has_its_bytes_whatever_the_order_of_texts(texts: list[str], chance: object) -> None:
    members = list(range(len(texts)))
    chance.shuffle(members)  # type: ignore[attr-defined] # hypothesis makes a random.Random
    check_places(SPELLER, texts, members)


@needs_corpus
@pytest.mark.parametrize("name", ["gpt2", "llama3"])
def test_published_byte_level_vocabularies_spell_real_texts(name: str) -> None:
    texts = [text[:2000] for text in real_texts()[:60]]
    check_places(Speller(PUBLISHED[name].read_bytes()), texts, list(range(len(texts))))


@needs_corpus
@pytest.mark.parametrize("name", ["llama2", "mistral"])
def test_tokens_that_begin_with_a_space_that_no_text_has_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="do not spell a text byte for byte; give a byte-level BPE"):
        Speller(PUBLISHED[name].read_bytes())


@pytest.mark.parametrize("kind", ["NFC", "Lowercase", "Strip"])
def test_a_tokenizer_that_changes_texts_is_refused(kind: str) -> None:
    document = json.loads(ARTIFACT)
    more = {"strip_left": True, "strip_right": True} if kind == "Strip" else {}
    document["normalizer"] = {"type": kind, **more}
    with pytest.raises(ValueError, match="do not spell a text"):
        Speller(json.dumps(document).encode())


def test_a_text_that_its_tokens_do_not_spell_is_an_error() -> None:
    document = json.loads(ARTIFACT)
    document["normalizer"] = {"type": "Replace", "pattern": {"String": "rare"}, "content": "x"}
    speller = Speller(json.dumps(document).encode())
    with pytest.raises(ValueError, match="do not spell it: 'a rare one'"):
        speller.spell(pa.array(["plain", "a rare one"], pa.large_string()))


@pytest.mark.parametrize("artifact", [b"", b"no tokenizer", b"{}"])
def test_what_is_no_tokenizer_is_refused(artifact: bytes) -> None:
    with pytest.raises(ValueError, match="tokenizer"):
        Speller(artifact)


def test_a_tokenizer_is_one_file() -> None:
    stage = DedupSubstrings.model_validate({"unit": "tokens", "tokenizer": "lists/*.json"})
    with pytest.raises(ValueError, match="names 2 files"):
        stage.load(lambda _: {"a.json": ARTIFACT, "b.json": ARTIFACT})
