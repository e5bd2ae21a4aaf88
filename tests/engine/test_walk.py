"""Walks: what becomes of the documents of one piece, step by step."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import Batch, Columns, Stage
from filters.gopher import GopherQuality
from filters.normalize import Normalize, normalize_text
from pipelines.engine.job import RECORDS
from pipelines.engine.measured import StoredSignals
from pipelines.engine.pieces import Piece
from pipelines.engine.route import Kind, Step
from pipelines.engine.splits import FileIdentity, SourceFile, Split
from pipelines.engine.walk import Falls, Walk, documents_of
from pipelines.where import Where
from tests.helpers import bare_job

SPLIT = Split(3, "a", SourceFile("/data", "x.jsonl", FileIdentity(1, "tag")), 0, -1)
LATE = Split(2**31, "a", SPLIT.file, 0, -1)
NEVER_RUN = GopherQuality(min_word_count=2**40)


class Upper(Stage):
    """An editor: capital letters."""

    version: ClassVar[int] = 1

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        return pc.utf8_upper(batch.text)


class Vowels(Stage):
    """Counts the letter a."""

    version: ClassVar[int] = 1

    def measure(self, batch: Batch) -> Columns:
        return {"vowels": pc.count_substring(batch.text, "a").cast(pa.int64())}


def piece_of(texts: Sequence[str], first: int = 0) -> Piece:
    rows = np.arange(len(texts))
    columns = {
        "ordinal": pa.array(rows.astype(np.uint64)),
        "uid": pa.array((rows + 100).astype(np.uint64)),
        "id": pa.array([f"d{row}" for row in rows], pa.string()),
        "chars": pa.array([len(text) for text in texts], pa.int64()),
    }
    given = [columns.get(field.name, pa.nulls(len(texts), field.type)) for field in RECORDS]
    return Piece(first, pa.table(given, RECORDS), rows, pa.array(texts, pa.large_string()))


def begin(piece: Piece, alive: Sequence[bool] | None = None) -> Walk:
    count = piece.records.num_rows
    standing = np.ones(count, np.bool_) if alive is None else np.array(alive, np.bool_)
    return Walk.begin(SPLIT, piece, standing, piece.records.column("chars").combine_chunks(), Falls.of(count))


def walk_through(walk: Walk, steps: Sequence[Step], folder: str | Path) -> Walk:
    stored = StoredSignals(bare_job(folder), "records")
    for step in steps:
        if step.kind == "measure":
            stored.open(step)
        walk.take(step, stored)
    return walk


def step(kind: Kind, stage: Stage, text: str = "source", suffix: str = "") -> Step:
    return Step(kind, type(stage).__name__.lower(), stage, text, suffix)


def test_the_first_rule_that_fails_is_the_verdict(tmp_path: Path) -> None:
    steps = [step("judge", Where(expression=text)) for text in ("chars > 1", "chars > 2", "chars < 4")]
    walk = walk_through(begin(piece_of(["a", "bb", "ccc", "dddd"])), steps, tmp_path)
    assert walk.alive.tolist() == [False, False, True, False]
    assert walk.falls.fate.tolist() == ["dropped", "dropped", None, "dropped"]
    assert walk.falls.stage.tolist() == ["where", "where", None, "where"]
    assert walk.falls.rule.tolist() == ["chars > 1", "chars > 2", None, "chars < 4"]
    assert np.array_equal(walk.falls.value, [1, 2, np.nan, 4], equal_nan=True)


def test_fallen_documents_are_measured_until_the_next_edit(tmp_path: Path) -> None:
    steps = [
        step("judge", Where(expression="chars > 1")),
        step("measure", Vowels()),
        step("edit", Upper()),
        step("measure", Vowels(), "upper", "@upper"),
    ]
    walk = walk_through(begin(piece_of(["a", "ab", "b", "aa"])), steps, tmp_path)
    before, after = walk.measured[steps[1].signals_key], walk.measured[steps[3].signals_key]
    assert before["vowels"].to_pylist() == [1, 1, 0, 2]
    assert after["vowels"].to_pylist() == [None, 0, None, 0]
    assert walk.documents.column("text").to_pylist() == ["AB", "AA"]
    assert walk.rows.tolist() == [1, 3]


def test_rows_that_were_gone_before_are_not_measured(tmp_path: Path) -> None:
    steps = [step("measure", Vowels()), step("judge", Where(expression="chars > 9"))]
    walk = walk_through(begin(piece_of(["a", "aa", "aaa"]), [True, False, True]), steps, tmp_path)
    assert walk.measured[steps[0].signals_key]["vowels"].to_pylist() == [1, None, 3]
    assert walk.falls.fate.tolist() == ["dropped", None, "dropped"]


def test_a_new_text_has_its_own_length_and_keeps_numbers_that_name_another_text(tmp_path: Path) -> None:
    steps = [step("measure", Vowels(), "earlier", "@earlier"), step("edit", Upper())]
    walk = walk_through(begin(piece_of(["ß", "a"])), steps, tmp_path)
    assert walk.documents.column("text").to_pylist() == ["ẞ", "A"]
    assert walk.signals["chars"].to_pylist() == [1, 1]
    assert "vowels@earlier" in walk.signals
    assert "vowels" not in walk.signals


def test_a_measurement_that_returns_is_taken_again_and_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = step("measure", GopherQuality()), step("measure", GopherQuality(stop_words=("a",)))
    walk = walk_through(begin(piece_of(["the a", "a"])), [first, other], tmp_path)
    assert walk.signals["stop_word_count"].to_pylist() == [1, 1]
    monkeypatch.setattr(GopherQuality, "measure", lambda *_: pytest.fail("measured again"))
    walk_through(walk, [first], tmp_path)
    assert walk.signals["stop_word_count"].to_pylist() == [1, 0]


def test_every_step_takes_a_piece_without_documents(tmp_path: Path) -> None:
    steps = [
        step("measure", NEVER_RUN),
        step("judge", NEVER_RUN),
        step("edit", Upper()),
        step("judge", Where(expression="chars > 1")),
    ]
    for walk in (begin(piece_of([])), begin(piece_of(["a"]), [False])):
        walk_through(walk, steps, tmp_path)
        assert len(walk.rows) == walk.documents.num_rows == 0
        assert not walk.alive.any()


def test_an_address_is_exact_in_all_its_bits() -> None:
    piece = piece_of(["a", "b"], first=2**32 - 2)
    addresses = documents_of(LATE, piece, np.array([1])).column("address")
    assert addresses.to_pylist() == [(2**31 << 32) | (2**32 - 1)]


def test_documents_come_with_their_source_and_the_columns_of_every_batch() -> None:
    documents = documents_of(SPLIT, piece_of(["a", "b", "c"]), np.array([0, 2]))
    assert documents.column("source").to_pylist() == ["a", "a"]
    assert documents.column("id").to_pylist() == ["d0", "d2"]
    assert documents.column("uid").to_pylist() == [100, 102]
    assert documents.column("text").to_pylist() == ["a", "c"]


TEXTS = st.lists(st.text("ab \r\ne\u0301", max_size=6), max_size=8)


def expected(text: str) -> tuple[str | None, str | None]:
    """Return the rule by which a text falls, or what it becomes: chars > 1, then normalize, then two words."""
    if len(text) <= 1:
        return "chars > 1", None
    edited = normalize_text(text)
    return ("word_count >= 2", None) if len(edited.split()) < 2 else (None, edited)


@given(TEXTS, st.data())
def test_a_piece_fares_as_each_of_its_documents_would_alone(texts: list[str], data: st.DataObject) -> None:
    alive = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    steps = [
        step("judge", Where(expression="chars > 1")),
        step("edit", Normalize()),
        step("measure", GopherQuality(), "normal", "@normalize"),
        step("judge", Where(expression="word_count >= 2")),
    ]
    with TemporaryDirectory() as folder:
        walk = walk_through(begin(piece_of(texts), alive), steps, folder)
    walk.narrow()
    fates = [expected(text) for text in texts]
    assert walk.falls.rule.tolist() == [
        rule if standing else None for (rule, _), standing in zip(fates, alive, strict=True)
    ]
    kept = [text for (_, text), standing in zip(fates, alive, strict=True) if standing and text is not None]
    assert walk.documents.column("text").to_pylist() == kept
    assert walk.signals["chars"].to_pylist() == [len(text) for text in kept]
    assert int(walk.alive.sum()) == len(kept)
