"""The real corpus, all of it, with one manifest: recounted without our code, and read as trainers read it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from tests.helpers import CORPUS, build_here, verdicts
from tests.recount import Record, manifest, recount

TOKENIZER = CORPUS / "tokenizers" / "gpt2" / "tokenizer.json"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the real corpus ../shared/corpus is not here")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus") / "out"
    build_here(manifest(CORPUS, TOKENIZER), out)
    return out


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return recount(CORPUS)


@pytest.fixture(scope="module")
def ledger(built: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = verdicts(built).to_pylist()
    return rows


def test_the_recount_agrees_on_every_record(ledger: list[dict[str, Any]], records: list[Record]) -> None:
    assert len(ledger) == len(records)
    for row, record in zip(_in_order(ledger), _in_order_of_records(records), strict=True):
        assert (row["source"], row["uid"], row["ordinal"]) == (record.source, record.uid, record.ordinal)
        assert row["chars_in"] == len(record.raw)
        if record.fate:
            assert (row["fate"], row["rule"]) == (
                record.fate,
                "same_content" if record.fate == "duplicate" else record.rule,
            )
        else:
            assert row["fate"] in {"used", "unused"}
            assert row["chars_out"] == len(record.text)


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["source"], row["uid"]))


def _in_order_of_records(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda record: (record.source, record.uid))


def test_the_reference_tokenizer_counts_the_same_tokens(ledger: list[dict[str, Any]], records: list[Record]) -> None:
    reference = Tokenizer.from_file(str(TOKENIZER))
    kept = [record for record in _in_order_of_records(records) if not record.fate][::7]
    tokens = {row["uid"]: row["tokens"] for row in ledger}
    encoded = reference.encode_batch_fast([record.text for record in kept], add_special_tokens=False)
    assert [tokens[record.uid] for record in kept] == [len(each.ids) + 1 for each in encoded]


def test_shards_hold_what_the_ledger_says_was_used(built: Path, ledger: list[dict[str, Any]]) -> None:
    held: Counter[int] = Counter()
    by_phase: Counter[str] = Counter()
    for shard in (built / "shards").rglob("*.parquet"):
        table = pq.read_table(shard, columns=["doc_uids", "doc_lengths"])
        for uids, lengths in zip(*(column.to_pylist() for column in table.columns), strict=True):
            held.update(dict.fromkeys(uids, 0))
            for uid, length in zip(uids, lengths, strict=True):
                held[uid] += length
                by_phase[shard.parent.name] += length
    assert by_phase == {"web": 1_000_000, "anneal": 300_000}
    assert held == {row["uid"]: row["tokens_used"] for row in ledger if row["fate"] == "used"}


def test_shares_are_exact_in_every_phase(built: Path) -> None:
    taken: Counter[tuple[str, str]] = Counter()
    for shard in (built / "shards").rglob("*.parquet"):
        file = pq.ParquetFile(shard)
        pools = json.loads(file.schema_arrow.metadata[b"gristmill"])["origin"]["pools"]
        table = file.read(columns=["doc_pools", "doc_lengths"])
        for indices, lengths in zip(*(column.to_pylist() for column in table.columns), strict=True):
            for pool, length in zip(indices, lengths, strict=True):
                taken[shard.parent.name, pools[pool]] += length
    wanted = {"c4": 0.1, "dolma": 0.2, "pile": 0.3, "redpajama": 0.3, "refinedweb": 0.1}
    assert {pool: taken["web", pool] for pool in wanted} == {pool: round(share * 1e6) for pool, share in wanted.items()}
    assert taken["anneal", "c4"] == taken["anneal", "refinedweb"] == 150_000


def test_datasets_and_numpy_read_the_shards(built: Path, tmp_path: Path) -> None:
    files = sorted(str(shard) for shard in (built / "shards" / "web").glob("*.parquet"))
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    ids = [np.asarray(row) for row in loaded["input_ids"]]
    plain = np.concatenate([_as_matrix(Path(file)) for file in files])
    assert plain.shape == (len(ids), 512)
    assert np.array_equal(np.stack(ids), plain)


def _as_matrix(shard: Path) -> np.ndarray[tuple[int, ...], np.dtype[Any]]:
    """Read a shard as a torch-free loader would: one array, a row per sequence."""
    flat = pq.read_table(shard, columns=["input_ids"]).column(0).combine_chunks().flatten()
    rows: np.ndarray[tuple[int, ...], np.dtype[Any]] = flat.to_numpy().reshape(-1, 512)
    return rows
