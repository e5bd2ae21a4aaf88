"""Duplicate lines: against the rule written out over all documents, and in real builds."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from filters.batch import batch_of
from pipelines.audit.opened import open_folder
from pipelines.audit.stories import stories_of
from pipelines.audit.stories_page import print_stories
from pipelines.dedup.exchanges import HOME, Documents, ExchangeStage, Settling, Standing
from pipelines.dedup.keys import CCNET_MARKS
from pipelines.dedup.lines import DedupLines
from pipelines.dedup.scope import BucketSize, buckets
from pipelines.engine.cutting import cut_texts
from pipelines.engine.exchange import Emitter, Rows, read_keys, read_partition
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.engine.storage import open_storage
from pipelines.errors import MaxLoss
from tests.helpers import CORPUS, build_here, lines_source, verdicts, write_lines

SOURCES = {"keeper": Standing(0, exempt=False), "plain": Standing(1, exempt=False), "safe": Standing(1, exempt=True)}
LINES = ["a", "bb", "A", "é", "", " ", "9", "8"]
TEXTS = st.lists(st.sampled_from(LINES), min_size=1, max_size=6).map("\n".join)
SIGMA = "\u03c3"
PARTS = st.lists(st.tuples(st.sampled_from(sorted(SOURCES)), st.lists(TEXTS, max_size=4)), min_size=1, max_size=4)


@dataclass(frozen=True)
class Left:
    """What is left of a document: its text, or None where it fell; and the share of its characters that was cut."""

    text: str | None
    share: float


def emitted(stage: DedupLines, number: int, part: tuple[str, list[str]]) -> Rows:
    """Return the rows of one split; a uid is the split's number times 100 and the row."""
    source, texts = part
    row = np.arange(len(texts))
    columns: dict[str, npt.NDArray[np.generic]] = {
        "row": row.astype(np.uint32),
        "uid": (row + 100 * number).astype(np.uint64),
    }
    signals = {"language": pa.array(["de" if "bb" in text else "en" for text in texts], pa.string())}
    return stage.emit(Documents(columns, pa.array(texts, pa.large_string()), signals), SOURCES[source])


def decide(stage: DedupLines, parts: Sequence[tuple[str, list[str]]], partitions: int) -> list[list[Left]]:
    """Run the exchange through files, take the answers home, and cut."""
    stage = stage.for_documents(sum(len(texts) for _, texts in parts))
    with TemporaryDirectory() as folder:
        storage = open_storage(folder)
        for number, part in enumerate(parts):
            with Emitter(storage, f"{number}.rows", stage.layout, spill_bytes=500) as emitter:
                emitter.add(emitted(stage, number, part))
        paths = [(number, f"{number}.rows") for number in reversed(range(len(parts)))]
        for at in range(partitions):
            with Emitter(storage, f"{at}.home", HOME) as emitter:
                emitter.add(stage.reduce(read_partition(storage, paths, at, partitions)))
        home = [(0, f"{at}.home") for at in range(partitions)]
        splits = [read_keys(storage, home, number << 32, (number + 1) << 32) for number in range(len(parts))]
    return [_left(stage.settle(rows), texts) for rows, (_, texts) in zip(splits, parts, strict=True)]


def _left(home: Rows, texts: list[str]) -> list[Left]:
    assert len(set(home["row"].tolist())) == len(home)
    spans: dict[int, list[int]] = defaultdict(list)
    for row, payload in zip(home["row"].tolist(), home.payloads().to_pylist(), strict=True):
        spans[row] = np.frombuffer(payload, "<u4").tolist()
    cuts = pa.array([spans[row] for row in range(len(texts))], pa.list_(pa.uint32()))
    cut = cut_texts(pa.array(texts, pa.large_string()), cuts).to_pylist()
    fell = set(home["row"][home["dropped"] != 0].tolist())
    share = dict(zip(home["row"].tolist(), home["similarity"].tolist(), strict=True))
    return [Left(None if row in fell else text, share.get(row, 0.0)) for row, text in enumerate(cut)]


def compared(stage: DedupLines, line: str) -> str:
    """Return the form in which these lines are compared."""
    if stage.normalize == "none":
        return line
    return (
        line.strip().lower() if stage.normalize == "lower" else line.strip().lower().replace("9", "0").replace("8", "0")
    )


