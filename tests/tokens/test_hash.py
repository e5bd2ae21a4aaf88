"""What the hash of a tokenizer depends on, and what it does not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sentencepiece import sentencepiece_model_pb2

from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.encode import load_encoder
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import needs_corpus
from tests.tokens.tokenizers_at_hand import PUBLISHED, TEXTS, published

ARTIFACT = train_bpe(TEXTS, TrainOptions(vocab_size=400, special_tokens=("<s>",)))

Change = Callable[[dict[str, Any]], object]

SAME: dict[str, Change] = {
    "merges as strings": lambda it: it["model"].update(merges=[" ".join(pair) for pair in it["model"]["merges"]]),
    "an option that is off left out": lambda it: it["model"].pop("dropout"),
    "its own template": lambda it: it.update(post_processor={**it["pre_tokenizer"]}),
    "truncation": lambda it: it.update(truncation=None),
}

OTHER: dict[str, Change] = {
    "two merges in another order": lambda it: it["model"]["merges"].reverse(),
    "two tokens with each other's id": lambda it: it["model"]["vocab"].update(a=68, b=67),
    "an added token that is not special": lambda it: it["added_tokens"][1].update(special=False),
    "a normalizer": lambda it: it.update(normalizer={"type": "NFC"}),
    "another pattern": lambda it: it["pre_tokenizer"].update(use_regex=False),
    "words looked up before merging": lambda it: it["model"].update(ignore_merges=True),
}


def hash_of(artifact: bytes, **options: Any) -> str:  # noqa: ANN401 - whatever a manifest holds
    return load_encoder(artifact, TokenizerSpec(tokenizer_json=__file__, **options)).hash


def changed(change: Change) -> bytes:
    document = json.loads(ARTIFACT)
    change(document)
    return json.dumps(document, indent=3).encode()


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_hash_stays_where_no_id_changes(change: Change) -> None:
    assert hash_of(changed(change)) == hash_of(ARTIFACT)


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_the_hash_changes_with_what_decides_ids(change: Change) -> None:
    assert hash_of(changed(change)) != hash_of(ARTIFACT)


def test_each_policy_has_its_own_hash() -> None:
    policies = [(bos, eos) for bos in (True, False) for eos in (True, False)]
    assert len({hash_of(ARTIFACT, bos=bos, eos=eos) for bos, eos in policies}) == 4
    assert hash_of(ARTIFACT) == hash_of(ARTIFACT, bos=True, eos=True)


@needs_corpus
def test_the_order_and_ends_of_lines_of_ranks_do_not_count() -> None:
    lines = PUBLISHED["llama3"].read_bytes().splitlines()
    shuffled = load_encoder(b"\r\n".join(lines[::-1]) + b"\r\n", TokenizerSpec(file=__file__))
    assert shuffled.hash == published("llama3").hash


@needs_corpus
def test_the_pattern_and_the_special_tokens_of_ranks_count() -> None:
    artifact = PUBLISHED["llama3"].read_bytes()
    gpt2 = TokenizerSpec(tiktoken=__file__, pattern="gpt2")
    named = TokenizerSpec(tiktoken=__file__, special_tokens=("<|endoftext|>",))
    hashes = {published("llama3").hash, load_encoder(artifact, gpt2).hash, load_encoder(artifact, named).hash}
    assert len(hashes) == 3


@needs_corpus
def test_of_a_sentencepiece_model_scores_count_and_notes_on_its_training_do_not() -> None:
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    model.ParseFromString(PUBLISHED["llama2"].read_bytes())
    model.trainer_spec.num_threads += 1
    noted = load_encoder(model.SerializeToString(), TokenizerSpec(file=__file__))
    assert noted.hash == published("llama2").hash
    model.pieces[300].score -= 0.5
    assert load_encoder(model.SerializeToString(), TokenizerSpec(file=__file__)).hash != noted.hash
