"""The tokenizer's fit: its sample is the documents with the smallest draws, wherever they stand."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.fit import WEIGHTS, last_bucket, load_fitted_encoder
from pipelines.engine.parts import PartWriter
from pipelines.engine.storage import open_storage
from pipelines.errors import ManifestError
from pipelines.manifest import TrainOptions
from pipelines.mix.pools import BUCKETS
from pipelines.tokens.train import train_bpe
from tests.helpers import bare_job, build_here, digest, job_here, lines_source, tasks_run, verdicts, write_lines

SEED = 11
TEXTS = [f"Text {number} is about {number * number} things. " * (1 + number % 4) for number in range(60)]


def manifest(folder: Path, sample_bytes: int = 700, **changes: object) -> dict[str, Any]:
    train = {"vocab_size": 300, "sample_bytes": sample_bytes}
    base = {"name": "n", "seed": SEED, "sources": {"a": lines_source(folder / "a")}, "tokenizer": {"train": train}}
    return {**base, **changes}


def write(folder: Path, texts: Sequence[str] = TEXTS) -> None:
    write_lines(folder / "a" / "x.jsonl", [{"text": text} for text in texts])


def artifact(out: Path) -> bytes:
    """Return the one tokenizer that was trained in a build folder."""
    (path,) = (out / "work" / "fits").glob("tokenizer-*.json")
    return path.read_bytes()


def smallest_draws(out: Path, texts: Sequence[str], sample_bytes: int) -> list[str]:
    """Return the surviving documents with the smallest draws, up to the one that fills the sample."""
    rows = verdicts(out).to_pylist()
    alive = [(row["uid"], text) for row, text in zip(rows, texts, strict=True) if row["fate"] == "unused"]
    prefix = b"fit" + SEED.to_bytes(8, "little")
    alive.sort(key=lambda each: xxhash.xxh3_64_intdigest(prefix + each[0].to_bytes(8, "little")))
    sample: list[str] = []
    for _, text in alive:
        if sum(len(each.encode()) for each in sample) < sample_bytes:
            sample.append(text)
    return sample


@pytest.mark.parametrize("sample_bytes", [1, 700, 10**9])
def test_a_tokenizer_learns_from_the_smallest_draws_until_its_sample_is_full(tmp_path: Path, sample_bytes: int) -> None:
    texts = [*TEXTS, "é" * 90, TEXTS[3]]
    write(tmp_path, texts)
    wanted = manifest(tmp_path, sample_bytes, stages=[{"where": "chars > 40"}, "dedup_exact"])
    build_here(wanted, tmp_path / "out")
    sample = smallest_draws(tmp_path / "out", texts, sample_bytes)
    options = TrainOptions(vocab_size=300, sample_bytes=sample_bytes)
    assert artifact(tmp_path / "out") == train_bpe(sample, options)


def test_splits_do_not_change_the_sample(tmp_path: Path) -> None:
    write(tmp_path)
    for name, split_bytes in (("whole", "1MB"), ("cut", "1KB")):
        build_here(manifest(tmp_path, split_bytes=split_bytes), tmp_path / name)
    assert len(tasks_run(tmp_path / "cut", "tokenizer: sample")) > 1
    assert artifact(tmp_path / "whole") == artifact(tmp_path / "cut")


def test_a_sample_is_of_the_text_behind_the_stages(tmp_path: Path) -> None:
    texts = ["one\r\ntwo\r\n" * 9, "three"]
    write(tmp_path, texts)
    build_here(manifest(tmp_path, 10**6, stages=["normalize"]), tmp_path / "out")
    edited = [text.replace("\r", "") for text in texts]
    sample = sorted(edited, key=smallest_draws(tmp_path / "out", edited, 10**6).index)
    assert artifact(tmp_path / "out") == train_bpe(sample, TrainOptions(vocab_size=300))


def test_documents_are_collected_from_the_first_buckets_alone(tmp_path: Path) -> None:
    write(tmp_path, [f"{number:0100}" for number in range(4000)])
    build_here(manifest(tmp_path, 20_000), tmp_path / "out")
    (part,) = tasks_run(tmp_path / "out", "tokenizer: sample")
    assert 200 <= pq.read_table(tmp_path / "out" / part).num_rows < 230


def test_without_a_survivor_a_tokenizer_has_its_bytes(tmp_path: Path) -> None:
    write(tmp_path)
    build_here(manifest(tmp_path, stages=[{"where": "chars > 10_000"}, "dedup_exact"]), tmp_path / "out")
    assert artifact(tmp_path / "out") == train_bpe([], TrainOptions(vocab_size=300))
    assert set(verdicts(tmp_path / "out").column("fate").to_pylist()) == {"dropped"}


WEIGHT_LISTS = st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), max_size=3)


@given(WEIGHT_LISTS, st.integers(1, 60))
def test_the_last_bucket_is_the_first_at_which_the_sample_is_full(weights: list[list[int]], chars: int) -> None:
    totals = np.sum(np.array(weights, np.int64).reshape(-1, 4), axis=0)
    full = [bucket for bucket in range(4) if totals[: bucket + 1].sum() >= chars]
    assert bucket_of(weights, chars) == (full[0] if full else BUCKETS)


def bucket_of(weights: list[list[int]], chars: int) -> int:
    with TemporaryDirectory() as folder:
        storage = open_storage(folder)
        for number, each in enumerate(weights):
            column = np.zeros(BUCKETS, np.int64)
            column[:4] = each
            with PartWriter(storage, f"{number}.parquet", WEIGHTS) as writer:
                writer.add(pa.table([pa.array(column)], WEIGHTS))
        return last_bucket(storage, [f"{number}.parquet" for number in range(len(weights))], chars)


def test_a_tokenizer_is_loaded_once_for_each_policy(tmp_path: Path) -> None:
    write(tmp_path)
    bare_job(tmp_path / "out").storage.put("tokenizer", train_bpe(TEXTS, TrainOptions(vocab_size=300)))
    ends = []
    for eos in (True, False, True):
        spec = {"train": {"vocab_size": 300}, "eos": eos}
        encoder = load_fitted_encoder(job_here(manifest(tmp_path, tokenizer=spec), tmp_path / "out"), "tokenizer")
        ends.append(encoder)
    assert ends[0] is ends[2]
    texts = pa.array(["a"], pa.large_string())
    assert [len(encoder.encode(texts).ids) for encoder in ends] == [2, 1, 2]


def test_another_policy_in_one_folder_gives_what_a_fresh_folder_gives(tmp_path: Path) -> None:
    write(tmp_path)
    mix = {"sequence_length": 16, "shard_tokens": 500, "phases": [{"name": "p", "tokens": 900, "weights": {"a": 1}}]}
    for eos in (True, False):
        spec = {"train": {"vocab_size": 300}, "eos": eos}
        build_here(manifest(tmp_path, tokenizer=spec, mix=mix), tmp_path / "out")
    build_here(manifest(tmp_path, tokenizer=spec, mix=mix), tmp_path / "fresh")
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")


def test_a_token_that_training_does_not_make_is_refused_before_any_work(tmp_path: Path) -> None:
    write(tmp_path)
    train: dict[str, Any] = {"vocab_size": 300}
    with pytest.raises(ManifestError, match=r"tokenizer\.bos: True: the vocabulary has no BOS token"):
        job_here(manifest(tmp_path, tokenizer={"train": train, "bos": True}), tmp_path / "out")
    train["special_tokens"] = ["<s>"]
    job = job_here(manifest(tmp_path, tokenizer={"train": train, "bos": True}), tmp_path / "out")
    assert job.manifest.tokenizer is not None
