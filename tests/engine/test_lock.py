"""The lock: what a build was made from comes back as it was, and its manifest builds the same."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.lock import Made, lock_of, read_lock, write_lock
from pipelines.engine.plan import make_plan
from pipelines.engine.receipts import Receipt
from pipelines.manifest import Manifest, Phase, load_manifest, stored_manifest
from pipelines.yaml_keys import parse_document, write_document
from tests.helpers import CORPUS, job_here, lines_source, write_lines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "ab":
        write_lines(tmp_path / name / "x.jsonl", [{"text": "x" * number} for number in range(9)])
    return tmp_path


def manifest(folder: Path, **changes: object) -> dict[str, Any]:
    sources: dict[str, Any] = {name: lines_source(folder / name, tags=["all"]) for name in "ab"}
    sources["b"] |= {"fields": {"n": {"path": "meta.n", "type": "int64"}}, "where": "n > 1", "select": {"n": [1, 2]}}
    return {"name": "on", "sources": sources, "split_bytes": 40, **changes}


def mix(**changes: object) -> dict[str, Any]:
    weights = {"a": 1 / 3, "b": 1 / 7, "long": 0.2}
    phases = [{"name": "p.1", "tokens": "1K", "weights": weights, "normalize": True, "start": "restart"}]
    pools = {"long": {"sources": ["all"], "where": "word_count > 5 and source == 'b'"}}
    return {"phases": phases, "pools": pools, "max_epochs": {"a": 2.5}, **changes}


STAGES = [
    "normalize",
    {"where": "chars between 1 and 99 and url is null"},
    {"gopher_quality": {"on": ["all"], "min_word_count": None, "max_symbol_to_word_ratio": 0.00001}},
    {"dedup_exact": {"by": "url", "keep": ["b"], "prefer": "longest", "on": ["a"]}},
]

TOKENIZERS: list[Any] = [
    {"train": {"vocab_size": 300, "special_tokens": ["<a>", "on"]}, "eos": True},
    {"tiktoken": str(CORPUS / "tokenizers" / "llama3" / "tokenizer.model"), "special_tokens": {"<s>": 128_000}},
    {"tiktoken": str(CORPUS / "tokenizers" / "llama3" / "tokenizer.model"), "special_tokens": ["<s>"], "bos": False},
    str(CORPUS / "tokenizers" / "gpt2" / "tokenizer.json"),
]


def again(folder: Path, wanted: dict[str, Any]) -> tuple[Manifest, Path]:
    """Write a manifest and its lock; return the manifest, and the one in the build folder."""
    job = job_here(wanted, folder / "out")
    write_lock(job, lock_of(job, make_plan(job.manifest), Made()))
    return job.manifest, folder / "out" / "manifest.yaml"


@pytest.mark.parametrize("changes", [{}, {"stages": STAGES, "seed": 2**64 - 1}])
def test_the_manifest_in_the_folder_is_the_manifest(folder: Path, changes: dict[str, Any]) -> None:
    loaded, path = again(folder, manifest(folder, **changes))
    assert load_manifest(path) == loaded
    assert stored_manifest(path.read_text(), "x") == loaded


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the tokenizers of ../shared/corpus are not here")
@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_every_kind_of_tokenizer_comes_back(folder: Path, tokenizer: object) -> None:
    loaded, path = again(folder, manifest(folder, tokenizer=tokenizer, mix=mix()))
    assert load_manifest(path) == loaded


@given(weights=st.lists(st.floats(0.001, 1e6), min_size=2, max_size=2))
def test_weights_that_were_made_to_sum_to_one_stay_as_they_are(weights: list[float]) -> None:
    given_ = dict(zip("ab", weights, strict=True))
    once = Phase(name="p", tokens=1, normalize=True, weights=given_)
    twice = Phase(name="p", tokens=1, normalize=True, weights=once.weights)
    assert twice == once
    assert math.fsum(once.weights.values()) == pytest.approx(1)


def test_a_manifest_whose_files_are_gone_can_still_be_read(folder: Path) -> None:
    loaded, path = again(folder, manifest(folder))
    for name in "ab":
        (folder / name / "x.jsonl").unlink()
    assert stored_manifest(path.read_text(), "x") == loaded


def test_splits_and_parts_come_back_as_they_were(folder: Path) -> None:
    job = job_here(manifest(folder), folder / "out")
    plan = make_plan(job.manifest)
    receipts = [Receipt(f"work/{name}", {}, name * 2, {}) for name in ("z", "a", "m")]
    written = lock_of(job, plan, Made({"pass 1 of 1": receipts}, "work/tokenizer", "hash"))
    write_lock(job, written)
    lock = read_lock(job.storage)
    assert lock == written
    assert lock.planned_splits() == plan.splits
    assert list(lock.parts["pass 1 of 1"].items()) == [("work/z", "zz"), ("work/a", "aa"), ("work/m", "mm")]
    assert (lock.tokenizer, lock.tokenizer_hash, lock.manifest_hash) == ("work/tokenizer", "hash", job.manifest_hash)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), TREES, min_size=1))
def test_any_plain_values_are_written_so_that_they_are_read_back(tree: dict[str, Any]) -> None:
    assert parse_document(write_document(tree), "x").tree == tree


@pytest.mark.parametrize(
    "text", ["1e5", "on", "no", "0x1F", "1_000", "2024-01-01", "~", "null", "TRUE", "1:30", "=", "<<", ""]
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    assert parse_document(write_document({text or "x": [text]}), "x").tree == {text or "x": [text]}
