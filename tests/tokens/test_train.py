import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import ManifestError
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.encode import load_encoder
from pipelines.tokens.train import train_bpe
from tests.tokens.tokenizers_at_hand import TEXTS, ids_of

ROOT = Path(__file__).parents[2]

SCRIPT = """
import hashlib, os
from pipelines.tokenizer_spec import TrainOptions
from pipelines.tokens.train import train_bpe
from tests.tokens.tokenizers_at_hand import TEXTS
before = len(os.listdir("/proc/self/task"))
trained = train_bpe(TEXTS, TrainOptions(vocab_size=400))
print(hashlib.sha256(trained).hexdigest(), len(os.listdir("/proc/self/task")) - before)
"""


def vocabulary(**options: object) -> dict[str, int]:
    vocab: dict[str, int] = json.loads(train_bpe(TEXTS, TrainOptions(**options)))["model"]["vocab"]
    return vocab


def in_another_process(hash_seed: int) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "TOKENIZERS_PARALLELISM": "true"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, check=True)
    return done.stdout.decode().split()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_the_bytes_are_the_same_in_other_processes_with_other_hash_seeds_and_no_thread_is_started() -> None:
    answers = [in_another_process(1), in_another_process(2)]
    assert answers[0] == answers[1]
    assert answers[0][1] == "0"


@pytest.mark.parametrize("pattern", ["gpt2", "llama3", r"\s+|\S+"])
def test_training_twice_gives_the_same_bytes_whatever_the_order_of_the_texts(pattern: str) -> None:
    options = TrainOptions(vocab_size=400, pattern=pattern)
    assert train_bpe(TEXTS, options) == train_bpe(iter(TEXTS[::-1]), options)


def test_all_bytes_and_the_special_tokens_are_tokens_even_without_texts() -> None:
    options = TrainOptions(vocab_size=300, special_tokens=("<|pad|>", "<|user|>"))
    trained = json.loads(train_bpe([], options))
    assert len(trained["model"]["vocab"]) == 256 + 3
    assert [token["content"] for token in trained["added_tokens"]] == ["<|endoftext|>", "<|pad|>", "<|user|>"]
    assert [token["id"] for token in trained["added_tokens"]] == [0, 1, 2]


def test_the_vocabulary_has_the_size_that_was_asked_for() -> None:
    assert sorted(vocabulary(vocab_size=300).values()) == list(range(300))


def test_a_pair_rarer_than_the_least_frequency_is_not_merged() -> None:
    assert len(vocabulary(vocab_size=1000, min_frequency=21)) < len(vocabulary(vocab_size=1000, min_frequency=20))


def test_patterns_differ_in_how_they_cut_numbers() -> None:
    assert "345" in vocabulary(vocab_size=500, pattern="llama3")
    assert not any(len(token) > 3 and token.isdigit() for token in vocabulary(vocab_size=500, pattern="llama3"))


@pytest.mark.parametrize("pattern", ["gpt2", "cl100k", "llama3"])
@pytest.mark.parametrize(("digits", "most"), [("individual", 1), ("groups_of_three", 3)])
def test_digits_say_how_many_stand_in_one_token(pattern: str, digits: str, most: int) -> None:
    texts = ["12345678 x 12345678", "in 2024, 2024"] * 30
    vocab = json.loads(train_bpe(texts, TrainOptions(vocab_size=500, pattern=pattern, digits=digits)))["model"]["vocab"]
    assert max(len(token) for token in vocab if any(char.isdigit() for char in token if char.isascii())) == most


def test_special_tokens_have_the_names_that_were_asked_for_and_frame_documents() -> None:
    specials = {"bos": "[START]", "eos": "[END]", "pad": "[FILL]"}
    options = TrainOptions(vocab_size=300, specials=specials, special_tokens=("[USER]", "[END]"))
    trained = train_bpe([], options)
    names = [token["content"] for token in json.loads(trained)["added_tokens"]]
    assert names == ["[END]", "[FILL]", "[START]", "[USER]"]
    encoder = load_encoder(trained, TokenizerSpec(train=options))
    assert (encoder.eos_id, encoder.pad_id, encoder.bos_id) == (0, 1, 2)
    assert ids_of(encoder, "a") == [2, json.loads(trained)["model"]["vocab"]["a"], 0]


def test_two_of_them_cannot_be_one_token() -> None:
    with pytest.raises(ValueError, match="two of the three are one token"):
        TrainOptions(vocab_size=300, specials={"bos": "<s>", "eos": "<s>"})


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"vocab_size": 257}, "tokenizer.train.vocab_size"),
        ({"vocab_size": 300, "pattern": "("}, "tokenizer.train.pattern"),
    ],
)
def test_options_that_cannot_be_are_refused_by_key(options: dict[str, object], key: str) -> None:
    with pytest.raises(ManifestError) as refused:
        train_bpe(TEXTS, TrainOptions(**options))
    assert refused.value.key == key
