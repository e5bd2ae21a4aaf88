"""A source that all but disappears in an exchange stops the build, be it its documents or its characters."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.engine.receipts import Receipt, receipts_below
from pipelines.engine.storage import open_storage
from pipelines.errors import MaxLoss
from tests.helpers import build_here, lines_source, verdicts, write_lines

NOTICE = "Copies of this text may be made by anyone, as long as this notice stays as it is. " * 3


def manifest(folder: Path, sources: dict[str, list[str]], stage: dict[str, Any]) -> dict[str, Any]:
    """Write the texts of sources, and return a manifest with one stage."""
    for name, texts in sources.items():
        write_lines(folder / name / "x.jsonl", [{"text": text} for text in texts])
    entries = {name: lines_source(folder / name) for name in sources}
    return {"name": "losses", "sources": entries, "stages": [stage, {"where": "chars >= 0"}]}


def repeated(own: list[str]) -> list[str]:
    return [f"{text} {NOTICE}" for text in own]


def home_receipts(out: Path) -> list[Receipt]:
    """Return what the tasks that took answers home have counted."""
    return [each for each in receipts_below(open_storage(out), "work/deltas") if "in" in each.counts]


TEXTS = {"a": [f"an own text, é, {NOTICE}"], "b": repeated([f"number {number}" for number in range(20)])}
SUBSTRINGS = {"min_length": 100, "scope": "global"}
LINES = {"unit": "three_sentences", "normalize": "none", "max_count": 1, "keep_count": 1, "scope": "global"}


def test_a_source_whose_characters_go_stops_the_build_though_all_its_documents_stay(tmp_path: Path) -> None:
    with pytest.raises(
        MaxLoss, match=r"cuts or drops 4,\d\d\d of the .* characters of source 'b' \(9\d\.\d%\), .*0\.9"
    ):
        build_here(manifest(tmp_path, TEXTS, {"dedup_substrings": SUBSTRINGS}), tmp_path / "out")


def test_a_loss_that_is_allowed_is_none(tmp_path: Path) -> None:
    allowed: list[dict[str, Any]] = [{"max_loss": 0.99}, {"exempt": ["b"]}, {"keep": ["b"], "max_loss": 0.95}]
    for number, stage in enumerate(allowed):
        out = tmp_path / f"out{number}"
        build_here(manifest(tmp_path, TEXTS, {"dedup_substrings": {**SUBSTRINGS, **stage}}), out)
        assert set(verdicts(out).column("fate").to_pylist()) == {"unused"}


def test_documents_count_too_where_they_are_short(tmp_path: Path) -> None:
    texts = {"a": ["the same short text"] * 20 + [f"a long text of its own: {'abcdefgh' * 200}"[:1000]]}
    wanted = manifest(tmp_path, texts, {"dedup_substrings": {"min_length": 15, "first_stays": True, "max_loss": 0.8}})
    with pytest.raises(MaxLoss, match="dedup_substrings drops 19 of the 21 documents of source 'a'"):
        build_here(wanted, tmp_path / "out")


def test_characters_do_not_count_where_nothing_is_cut(tmp_path: Path) -> None:
    texts = {"a": ["x" * 1000] * 2 + ["one", "two", "three"]}
    build_here(manifest(tmp_path, texts, {"dedup_exact": {"max_loss": 0.2}}), tmp_path / "out")
    assert verdicts(tmp_path / "out").column("fate").to_pylist().count("duplicate") == 1


@pytest.mark.parametrize("stage", [{"dedup_substrings": SUBSTRINGS}, {"dedup_lines": LINES}])
def test_characters_are_counted_as_they_are_cut(tmp_path: Path, stage: dict[str, dict[str, Any]]) -> None:
    ((name, options),) = stage.items()
    texts = {"a": [*TEXTS["a"], NOTICE], "b": TEXTS["b"]}
    build_here(manifest(tmp_path, texts, {name: {**options, "max_loss": 1}}), tmp_path / "out")
    ledger = verdicts(tmp_path / "out")
    homes = home_receipts(tmp_path / "out")
    assert sum(each.counts["chars_in"] for each in homes) == sum(ledger.column("chars_in").to_pylist())
    left = sum(chars or 0 for chars in ledger.column("chars_out").to_pylist())
    counted = sum(each.counts["chars_out"] for each in homes)
    separators = 2 * len(ledger) if name == "dedup_lines" else 1
    assert left - separators <= counted <= left + separators
