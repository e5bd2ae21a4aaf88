"""Scope: which documents are compared with each other."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from filters.batch import batch_of
from pipelines.dedup.exact import DedupExact
from pipelines.dedup.exchanges import Documents, Standing
from pipelines.dedup.scope import BucketSize, Scope, bucket_count, buckets, document_scopes, mix, scope_hash
from pipelines.engine.exchange import Rows
from pipelines.engine.keys import draw
from pipelines.errors import ManifestError
from tests.helpers import build_here, lines_source, verdicts, write_lines

WORDS = st.sampled_from([None, "", "en", "de", "e", "n"])
UIDS = st.lists(st.integers(0, 2**64 - 1), max_size=20)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=12))
def test_documents_share_a_scope_if_and_only_if_they_agree_in_every_field(values: list[tuple[str, str]]) -> None:
    columns = [pa.array(column, pa.string()) for column in zip(*values, strict=True)]
    scopes = scope_hash(columns).tolist()
    for (one, first), (other, second) in pairwise(sorted(zip(map(str, values), scopes, strict=True))):
        assert (one == other) == (first == second)
    assert len(set(scopes)) == len(set(values))


def test_a_field_of_numbers_or_dates_is_a_scope_like_any_other() -> None:
    for values in (
        pa.array([1, 2, 1]),
        pa.array([True, False, True]),
        pa.array([0, 5, 0], pa.timestamp("us", tz="UTC")),
    ):
        one, other, again = scope_hash([values]).tolist()
        assert one == again != other


def test_a_source_is_a_scope_though_its_column_is_a_dictionary() -> None:
    source = pa.array(["a", "b", "a"]).dictionary_encode()
    assert scope_hash([source]).tolist() == scope_hash([pa.array(["a", "b", "a"])]).tolist()


@given(UIDS, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_mixing_is_one_to_one_for_each_scope_and_tells_scopes_apart(keys: list[int], one: int, other: int) -> None:
    array = np.array(keys, np.uint64)
    mixed = mix(array, np.full(len(keys), one, np.uint64))
    assert len(set(mixed.tolist())) == len(set(keys))
    if one != other:
        assert (mixed != mix(array, np.full(len(keys), other, np.uint64))).all()


def test_a_global_scope_leaves_keys_as_they_are() -> None:
    scopes = document_scopes("global", {}, 2)
    assert mix(np.array([5, 7], np.uint64), scopes).tolist() == [5, 7]


def test_a_scope_by_a_column_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ValueError, match="'dump' is no column of these documents; there are language, url"):
        document_scopes(["dump"], {"url": pa.array(["x"]), "language": pa.array(["y"])}, 1)


@given(UIDS, st.integers(1, 2**32 - 1))
def test_a_bucket_is_the_draw_times_the_number_of_buckets_over_two_to_the_64(uids: list[int], count: int) -> None:
    array = np.array(uids, np.uint64)
    expected = [number * count >> 64 for number in draw("scope", 0, array).tolist()]
    assert buckets(array, count).tolist() == expected


@pytest.mark.parametrize("count", [0, 2**32])
def test_more_buckets_than_can_be_told_apart_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="can be told apart"):
        buckets(np.zeros(1, np.uint64), count)


def test_there_are_as_many_buckets_as_hold_all_documents() -> None:
    size = BucketSize(documents=10)
    assert [bucket_count(size, documents) for documents in (0, 1, 10, 11, 20, 21)] == [1, 1, 1, 2, 2, 3]
    assert bucket_count("global", 1000) == bucket_count(["language"], 1000) == 1


def test_chance_fills_buckets_alike() -> None:
    held = np.bincount(buckets(np.arange(40_000, dtype=np.uint64), 4).astype(np.int64))
    assert len(held) == 4
    assert abs(held - 10_000).max() < 500


@pytest.mark.parametrize("value", ["language", {"documents": 0}, {"documents": 5, "fields": []}, 7])
def test_a_scope_is_global_or_columns_or_a_number_of_documents(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[Scope](Scope).validate_python(value)


def emitted(stage: DedupExact, texts: list[str], languages: list[str]) -> Rows:
    """Return the rows of documents of one split, whose uids are 0, 1, ..."""
    batch = batch_of(texts)
    columns = {name: values.to_numpy() for name, values in stage.measure(batch).items()}
    count = np.arange(len(texts))
    columns |= {"row": count.astype(np.uint32), "uid": count.astype(np.uint64)}
    documents = Documents(columns, batch.text, {"language": pa.array(languages)})
    return stage.emit(documents, Standing(0, exempt=False)).of_split(0)


def test_by_language_a_text_is_a_duplicate_only_of_one_in_its_language() -> None:
    rows = emitted(DedupExact(scope=["language"]), ["x"] * 4, ["en", "de", "en", "en"])
    home = DedupExact(scope=["language"]).reduce(rows).header
    assert {
        (row, kept, bool(fell)) for row, kept, fell in zip(home["row"], home["kept_uid"], home["dropped"], strict=True)
    } == {
        (0, 0, False),
        (2, 0, True),
        (3, 0, True),
    }


def test_in_buckets_one_of_each_bucket_stays() -> None:
    stage = DedupExact(scope=BucketSize(documents=100)).for_documents(300)
    home = stage.reduce(emitted(stage, ["x"] * 300, ["en"] * 300)).header
    bucket = buckets(np.arange(300, dtype=np.uint64), 3)
    firsts = [int(np.flatnonzero(bucket == number)[0]) for number in range(3)]
    assert sorted(home["row"][home["dropped"] == 0].tolist()) == sorted(firsts)
    assert home["kept_uid"].tolist() == [
        firsts[number] for number in bucket[home["row"].astype(np.int64)].astype(np.int64)
    ]


def test_buckets_that_nobody_counted_are_refused() -> None:
    stage = DedupExact(scope=BucketSize(documents=1))
    with pytest.raises(ValueError, match="for_documents"):
        stage.reduce(emitted(stage, ["x"], ["en"]))


def test_what_was_counted_is_no_option_of_the_stage() -> None:
    stage = DedupExact(scope=BucketSize(documents=1))
    assert stage.for_documents(9).model_dump(mode="json") == stage.model_dump(mode="json")
    assert stage.model_dump(mode="json")["scope"] == {"documents": 1}


def manifest(folder: Path, scope: object) -> dict[str, Any]:
    """Return a manifest over 40 documents with one text, half of them in English, and write them."""
    write_lines(
        folder / "x.jsonl", [{"id": f"{at}", "text": "same", "tongue": "en" if at % 2 else "de"} for at in range(40)]
    )
    source = lines_source(folder, fields=["tongue"])
    return {"name": "scopes", "sources": {"x": source}, "stages": [{"dedup_exact": {"scope": scope, "max_loss": 1.0}}]}


@pytest.mark.parametrize(("scope", "left"), [("global", 1), (["tongue"], 2), ({"documents": 8}, 5)])
def test_a_build_keeps_one_document_of_each_scope(scope: object, left: int, tmp_path: Path) -> None:
    build_here(manifest(tmp_path / "in", scope), tmp_path / "out")
    found = verdicts(tmp_path / "out")
    kept = [row for row in found.to_pylist() if row["fate"] != "duplicate"]
    assert len(kept) == left
    assert len(set(found.column("kept_uid").drop_null().to_pylist()) | {row["uid"] for row in kept}) == left


def test_a_scope_by_a_column_that_a_source_does_not_declare_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="'dump'"):
        build_here(manifest(tmp_path / "in", ["dump"]), tmp_path / "out")
