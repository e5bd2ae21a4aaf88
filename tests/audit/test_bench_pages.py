"""The pages of a bench: what they say, that they fit, and that no document can do anything but be read."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from pipelines.audit.bench import Asked, bench
from pipelines.audit.bench_found import Bench
from pipelines.audit.bench_html import page
from pipelines.audit.bench_page import bar, print_bench
from pipelines.engine.session import Settings
from pipelines.manifest import load_manifest
from tests.helpers import lines_source, write_lines, written

WORDS = [f"{first}{second}" for first in "abcdefghijklmnop" for second in "aeiouy"]
HOSTILE = "\x1b[2J\x1b]0;title\x07 <script>alert(1)</script> [bold]x[/] \u202egnirts \x00 \r\x08 " + "y" * 1_000_000


def prose(chance: Random, count: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(count))


def found(
    folder: Path, records: dict[str, list[dict[str, Any]]], asked: Asked | None = None, **options: object
) -> Bench:
    for name, rows in records.items():
        write_lines(folder / name / "x.jsonl", rows)
    sources = {name: lines_source(folder / name) for name in records}
    wanted = {"name": "near", "sources": sources, "stages": [{"dedup_minhash": options}]}
    path = written(wanted, folder / "out")
    return bench(load_manifest(path), asked or Asked(None), Settings("none"))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return a bench of a template, copies, and hostile texts under hostile names."""
    folder, chance = tmp_path_factory.mktemp("pages"), Random(1)
    template = prose(chance, 60)
    fillings = [{"id": f"filling-{at}", "text": f"{template} {prose(chance, 60)}"} for at in range(8)]
    copies = [{"id": f"copy-{at}", "text": f"{template[:40]} same {template * 3} end {at}"} for at in range(4)]
    hostile = [
        {"id": f"\x1b[31m<b>&{at}", "text": f"{prose(Random(2), 300)} version-{at} {HOSTILE}{at}"} for at in range(2)
    ]
    records = {"a_source_of_a_long_name_that_must_break": fillings + copies, "rest": hostile}
    return found(folder, records, bands=40, rows=3, max_loss=0.4)


def printed(seen: Bench, width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        print_bench(console, seen)
    return captured.get()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_page_fits_and_shows_every_part(seen: Bench, width: int) -> None:
    shown = printed(seen, width)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    flat = " ".join(shown.split())
    for expected in (
        "40 bands of 3 rows over 5-grams",
        "jaccard 0.8: 100.0% of the pairs just at it are compared",
        "are less alike than 0.8: without verification they would count as duplicates",
        "components, before verification",
        "The largest components",
        "What each source would lose",
        "All of every source was read",
        "Caution: rest loses more than max_loss 0.4 allows",
        "would fall for the one on the left",
        "verification keeps both",
    ):
        assert expected in flat


def test_no_text_and_no_name_moves_the_cursor(seen: Bench) -> None:
    shown = printed(seen, 100)
    assert "\\x1b[31m<b>&0" in shown
    assert {char for char in shown if not char.isprintable()} == {"\n"}
    assert len(shown) < 100_000


def test_what_differs_is_told_without_colours(seen: Bench) -> None:
    (pair,) = (pair for pair in seen.verified if pair.right.source == "rest")
    shown = " ".join(printed(seen, 160).split())
    assert pair.contrast.stretches[0].left[1] == (True, "version-0")
    assert "[-version-0-]" in shown
    assert "{+version-1+}" in shown


def test_a_bar_is_as_long_as_its_part() -> None:
    assert [bar(part) for part in (0, 0.5, 1)] == ["", "\u2588" * 8, "\u2588" * 16]
    assert bar(1e-9) == "\u258f"


class Reader(HTMLParser):
    """Reads a page as a browser would: which tags and attributes there are, and whether each tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open += [tag] if tag != "meta" else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_for_a_browser_is_whole_and_asks_for_nothing(seen: Bench) -> None:
    html = page(seen)
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert not reader.tags & {"script", "img", "link", "iframe", "a"}
    assert not reader.attributes & {"src", "href", "onclick", "onload"}
    assert "http" not in html
    assert "url(" not in html
    assert {char for char in html if not char.isprintable()} == {"\n"}
    assert "<script>alert(1)</script>" in reader.text
    assert "\\x1b[31m<b>&0" in reader.text


def test_both_pages_say_the_same(seen: Bench) -> None:
    reader = Reader()
    reader.feed(page(seen))
    flat = " ".join(printed(seen, 200).split())
    for each in seen.sources:
        assert f"{each.documents:,}" in flat
        assert f"{each.lost:,}" in reader.text
    for pair in (*seen.verified, *seen.saved):
        assert f"similarity {pair.similarity:.4f}" in flat
        assert f"similarity {pair.similarity:.4f}" in reader.text
    for kind in ("pairs share a band", "would count as duplicates", "All of every source was read"):
        assert (kind in flat) == (kind in " ".join(reader.text.split()))


def test_a_sample_says_that_it_is_one(tmp_path: Path) -> None:
    rows = [{"id": str(at), "text": prose(Random(at), 30)} for at in range(50)]
    sampled = found(tmp_path, {"a": rows}, Asked(20))
    for shown in (" ".join(printed(sampled, 80).split()), page(sampled)):
        assert "on 20 records, a sample" in shown
        assert "nearly always loses more" in shown
        assert "No two documents share a band" in shown


def test_pairs_that_nobody_verifies_are_not_called_kept(seen: Bench) -> None:
    unverified = replace(seen, stage={**seen.stage, "verify": False})
    for shown in (" ".join(printed(unverified, 80).split()), page(unverified)):
        assert "not alike enough: with `verify: false` they count as duplicates" in shown
        assert "keeps both" not in shown


def test_programs_read_the_same_numbers(seen: Bench) -> None:
    read = msgspec.json.decode(msgspec.json.encode(seen))
    assert read["candidates"] == seen.candidates
    assert [each["lost"] for each in read["sources"]] == [each.lost for each in seen.sources]
    assert read["stage"]["bands"] == 40
    assert read["verified"][0]["contrast"]["stretches"]
