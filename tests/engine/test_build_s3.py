"""A build whose sources and folder are both on a real S3 protocol server."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.audit.passport import PASSPORT
from pipelines.engine.session import Settings, build
from pipelines.engine.storage import Storage, open_storage
from pipelines.manifest import load_manifest
from tests.helpers import digest


def _documents(start: int, end: int) -> bytes:
    fox = "the fox that leaps over a dog has the best of it. " * 8
    texts = [f"Document {number}: {fox}" for number in range(start, end)]
    return "".join(json.dumps({"text": text, "id": str(number)}) + "\n" for number, text in enumerate(texts)).encode()


def _manifest(folder: Path, root: str) -> Path:
    path = folder / "manifest.yaml"
    mix = {
        "sequence_length": 64,
        "shard_tokens": 1000,
        "phases": [{"name": "only", "tokens": 2000, "weights": {"a": 1.0}}],
    }
    whole = {
        "name": "on_s3",
        "split_bytes": 9000,
        "sources": {"a": {"format": "jsonl", "path": f"{root}/a/*.jsonl"}},
        "stages": ["gopher_quality", "normalize", "dedup_exact"],
        "tokenizer": {"train": {"vocab_size": 300}},
        "mix": mix,
    }
    path.write_text(yaml.safe_dump(whole))
    return path


def _fill(storage: Storage) -> None:
    storage.put("a/one.jsonl", _documents(0, 60))
    storage.put("a/two.jsonl", _documents(40, 100))


def _remote_digest(storage: Storage) -> str:
    whole = sha256()
    for path in (*storage.list("shards"), *storage.list("ledger"), PASSPORT):
        if storage.exists(path):
            whole.update(f"{path}\0".encode() + sha256(storage.read(path)).digest())
    return whole.hexdigest()


@pytest.mark.ray
def test_s3_and_a_local_folder_give_the_same_bytes_here_and_on_ray(s3: str, tmp_path: Path) -> None:
    _fill(open_storage(f"{s3}/corpus"))
    _fill(open_storage(tmp_path / "corpus"))
    build(load_manifest(_manifest(tmp_path, str(tmp_path / "corpus"))), tmp_path / "out", Settings("none"))
    remote = load_manifest(_manifest(tmp_path, f"{s3}/corpus"))
    for address in ("none", "auto"):
        build(remote, f"{s3}/{address}", Settings(address))
        assert _remote_digest(open_storage(f"{s3}/{address}")) == digest(tmp_path / "out")


def test_a_build_is_compared_with_an_earlier_one_on_s3(s3: str, tmp_path: Path) -> None:
    _fill(open_storage(tmp_path / "corpus"))
    sources = {"a": {"format": "jsonl", "path": f"{tmp_path}/corpus/a/*.jsonl"}}
    path = tmp_path / "manifest.yaml"
    written = []
    for root in (s3, str(tmp_path)):
        exact: dict[str, Any] = {"dedup_exact": {"max_loss": 1}}
        stages = [exact, {"dedup_minhash": {"store_shingles": True, "max_loss": 1}}]
        path.write_text(yaml.safe_dump({"name": "m", "sources": sources, "stages": stages}))
        build(load_manifest(path), f"{root}/first", Settings("none"))
        for stage in stages:
            next(iter(stage.values()))["against"] = f"{root}/first"
        path.write_text(yaml.safe_dump({"name": "m", "sources": sources, "stages": stages[1:]}))
        summary = build(load_manifest(path), f"{root}/second", Settings("none"))
        written.append(_remote_digest(open_storage(f"{root}/second")))
    assert written[0] == written[1]
    assert "near_duplicate_earlier" in {fall.rule for fall in summary.falls}
