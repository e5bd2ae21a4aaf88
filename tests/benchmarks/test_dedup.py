"""The benchmark of near-duplicate removal runs, and all its sides dedup the same documents."""

import importlib
import importlib.metadata
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks import dedup, dedup_ours, dedup_runs
from benchmarks.dedup_documents import WARM, mostly_letters, rotated, write_copies, write_lines
from benchmarks.dedup_runs import BANDS, NGRAM, ROWS, Measured, bytes_below, count_lines, measure_dedup
from benchmarks.dedup_scale import BATCH, made_up, scaled

PAGE = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
ALIKE = [PAGE * 3 + "the end", PAGE * 3 + "the very end"]
OTHERS = [rotated("this page speaks of things that no other page has ever seen", places) for places in range(1, 7)]
RUN = Measured(kept=5, cpu_seconds=2.0, seconds=3.0, peak_bytes=1 << 20, rows_bytes=100)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    write_lines(tmp_path / "documents", [*OTHERS, *ALIKE])
    return tmp_path / "documents"


def peer(name: str) -> ModuleType:
    pytest.importorskip(name)
    return importlib.import_module(f"benchmarks.dedup_{name}")


def kept_texts(out: Path) -> set[str]:
    paths = (out / "kept").rglob("*.jsonl")
    return {json.loads(line)["text"] for path in paths for line in path.read_text().splitlines()}


def of_alike_one_stays(texts: set[str]) -> bool:
    return texts - set(ALIKE) == set(OTHERS) and len(texts & set(ALIKE)) == 1


@pytest.mark.parametrize("normalization", ["none", "datatrove"])
def test_ours_leaves_one_of_two_that_are_alike(documents: Path, tmp_path: Path, normalization: str) -> None:
    dedup_ours.dedup(documents, tmp_path / "out", normalization)
    assert of_alike_one_stays(kept_texts(tmp_path / "out"))


@pytest.mark.parametrize("words", ["own", "whitespace"])
def test_datatrove_leaves_one_of_two_that_are_alike(documents: Path, tmp_path: Path, words: str) -> None:
    pytest.importorskip("spacy")
    peer("datatrove").dedup(documents, tmp_path / "out", words)
    assert of_alike_one_stays(kept_texts(tmp_path / "out"))


def test_datasketch_leaves_one_of_two_that_are_alike(documents: Path, tmp_path: Path) -> None:
    peer("datasketch").dedup(documents, tmp_path / "out")
    assert of_alike_one_stays(kept_texts(tmp_path / "out"))


def test_what_ours_keeps_are_lines_of_the_input(documents: Path, tmp_path: Path) -> None:
    dedup_ours.dedup(documents, tmp_path / "out")
    for path in documents.glob("*.jsonl"):
        lines = path.read_bytes().splitlines()
        kept = (tmp_path / "out" / "kept" / path.name).read_bytes().splitlines()
        assert kept == [line for line in lines if line in kept]


def test_datasketch_s_shingles_are_runs_of_words() -> None:
    shingles_of = peer("datasketch").shingles_of
    assert set(shingles_of("a b c d e f")) == {b"a b c d e", b"b c d e f"}
    assert shingles_of("a  b\n") == [b"a b"]
    assert shingles_of(" \n") == []
    assert len(shingles_of("a " * (NGRAM + 3))) == 1


def test_the_first_run_is_not_measured(tmp_path: Path) -> None:
    seen: list[Path] = []

    def copy(documents: Path, out: Path) -> None:
        seen.append(documents)
        (out / "kept").mkdir(parents=True)
        (out / "kept" / "x.jsonl").write_text("{}\n" * 3)
        (out / "work" / "rows").mkdir(parents=True)
        (out / "work" / "rows" / "a").write_bytes(b"12345")

    got = measure_dedup(copy, tmp_path / "warm", tmp_path / "documents", tmp_path / "out")
    assert seen == [tmp_path / "warm", tmp_path / "documents"]
    assert (got.kept, got.rows_bytes) == (3, 5)
    assert 0 <= got.cpu_seconds < got.seconds + 1
    assert got.peak_bytes > 1 << 20


def test_a_module_that_fails_ends_the_benchmark_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="invalid literal"):
        dedup_runs.run_pinned("benchmarks.dedup_documents", tmp_path, "no number")


