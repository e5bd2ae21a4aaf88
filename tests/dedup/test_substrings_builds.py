"""Repeated substrings in real builds: the ledger, the books, and what must change nothing."""

import gzip
import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.audit.opened import open_folder
from pipelines.audit.stories import stories_of
from pipelines.dedup import substrings
from pipelines.dedup.substrings import DedupSubstrings
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.errors import BuildError, ManifestError
from pipelines.manifest import load_manifest
from pipelines.tokenizer_spec import TokenizerSpec, TrainOptions
from pipelines.tokens.encode import load_encoder
from pipelines.tokens.train import train_bpe
from tests.filters.real_texts import CORPUS, needs_corpus
from tests.filters.references.suffixes import copied_windows, in_characters, spans
from tests.helpers import build_here, lines_source, tasks_run, verdicts, write_lines, written

LICENCE = "Copies of this text may be made by anyone, as long as this notice stays as it is. "
WEB = [
    {"id": "a", "text": f"Alpha is the first letter. {LICENCE}"},
    {"id": "b", "text": f"{LICENCE}Beta, é, is the second letter."},
    {"id": "c", "text": LICENCE},
    {"id": "d", "text": "Gamma is the third letter."},
]
BOOKS = [{"id": "e", "text": f"{LICENCE}Delta is the fourth. {LICENCE}"}, {"id": "f", "text": ""}]


