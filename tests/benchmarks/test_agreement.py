"""Agreement with the originals on the first few documents of every source; the command compares more."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.agreement import __main__ as command
from benchmarks.agreement.comparison import Case, Subject, compare
from benchmarks.agreement.documents import SOURCES, Document, documents
from benchmarks.agreement.live import ITS_SPLITTERS, OUR_SPLITTERS, Ours, comparisons, measure
from benchmarks.agreement.pairs import PAIRS, gopher_quality
from benchmarks.agreement.peer import KEPT, ask, patched, splitter
from benchmarks.agreement.peers import PEERS
from benchmarks.agreement.probes import Probe
from tests.helpers import CORPUS

pytest.importorskip("datatrove")

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no real corpus at {CORPUS}")

PROSE = Document("prose", "The cat sat on the mat with the dog, and that was all there is to be said of it. " * 9)
HOSTILE = [
    Document(str(number), text) for number, text in enumerate(("", " \n", "\u2003", "#", "...", "a\x1cb", "-\n" * 40))
]


@pytest.fixture
def probe() -> Probe:
    return next(probe for probe in gopher_quality().probes if probe.signal == "word_count")


@needs_corpus
@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS)
def test_every_disagreement_with_a_peer_has_a_cause(peer: str) -> None:
    found = list(PEERS[peer](3))
    assert found
    assert all(row.documents >= 5 for row in found)
    assert [(row.signal, each) for row in found for each in row.unexplained] == []


@needs_corpus
def test_every_source_of_documents_is_there_and_its_first_ones_are_always_the_same() -> None:
    few = documents(2)
    assert {document.id.split("/")[0].removesuffix("_multilingual") for document in few} >= {"pile", "dolma", "prose"}
    assert len(few) == 2 * len(SOURCES)
    assert set(few) <= set(documents(4))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.__name__)
def test_with_our_splitters_datatrove_says_what_we_say_of_hostile_texts_or_raises(pair: Any) -> None:  # noqa: ANN401 - a factory
    found = [row for row in comparisons([pair()], [PROSE, *HOSTILE]) if row.peer == OUR_SPLITTERS]
    assert found
    assert [(row.signal, each) for row in found for each in row.unexplained] == []


def test_a_difference_of_words_is_named_where_the_filter_agrees_with_our_words() -> None:
    fifty = Document("50 words", "there that and " * 16 + "isn't of")  # spaCy makes two words of "isn't"
    found = list(comparisons([gopher_quality()], [Document("49 words", fifty.text.removesuffix(" of")), fifty]))
    (rule,) = [row for row in found if row.peer == ITS_SPLITTERS and row.ours == "decision"]
    assert [(each.id, each.theirs, each.ours, each.cause) for each in rule.disagreements] == [
        ("49 words", KEPT, "dropped", "word definition")
    ]


def test_a_probe_finds_the_number_of_a_filter_by_its_verdicts_alone(probe: Probe) -> None:
    pair = gopher_quality()
    with patched(pair.peer, pair.ours):
        assert probe.number(pair.peer, "one two three", 3) == 3
        assert probe.number(pair.peer, "one two three", 7) == 3


def test_what_is_patched_is_put_back_even_where_the_filter_raises() -> None:
    pair = gopher_quality()
    before = ask(pair.peer, PROSE.text)

    def broken(_text: str, _language: str) -> list[str]:
        raise OSError("no words today")

    with patched(pair.peer, {"split_into_words": broken, "min_doc_words": 10**6}):
        assert ask(pair.peer, PROSE.text).reason == "raises OSError"
    assert ask(pair.peer, PROSE.text) == before


def test_a_splitter_splits_a_text_once_while_it_is_asked_for_the_same() -> None:
    asked: list[str] = []

    def split(text: str) -> list[str]:
        asked.append(text)
        return text.split()

    once = splitter(split)
    assert [once("a b", "eng"), once("a b", "eng"), once("c", "eng")] == [["a", "b"], ["a", "b"], ["c"]]
    assert asked == ["a b", "c"]


def test_documents_are_measured_in_their_order() -> None:
    said = measure(gopher_quality().stage, [PROSE, Document("empty", "")])
    assert isinstance(said, Ours)
    assert said.rules == [KEPT, "min_word_count"]
    assert said.numbers["word_count"][1] == 0


@needs_corpus
def test_the_command_prints_a_table_and_everything_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(sys, "argv", ["x", "--documents", "1", "--only", "dolma", "--json", "--page", str(page)])
    assert command.main() == 0
    printed = capsys.readouterr().out
    assert "0 disagreements without a cause" in printed
    rows = json.loads(printed.splitlines()[-1])
    assert all(row["equal"] + len(row["disagreements"]) == row["documents"] for row in rows)
    assert page.read_text().startswith("| peer |")


def test_the_command_fails_where_a_disagreement_has_no_cause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    odd = compare(Subject("peer", "theirs", "ours"), [Case("0", "", 1, 2)])
    monkeypatch.setattr(command, "SHARED", tmp_path)
    monkeypatch.setattr(command, "PEERS", {"peer": lambda _limit: iter([odd])})
    monkeypatch.setattr(sys, "argv", ["x"])
    assert command.main() == 1