def scope_of(stage: DedupLines, uid: int, text: str, documents: int) -> int | str:
    if isinstance(stage.scope, BucketSize):
        count = -(-documents // stage.scope.documents)
        return int(buckets(np.array([uid], np.uint64), count)[0])
    return "" if stage.scope == "global" else "de" if "bb" in text else "en"


def expected(stage: DedupLines, parts: Sequence[tuple[str, list[str]]]) -> list[list[Left]]:
    """Decide by looking at every line of every document; join the lines that stay."""
    documents = sum(len(texts) for _, texts in parts)
    places: dict[object, list[tuple[int, int, int, int]]] = defaultdict(list)
    for number, (source, texts) in enumerate(parts):
        for row, text in enumerate(texts):
            for at, line in enumerate(text.split("\n")):
                if line.strip() and len(line) >= stage.min_length:
                    key = scope_of(stage, 100 * number + row, text, documents), compared(stage, line)
                    places[key].append((SOURCES[source].position, number, row, at))
    cut = {
        place[1:]
        for group in places.values()
        if len(group) > stage.max_count
        for place in sorted(group)[stage.keep_count :]
        if not SOURCES[parts[place[1]][0]].exempt
    }
    return [
        [
            _expected_left(stage, text, {at for split, of, at in cut if (split, of) == (number, row)})
            for row, text in enumerate(texts)
        ]
        for number, (_, texts) in enumerate(parts)
    ]


def _expected_left(stage: DedupLines, text: str, cut: set[int]) -> Left:
    lines = text.split("\n")
    sizes = Counter({at: len(line) for at, line in enumerate(lines) if line.strip()})
    if not cut:
        return Left(text, 0.0)
    share = float(np.float32(sum(sizes[at] for at in cut) / sizes.total()))
    if stage.apply == "drop":
        return Left(None if share > np.float32(stage.drop_share) else text, share)
    if cut == set(sizes):
        return Left(None, share)
    kept = [line for at, line in enumerate(lines) if at not in cut]
    return Left("\n".join(kept), share)


@st.composite
def stages(draws: Any) -> DedupLines:  # noqa: ANN401 - hypothesis has no name for it
    options = {
        "normalize": st.sampled_from(["none", "lower", "ccnet"]),
        "min_length": st.integers(1, 2),
        "max_count": st.integers(1, 3),
        "keep_count": st.integers(0, 2),
        "scope": st.sampled_from(["global", ["language"], {"documents": 3}]),
        "apply": st.sampled_from(["cut", "drop"]),
        "drop_share": st.sampled_from([0.0, 0.5, 2 / 3, 1.0]),
    }
    return DedupLines(**draws(st.fixed_dictionaries(options)))


@settings(max_examples=100, deadline=None)
@given(stages(), PARTS, st.integers(1, 5))
def test_what_is_cut_is_what_the_rule_says(
    stage: DedupLines, parts: list[tuple[str, list[str]]], partitions: int
) -> None:
    assert decide(stage, parts, partitions) == expected(stage, parts)


def cut(texts: list[str], **options: Any) -> list[str | None]:  # noqa: ANN401 - options of the stage
    """Return what is left of documents of one source; where nothing else is said, of all but the first copy."""
    stage = DedupLines(**{"max_count": 1, "keep_count": 1, "scope": "global", **options})
    return [left.text for left in decide(stage, [("plain", texts)], 2)[0]]


def test_a_line_leaves_with_its_own_line_feed_wherever_it_stands() -> None:
    texts = ["x", "x\none", "one\nx\ntwo", "two\nx", "three\nx\nx", "x\nx\nfour", "\nx\nfive", "six\n\nx\n\nseven"]
    assert cut(texts, normalize="none") == ["x", "one", "two", None, "three", "four", "\nfive", "six\n\n\nseven"]


def test_carriage_returns_belong_to_their_line() -> None:
    assert cut(["x\r\na\r\n", "x\r\nb\r\n"]) == ["x\r\na\r\n", "b\r\n"]


def test_a_paragraph_leaves_with_the_blank_lines_before_it() -> None:
    texts = ["Read\nmore.", "One.\n\n\nread\nmore.\n\nTwo.", "Read\nmore.\n \nThree.", "Four.\n\nRead\nmore.\n"]
    left = cut(texts, unit="paragraph", normalize="lower")
    assert left == ["Read\nmore.", "One.\n\nTwo.", "Three.", "Four.\n"]


def test_of_a_span_of_three_sentences_one_copy_stays() -> None:
    texts = ["One. Two. Three. Four.", "Zero! One. Two. Three. Five?", "One. Two. Six."]
    left = cut(texts, unit="three_sentences", normalize="none")
    assert left == ["One. Two. Three. Four.", "Zero! Five?", "One. Two. Six."]


def test_spans_that_overlap_are_cut_as_one() -> None:
    texts = ["A. B. C. D. E.", "Z. A. B. C. D. E. Y."]
    stage = DedupLines(unit="three_sentences", normalize="none", max_count=1, keep_count=1, scope="global")
    first, second = decide(stage, [("plain", texts)], 3)[0]
    assert first.text == texts[0]
    assert second == Left("Z. Y.", float(np.float32(10 / 14)))


def test_by_llama_the_seventh_copy_of_a_line_cuts_them_all() -> None:
    stage = DedupLines()
    for copies, left in ((6, "menu\nown"), (7, "own")):
        texts = [f"menu\nown {chr(97 + at)}" for at in range(copies)]
        found = decide(stage, [("plain", texts)], 2)[0]
        assert [each.text for each in found] == [f"{left} {chr(97 + at)}" for at in range(copies)]


def test_repetitions_within_one_document_count() -> None:
    assert cut(["x\na\nx\nb"], keep_count=0) == ["a\nb"]
    assert cut(["x\na\nx\nb"]) == ["x\na\nb"]


def test_equal_halves_of_a_key_are_not_equal_keys() -> None:
    stage = DedupLines(max_count=1, scope="global")
    rows = emitted(stage, 0, ("plain", ["x", "x"]))
    assert len(stage.reduce(rows.of_split(0))) == 2
    header = rows.header.copy()
    header["low"][1] += np.uint64(1)
    assert len(stage.reduce(Rows(header, rows.payload).of_split(0))) == 0


def test_the_stage_is_an_exchange_that_settles_and_measures_nothing() -> None:
    stage = DedupLines()
    assert isinstance(stage, ExchangeStage)
    assert isinstance(stage, Settling)
    outcome = stage(batch_of(["a"]))
    assert (outcome.rule, outcome.text, dict(outcome.columns)) == (None, None, {})


def test_the_rule_says_why_a_document_falls() -> None:
    assert [DedupLines(apply=way).rule for way in ("cut", "drop")] == ["no_lines_left", "repeated_lines"]


WEB = [
    {"id": "a", "text": "Home\nAbout us\nAlpha is the first letter.\n\nSubscribe"},
    {"id": "b", "text": "HOME\nBeta is the second letter.\nSubscribe"},
    {"id": "c", "text": "home\nsubscribe"},
    {"id": "d", "text": "Gamma is the third letter, é."},
]
BOOKS = [{"id": "e", "text": "Subscribe\nDelta is the fourth letter."}, {"id": "f", "text": "Home\nSubscribe"}]


def manifest(folder: Path, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - options of the stage
    """Return a manifest over two sources, and write them."""
    for name, records in (("web", WEB), ("books", BOOKS)):
        for half in range(2):
            write_lines(folder / name / f"{half}.jsonl", records[half::2])
    sources = {name: lines_source(folder / name) for name in ("web", "books")}
    stage = {"max_count": 1, "keep_count": 1, "scope": "global", **options}
    return {"name": "lines", "sources": sources, "stages": [{"dedup_lines": stage}, {"where": "chars > 0"}]}


def ledger(out: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in verdicts(out).to_pylist()}


def all_cuts(out: Path) -> list[list[int]]:
    """Return what the ledger says was cut."""
    paths = (out / "ledger" / "signals").rglob("*.parquet")
    tables = [pq.read_table(path, columns=["cut:dedup_lines"]) for path in paths]
    return sorted(cuts for table in tables for cuts in table.column("cut:dedup_lines").to_pylist() if cuts)


def test_a_build_cuts_lines_and_keeps_the_books(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_here(manifest(tmp_path / "in", keep=["books"]), out)
    rows = ledger(out)
    left = {name: row["chars_out"] for name, row in rows.items() if row["fate"] != "duplicate"}
    texts = {"a": "About us\nAlpha is the first letter.\n", "b": "Beta is the second letter.", "d": WEB[3]["text"]}
    texts |= {"e": BOOKS[0]["text"], "f": "Home"}
    assert left == {name: len(text) for name, text in texts.items()}
    fallen = rows["c"]
    assert [fallen[name] for name in ("fate", "stage", "rule")] == ["duplicate", "dedup_lines", "no_lines_left"]
    assert (fallen["similarity"], fallen["cluster_size"]) == (1.0, None)
    assert all_cuts(out) == [[0, 5, 31, 41], [0, 5, 41, 51], [4, 14]]


def test_a_document_that_nobody_stands_for_has_no_survivor(tmp_path: Path) -> None:
    for keep_count, fallen in ((0, {"c", "f"}), (1, {"c"})):
        out = tmp_path / f"out{keep_count}"
        build_here(manifest(tmp_path / "in", keep=["books"], keep_count=keep_count), out)
        rows = ledger(out)
        assert {name for name, row in rows.items() if row["fate"] == "duplicate"} == fallen
        assert [rows[name]["kept_uid"] is None for name in sorted(fallen)] == [keep_count == 0] * len(fallen)
        assert keep_count == 0 or rows["c"]["kept_uid"] == rows["f"]["uid"]


def test_why_tells_how_much_of_a_document_is_repeated(tmp_path: Path) -> None:
    build_here(
        manifest(tmp_path / "in", keep_count=0, apply="drop", drop_share=0.2, exempt=["books"]), tmp_path / "out"
    )
    (story,) = stories_of(open_folder(tmp_path / "out"), "b")
    assert story.reason == "dedup_lines (repeated_lines): a share of 0.33333334 of its characters is repeated too often"
    assert story.survivors == ()


def test_why_tells_what_was_cut_of_a_document_and_by_which_stage(tmp_path: Path) -> None:
    wanted = manifest(tmp_path / "in", keep=["books"])
    wanted["stages"].insert(
        1, {"dedup_lines": {"max_count": 1, "keep_count": 1, "min_length": 10, "unit": "paragraph"}}
    )
    build_here(wanted, tmp_path / "out")
    (story,) = stories_of(open_folder(tmp_path / "out"), "b")
    text = next(record["text"] for record in WEB if record["id"] == "b").encode()
    assert story.cuts == {"dedup_lines": [(0, 5), (31, 41)]}
    assert "cut:dedup_lines" not in story.signals
    left = "".join(text[start:end].decode() for start, end in [(5, 31), (41, len(text))])
    assert len(left) == story.verdict.chars_out
    page = StringIO()
    print_stories(Console(width=200, file=page), [story])
    assert "by dedup_lines: 15 bytes in 2 places: 0..5, 31..41" in page.getvalue()


def test_documents_made_of_repeated_lines_are_dropped_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_here(manifest(tmp_path / "in", keep_count=0, apply="drop", drop_share=0.5, exempt=["books"]), out)
    rows = ledger(out)
    assert {name: row["rule"] for name, row in rows.items() if row["fate"] == "duplicate"} == {"c": "repeated_lines"}
    assert {row["chars_in"] == row["chars_out"] for name, row in rows.items() if name != "c"} == {True}
    assert all_cuts(out) == []


def test_neither_partitions_nor_order_nor_spills_change_what_is_cut(tmp_path: Path) -> None:
    tables = []
    for number, resources in enumerate((Resources(), Resources(partitions=7, spill_bytes=256, reverse=True))):
        out = tmp_path / f"out{number}"
        build_here(manifest(tmp_path / "in"), out, Settings(address="none", resources=resources))
        tables.append((verdicts(out), all_cuts(out)))
    assert tables[0][0].equals(tables[1][0])
    assert tables[0][1] == tables[1][1]


def test_a_source_that_all_but_disappears_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(MaxLoss, match="'books'"):
        build_here(manifest(tmp_path / "in", keep_count=0, max_loss=0.4), tmp_path / "out")


@pytest.mark.skipif(not CORPUS.exists(), reason="needs the real pages of ../shared/corpus")
def test_real_pages_lose_the_lines_that_ccnet_would_remove_and_no_other() -> None:
    table = pq.read_table(CORPUS / "refinedweb" / "train-00000-of-00002.parquet", columns=["content"])
    texts: list[str] = table.column("content").to_pylist()
    seen = Counter(normalize_for_dedup(line) for text in texts for line in text.split("\n"))
    del seen[""]
    expected_texts = [
        "\n".join(line for line in text.split("\n") if seen[normalize_for_dedup(line)] < 2) for text in texts
    ]
    left = cut(texts, keep_count=0)
    assert sum(text != original for text, original in zip(left, texts, strict=True)) > 20
    for found, wanted in zip(left, expected_texts, strict=True):
        assert found == wanted or (found is None and not wanted.strip())


def normalize_for_dedup(line: str) -> str:
    """Return what CCNet compares (cc_net/text_normalizer.py); where that is nothing, it cuts the line and we do not."""
    lower = line.strip().lower().replace("ς", SIGMA)
    return re.sub(f"[{re.escape(CCNET_MARKS)}\0-\x1f\x7f-\x9f]", "", re.sub(r"\d", "0", lower))
