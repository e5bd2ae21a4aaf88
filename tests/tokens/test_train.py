import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import ManifestError
from pipelines.tokenizer_spec import TrainOptions
from pipelines.tokens.train import train_bpe
from tests.tokens.tokenizers_at_hand import TEXTS

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