def manifest(folder: Path, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - options of the stage
    """Return a manifest over two sources, and write them."""
    for name, records in (("web", WEB), ("books", BOOKS)):
        for half in range(2):
            write_lines(folder / name / f"{half}.jsonl", records[half::2])
    sources = {name: lines_source(folder / name) for name in ("web", "books")}
    stage = {"min_length": 60, "max_loss": 1, **options}
    return {"name": "repeats", "sources": sources, "stages": [{"dedup_substrings": stage}, {"where": "chars >= 0"}]}


def ledger(out: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in verdicts(out).to_pylist()}


def left(out: Path) -> dict[str, int]:
    return {name: row["chars_out"] for name, row in ledger(out).items() if row["fate"] != "duplicate"}


def all_cuts(out: Path) -> list[list[int]]:
    tables = [pq.read_table(path, columns=["cuts"]) for path in sorted((out / "work" / "deltas").glob("*.parquet"))]
    return sorted(cuts for table in tables for cuts in table.column("cuts").to_pylist() if cuts)


def test_a_build_cuts_what_repeats_and_keeps_the_books(tmp_path: Path) -> None:
    out, size = tmp_path / "out", len(LICENCE)
    build_here(manifest(tmp_path / "in", keep=["books"]), out)
    rows = ledger(out)
    assert left(out) == {"a": len("Alpha is the first letter"), "b": 30, "d": 26, "e": size + 21, "f": 0}
    fallen = [rows["c"][name] for name in ("fate", "stage", "rule", "similarity", "kept_uid")]
    assert fallen == ["duplicate", "dedup_substrings", "no_text_left", 1.0, rows["e"]["uid"]]
    assert all_cuts(out) == [[0, size], [25, 27 + size], [size + 21, size + 21 + size]]


def test_documents_made_of_repetitions_are_dropped_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_here(manifest(tmp_path / "in", apply="drop", drop_share=0.7, keep=["web"]), out)
    rows = ledger(out)
    fallen = {name: row["rule"] for name, row in rows.items() if row["fate"] == "duplicate"}
    assert fallen == dict.fromkeys("bce", "repeated_substrings")
    assert {row["chars_in"] == row["chars_out"] for name, row in rows.items() if name not in fallen} == {True}
    assert all_cuts(out) == []


def test_a_source_that_is_exempt_loses_nothing(tmp_path: Path) -> None:
    build_here(manifest(tmp_path / "in", keep=["web"], exempt=["books"]), tmp_path / "out")
    assert left(tmp_path / "out")["e"] == len(BOOKS[0]["text"])


def test_why_tells_how_much_of_a_document_is_repeated(tmp_path: Path) -> None:
    build_here(manifest(tmp_path / "in", keep=["books"]), tmp_path / "out")
    (story,) = stories_of(open_folder(tmp_path / "out"), "c")
    assert story.reason == "dedup_substrings (no_text_left): a share of 1 of its characters is repeated too often"
    assert [survivor.id for survivor in story.survivors] == ["e"]


@pytest.mark.parametrize("scope", ["global", {"documents": 2}, {"documents": 1}])
def test_neither_partitions_nor_order_nor_spills_change_what_is_cut(tmp_path: Path, scope: object) -> None:
    tables = []
    for number, resources in enumerate((Resources(), Resources(partitions=7, spill_bytes=256, reverse=True))):
        out = tmp_path / f"out{number}"
        build_here(manifest(tmp_path / "in", scope=scope), out, Settings(address="none", resources=resources))
        tables.append((verdicts(out), all_cuts(out)))
    assert tables[0][0].equals(tables[1][0])
    assert tables[0][1] == tables[1][1]


def test_a_bucket_is_a_task_whatever_number_of_partitions_is_asked_for(tmp_path: Path) -> None:
    for asked in (None, 1, 7):
        out = tmp_path / f"out{asked}"
        wanted = manifest(tmp_path / "in", scope={"documents": 2})
        build_here(wanted, out, Settings(address="none", resources=Resources(partitions=asked)))
        assert len(tasks_run(out, "dedup_substrings 1: decide")) == 3


def test_a_scope_that_is_too_large_stops_the_build_before_its_texts_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(substrings, "MOST_BYTES", 100)
    header = DedupSubstrings.layout.dtype.itemsize
    texts = [record["text"].encode() for record in (*WEB, *BOOKS)]
    in_files = sum(header + len(text) for text in texts if len(text) >= 60)
    with pytest.raises(BuildError, match=rf"\.scope: {in_files:,} bytes .* at most 100 can be: write `scope: "):
        build_here(manifest(tmp_path / "in", scope="global"), tmp_path / "out")


def test_tokens_need_a_tokenizer_that_is_there_before_the_build(tmp_path: Path) -> None:
    wanted = manifest(tmp_path / "in", unit="tokens")
    wanted["tokenizer"] = {"train": {"vocab_size": 300}}
    with pytest.raises(ManifestError, match=r"stages\.0\.dedup_substrings.*write `tokenizer: FILE`.*or `unit: bytes`"):
        load_manifest(written(wanted, tmp_path / "out"))
    wanted = manifest(tmp_path / "in", tokenizer="tokenizer.json")
    with pytest.raises(ManifestError, match="a tokenizer is for `unit: tokens`"):
        load_manifest(written(wanted, tmp_path / "out"))
    wanted = manifest(tmp_path / "in", unit="tokens", tokenizer="missing.json")
    with pytest.raises(ManifestError, match=r"dedup_substrings\.tokenizer: 'missing.json': no such file"):
        load_manifest(written(wanted, tmp_path / "out"))


RANKED = (BOOKS[0], BOOKS[1], WEB[0], WEB[2], WEB[1], WEB[3])
"""By source, path, ordinal."""


@pytest.mark.parametrize("length", [3, 10])
def test_stretches_of_tokens_are_cut_at_their_bytes(tmp_path: Path, length: int) -> None:
    texts = [record["text"] for record in RANKED]
    options = TrainOptions(vocab_size=300)
    artifact = train_bpe(texts * 5, options)
    (tmp_path / "tokenizer.json").write_bytes(artifact)
    wanted = manifest(tmp_path / "in", unit="tokens", min_length=length, tokenizer=str(tmp_path / "tokenizer.json"))
    build_here(wanted, tmp_path / "out")
    encoder = load_encoder(artifact, TokenizerSpec(train=options, bos=False, eos=False))
    ids = [encoder.encode(pa.array([text], pa.large_string())).ids for text in texts]
    copies = copied_windows([each.tolist() for each in ids], length, first_stays=True)
    expected = {}
    for number, record in enumerate(RANKED):
        data = record["text"].encode()
        for start, end, _ in reversed(spans(copies, number, length)):
            sides = (len(encoder.token_bytes(ids[number][:side])) for side in (start, end))
            begin, behind = in_characters(record["text"].encode(), *sides)
            data = data[:begin] + data[behind:]
        expected[record["id"]] = len(data.decode())
    assert expected["c"] == 0
    assert expected["e"] < len(BOOKS[0]["text"])
    assert {name: row["chars_out"] or 0 for name, row in ledger(tmp_path / "out").items()} == expected


def test_a_file_that_is_no_byte_level_tokenizer_stops_the_build_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("no tokenizer")
    wanted = manifest(tmp_path / "in", unit="tokens", tokenizer=str(tmp_path / "list.txt"))
    with pytest.raises(BuildError, match=r"stages\.dedup_substrings: .*this is no tokenizer"):
        build_here(wanted, tmp_path / "out")


def peps(folder: Path, documents: int) -> dict[str, Any]:
    """Write some PEPs, of which there are two versions each, to three files; return their source."""
    with gzip.open(CORPUS / "neardup_gold" / "peps.docs.jsonl.gz", "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line, _ in zip(file, range(documents), strict=False)]
    for number in range(3):
        write_lines(
            folder / f"{number}.jsonl", [{key: each[key] for key in ("id", "text")} for each in records[number::3]]
        )
    return lines_source(folder)


def windows_left(texts: list[str], length: int, *, first_stays: bool) -> list[str]:
    """Return texts without what copied windows cover: the rule on real documents, by hashes of windows.

    Without the first: what `self-similar` and `collect` of google-research/deduplicate-text-datasets find, which groups
    equal windows, takes those of groups of two and more, and unites what they cover.
    """
    windows = [
        [hash(data[at : at + length]) for at in range(len(data) - length + 1)]
        for data in (text.encode() for text in texts)
    ]
    often = Counter(chain.from_iterable(windows))
    first: dict[int, tuple[int, int]] = {}
    kept = []
    for number, text in enumerate(texts):
        data, cut = text.encode(), [False] * len(text.encode())
        for at, window in enumerate(windows[number]):
            origin, begin = first.setdefault(window, (number, at))
            if (origin < number or begin + length <= at) if first_stays else often[window] > 1:
                cut[at : at + length] = [True] * length
        kept.append(_in_characters(data, cut))
    return kept


def _in_characters(data: bytes, cut: list[bool]) -> str:
    """Return the characters of which some byte stays."""
    kept, at = [], 0
    for char in data.decode():
        size = len(char.encode())
        kept += [char] if not all(cut[at : at + size]) else []
        at += size
    return "".join(kept)


@needs_corpus
@pytest.mark.parametrize("first_stays", [True, False])
def test_of_real_documents_goes_what_stood_before_or_as_published_whatever_repeats(
    tmp_path: Path, first_stays: bool
) -> None:
    source = peps(tmp_path / "in", 150)
    stage = {"dedup_substrings": {"scope": "global", "max_loss": 1, "first_stays": first_stays}}
    wanted = {"name": "peps", "sources": {"peps": source}, "stages": [stage, {"where": "chars > 0"}]}
    out = tmp_path / "out"
    build_here(wanted, out, Settings(address="none", resources=Resources(spill_bytes=100_000)))
    files = [file.read_text() for file in sorted((tmp_path / "in").iterdir())]
    texts = [json.loads(line)["text"] for file in files for line in file.splitlines()]
    expected = windows_left(texts, 500, first_stays=first_stays)
    found = verdicts(out).to_pylist()
    assert sum(len(text) for text in expected) < 0.95 * sum(len(text) for text in texts)
    assert [row["chars_out"] or 0 for row in found] == [len(text) for text in expected]