def test_lines_and_bytes_are_counted_below_a_folder(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "b", ["x", "\u00e9\n"])
    assert count_lines(tmp_path) == 2
    assert bytes_below(tmp_path) == sum(path.stat().st_size for path in (tmp_path / "a" / "b").iterdir())
    assert bytes_below(tmp_path / "none") == 0


def test_copies_have_the_same_bytes_and_share_no_run_of_words(tmp_path: Path) -> None:
    write_copies(tmp_path, [OTHERS[0], *ALIKE], 3)
    first, second, third = ([json.loads(line)["text"] for line in lines(tmp_path / f"{at:02d}")] for at in range(3))
    assert first == [rotated(text, 25) for text in second] == [rotated(text, 24) for text in third]
    assert runs_of(first)
    assert not runs_of(first) & runs_of(second)
    with pytest.raises(ValueError, match="27 copies"):
        write_copies(tmp_path / "more", ["x"], 27)


def runs_of(texts: list[str]) -> set[tuple[str, ...]]:
    split = [text.split() for text in texts]
    return {tuple(words[at : at + NGRAM]) for words in split for at in range(len(words) - NGRAM + 1)}


def lines(folder: Path) -> list[str]:
    return [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_texts_that_rotating_would_not_change_are_left_out() -> None:
    assert mostly_letters(["abc 1", "12345 a", "\u4e2d\u6587"]) == ["abc 1"]
    assert rotated("xyz ABC 1 \u00e9", 1) == "yza BCD 1 \u00e9"
    assert WARM > 0


def test_made_up_signatures_do_not_depend_on_how_they_are_cut() -> None:
    whole = made_up(0, 300)
    assert np.array_equal(np.concatenate([made_up(0, 100), made_up(100, 200)]), whole)
    assert whole.shape == (300, BANDS * ROWS)


def test_every_tenth_made_up_document_resembles_an_earlier_one() -> None:
    made = made_up(0, 1000)
    alike = [float((made[:at] == made[at]).mean(axis=1).max()) for at in range(1, 1000)]
    near = [each for each in alike if each > 0.3]
    assert 60 < len(near) < 140
    assert 0.75 < np.mean(near) < 0.95


def test_grouping_finds_most_of_what_was_made_alike(tmp_path: Path) -> None:
    seen = scaled(BATCH + 5000, tmp_path)
    assert seen.documents == BATCH + 5000
    assert 0.8 * 1500 < seen.edges < 4 * 1500
    assert seen.components < seen.members <= 2 * 1500
    assert seen.rows_bytes > seen.documents * BANDS * 20


def test_growth_is_the_large_over_the_small() -> None:
    row = dedup.growth_row([RUN, RUN], [replace(RUN, cpu_seconds=16.0, rows_bytes=820)])
    assert (row["time_ratio"], row["rows_ratio"]) == (8.0, 8.2)


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = {"stage": 200.0, "shingles": 300.0, "datatrove": 4.0, "datasketch": 5.0}
    answers: dict[str, Callable[[], object]] = {
        "benchmarks.dedup_documents": lambda: {"documents": 9, "bytes": 8_000_000},
        "benchmarks.dedup_signatures": lambda: speeds,
    }
    versions = {"datatrove": "1", "datasketch": "2", "spacy": "3"}
    monkeypatch.setattr(dedup, "run_pinned", lambda module, *_: json.dumps(answers[module]()))
    monkeypatch.setattr(dedup, "measured", lambda module, *_: replace(RUN, kept=6) if module == dedup.OURS else RUN)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: versions[name])


@pytest.mark.usefixtures("stubbed")
def test_the_command_prints_tables_and_a_last_line_of_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--json", "--rounds", "1"])
    assert dedup.main() == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["peer"] for row in rows[:3]] == [
        "datatrove 1, its steps, our words",
        "datatrove 1, its words",
        "datasketch 2",
    ]
    assert rows[0]["ours_mb_s"] == 4.0
    assert (rows[0]["documents"], rows[0]["ours_kept"], rows[0]["peer_kept"]) == (9, 6, 5)
    assert [(row["name"], row["ratio"]) for row in rows[3:]] == [
        (dedup.SIGNATURES, 50.0),
        (dedup.SIGNATURES, 40.0),
        (f"{dedup.SIGNATURES}: shingles", None),
    ]


def test_without_the_peers_the_command_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(sys, "argv", ["x"])
    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert dedup.main() == 2
    assert "datatrove is not installed" in capsys.readouterr().out
