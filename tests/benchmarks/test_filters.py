"""The benchmark of the filters runs, and both sides of it do the work that it says."""

import json
import sys
from collections.abc import Sequence

import pyarrow as pa
import pytest

from benchmarks import filters
from benchmarks.agreement.live import Pair
from benchmarks.agreement.pairs import PAIRS
from benchmarks.filter_runs import Ours, Theirs, batch_of_one, batches, seconds_each
from benchmarks.long_texts import HOSTILE, cut, long_texts
from filters.kernels.scans import Scans, WordDefinition, Words

pytest.importorskip("datatrove")
pytest.importorskip("spacy")

PROSE = """\
The ferry to the island leaves at nine, and that is the only one before noon.
Most people take it with a bicycle, since there is no bus to the other side of the bay.
It is a slow boat. Nobody who lives there minds, for there is coffee on board, and a stove.
In winter the captain sometimes turns back, when the waves come over the harbour wall.
Then the post has to wait, the school stays shut, and children build castles of snow.
"Will it sail tomorrow?" is the first thing that anyone asks when two neighbours meet.
No mark at the end of this line"""
TEXTS = [PROSE, "too short", "Caf\u00e9 is not enough to be a page of prose."]


@pytest.fixture
def pairs() -> list[Pair]:
    return [pair() for pair in PAIRS]


def test_texts_are_cut_into_batches_in_their_order() -> None:
    made = batches(["a" * 3_000_000, "b" * 2_000_000, "c"])
    assert [batch.num_rows for batch in made] == [2, 1]
    assert [text[0] for batch in made for text in batch.column("text").to_pylist()] == ["a", "b", "c"]


def test_the_benchmark_gives_a_row_for_each_race_each_long_document_and_memory() -> None:
    rows = filters.measure(TEXTS, "datatrove 0", rounds=1, scale=10_000)
    raced = [row for row in rows if row["peer"] is not None]
    assert [row["name"] for row in raced[:4]] == [filters.EVERY, filters.EVERY, filters.CHAIN, filters.CHAIN]
    assert [row["name"] for row in raced[4:]] == [f"{pair().label} alone" for pair in PAIRS]
    assert all(set(row) == {"name", "peer", "ours_mb_s", "peer_mb_s", "ratio"} for row in rows)
    assert [row["name"] for row in rows[len(raced) :]] == [
        *(name for name, _ in long_texts(b"x", 10_000)),
        filters.MEMORY,
    ]


def test_the_command_prints_tables_and_a_last_line_of_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(filters, "corpus_texts", lambda _folder, _megabytes: TEXTS)
    monkeypatch.setattr(filters, "measure", lambda *_: [filters._row_alone("memory", 2.0)])
    monkeypatch.setattr(sys, "argv", ["x", "--json"])
    assert filters.main() == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])[0]["ours_mb_s"] == 2.0


def test_both_sides_of_a_pipeline_keep_the_same_documents(pairs: Sequence[Pair]) -> None:
    theirs = Theirs(TEXTS, pairs, our_words=True)
    kept = [document.text for document in theirs.chain(theirs.documents())]
    (ours,) = Ours(batches(TEXTS), [pair.stage for pair in pairs]).chain()
    assert kept == ours.column("text").to_pylist() == [PROSE.removesuffix("\nNo mark at the end of this line")]


def test_every_run_of_ours_scans_anew(monkeypatch: pytest.MonkeyPatch, pairs: Sequence[Pair]) -> None:
    scanned: list[str] = []
    words = Scans.words

    def counted(self: Scans, definition: WordDefinition) -> Words:
        scanned.append(definition) if definition not in self._words else None
        return words(self, definition)

    monkeypatch.setattr(Scans, "words", counted)
    run = Ours(batches(TEXTS), [pair.stage for pair in pairs])
    run.every()
    run.every()
    assert scanned == ["whitespace", "whitespace"]


def test_a_run_is_repeated_until_it_has_taken_long_enough() -> None:
    runs: list[int] = []
    assert seconds_each(lambda: runs.append(1), least=0.02) > 0
    assert len(runs) > 10


def test_a_document_of_bytes_is_a_batch_of_one() -> None:
    batch = batch_of_one("caf\u00e9".encode())
    assert batch.column("text").to_pylist() == ["caf\u00e9"]
    assert batch.column("text").type == pa.large_string()


def test_a_long_document_is_cut_between_characters() -> None:
    assert cut("\u00e9".encode(), 5).decode() == "\u00e9\u00e9"
    assert cut(b"", 3) == b""


@pytest.mark.parametrize("name", HOSTILE)
def test_no_filter_raises_on_a_hostile_document(name: str, pairs: Sequence[Pair]) -> None:
    run = Ours([batch_of_one(HOSTILE[name](1000))], [pair.stage for pair in pairs])
    run.every()
    run.chain()
