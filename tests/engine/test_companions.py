"""Companions in builds: what is joined, what is counted, and what is made again when one of them changes."""

import gzip
import os
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipelines.audit.beside import Beside
from pipelines.audit.changes import Change
from pipelines.audit.opened import open_folder
from pipelines.audit.preview import preview
from pipelines.audit.report import print_summary
from pipelines.engine.inputs import plan_splits
from pipelines.engine.lock import Made, lock_of, read_lock, write_lock
from pipelines.engine.pieces import source_pieces
from pipelines.engine.plan import make_plan
from pipelines.engine.session import Settings, build
from pipelines.engine.storage import open_storage
from pipelines.errors import ManifestError, SourceChanged
from pipelines.manifest import load_manifest
from tests.helpers import CORPUS, build_here, digest, final_texts, job_here, tasks_run, verdicts, write_lines, written
from tests.sources.helpers import needs_corpus, plain_rows
from tests.sources.published import (
    ids_of,
    minhash_table,
    write_attributes,
    write_documents,
    write_duplicates,
    write_minhash,
)

TEXT = "the mill of the gods grinds slowly, and that is how it has to be with mills "


@pytest.fixture
def dolma(tmp_path: Path) -> Path:
    """Write two files of five documents each, with a score and a span of each."""
    for name in ("one", "two"):
        documents = [{"id": f"{name}{number}", "text": f"{number} {name} {TEXT}"} for number in range(5)]
        write_attributes(tmp_path / "documents" / f"{name}.json.gz", documents)
        rows = [{"id": f"{name}{number}", "attributes": {"x": [[0, 2, number / 4]]}} for number in range(5)]
        write_attributes(tmp_path / "attributes" / "tag" / f"{name}.json.gz", rows)
    return tmp_path


def manifest(folder: Path, stages: list[Any] | None = None, **source: object) -> dict[str, Any]:
    entry = {"format": "dolma", "path": f"{folder}/documents/*", "attributes": {"tag": ["x"]}, **source}
    return {"name": "n", "sources": {"d": entry}, "stages": stages or []}


def fates(out: Path) -> dict[str, str]:
    table = verdicts(out)
    return dict(zip(table.column("id").to_pylist(), table.column("fate").to_pylist(), strict=True))


def records_of(folder: Path) -> pa.Table:
    job = job_here(manifest(folder), folder / "out")
    splits = plan_splits(job.manifest.sources, job.manifest.split_bytes)
    return pa.concat_tables([piece.records for split in splits for piece in source_pieces(job, split)])


# --- what is joined


def test_scores_choose_documents_where_they_are_read_and_in_stages(dolma: Path) -> None:
    summary = build_here(manifest(dolma, [{"where": "sum(x) < 1"}], where="max(x) >= 0.5"), dolma / "out")
    found = fates(dolma / "out")
    assert [found[f"one{number}"] for number in range(5)] == ["unselected"] * 2 + ["unused"] * 2 + ["dropped"]
    assert summary.beside == [Beside("d", "tag", 10, 0, 0, 0, 0)]


@needs_corpus
def test_published_duplicates_are_not_selected(tmp_path: Path) -> None:
    source = {"format": "redpajama_v2", "path": f"{CORPUS}/redpajama_v2/documents/**/*.gz", "duplicates": True}
    whole = {"name": "n", "sources": {"rp": {**source, "where": "not duplicate"}}}
    build_here(whole, tmp_path / "out")
    files = (CORPUS / "redpajama_v2" / "duplicates").rglob("*.parquet")
    listed = {each for file in files for each in pq.read_table(file).column("doc_id").to_pylist()}
    assert {name for name, fate in fates(tmp_path / "out").items() if fate == "unselected"} == listed
    assert len(listed) == 19
    build_here({"name": "n", "sources": {"rp": {**source, "select": {"duplicate": False}}}}, tmp_path / "selected")
    assert fates(tmp_path / "selected") == fates(tmp_path / "out")


@needs_corpus
def test_published_quality_signals_are_numbers_of_documents(tmp_path: Path) -> None:
    source = {"format": "redpajama_v2", "path": f"{CORPUS}/redpajama_v2/documents/**/en_head.json.gz"}
    signals = {"words": "rps_doc_word_count", "bullets": "rps_lines_start_with_bulletpoint"}
    conditions = "max(words) between 100 and 1000 and mean(bullets) < 0.1"
    sources = {"rp": {**source, "quality_signals": signals, "where": conditions}}
    build_here({"name": "n", "sources": sources}, tmp_path / "out")
    (file,) = (CORPUS / "redpajama_v2" / "quality_signals").rglob("en_head.signals.json.gz")
    kept = {name for name, fate in fates(tmp_path / "out").items() if fate != "unselected"}
    assert kept == {row["id"] for row in plain_rows(file) if _good(row["quality_signals"])}
    assert 0 < len(kept) < 44


def _good(signals: dict[str, list[list[float]]]) -> bool:
    ((_, _, words),) = signals["rps_doc_word_count"]
    bullets = [score for _, _, score in signals["rps_lines_start_with_bulletpoint"]]
    return 100 <= words <= 1000 and sum(bullets) / len(bullets) < 0.1


def test_plain_lines_that_are_cut_into_ranges_are_joined_by_id(dolma: Path) -> None:
    for file in (dolma / "documents").glob("*.gz"):
        (dolma / "documents" / file.name).write_bytes(gzip.decompress(file.read_bytes()))
    job = job_here({**manifest(dolma), "split_bytes": 120}, dolma / "out")
    splits = plan_splits(job.manifest.sources, 120)
    assert len(splits) > 6
    records = pa.concat_tables([piece.records for split in splits for piece in source_pieces(job, split)])
    assert records.column("x").to_pylist() == [[number / 4] for number in range(5)] * 2
    summary = build_here({**manifest(dolma), "split_bytes": 120}, dolma / "out")
    assert summary.beside == [Beside("d", "tag", 10, 0, 0, 0, 0)]


def test_spans_are_cut_and_the_text_can_be_looked_at_again(dolma: Path) -> None:
    wanted = manifest(dolma, [{"replace_spans": {"spans": [{"field": "x", "min_score": 0.5}]}}, "normalize"])
    build_here(wanted, dolma / "out")
    opened = open_folder(dolma / "out")
    expected = [f"{number} one {TEXT}" for number in range(2)] + [f"one {TEXT}"] * 3
    assert list(final_texts(opened, opened.splits[0], range(5)).values()) == expected
    (seen,) = preview(load_manifest(written(wanted, dolma / "out")), 10)
    assert [type(note) for document in seen.documents[:5] for note in document.notes] == [Change] * 3
    assert verdicts(dolma / "out").column("chars_out").to_pylist()[:5] == [len(text) for text in expected]


# --- what is missing or broken


def test_documents_without_a_companion_go_on_without_and_are_counted(dolma: Path) -> None:
    (dolma / "attributes" / "tag" / "two.json.gz").unlink()
    summary = build_here(manifest(dolma, [{"where": "max(x) >= 0 or x is null"}]), dolma / "out")
    assert set(fates(dolma / "out").values()) == {"unused"}
    assert summary.beside == [Beside("d", "tag", 10, 5, 0, 1, 0)]
    assert records_of(dolma).column("x").to_pylist()[5:] == [None] * 5


def test_rows_of_other_documents_are_nobodys(dolma: Path) -> None:
    rows = [{"id": f"other{number}", "attributes": {"x": 1}} for number in range(4)]
    write_attributes(dolma / "attributes" / "tag" / "two.json.gz", [*rows, {"id": "two0", "attributes": {"x": 7}}])
    summary = build_here(manifest(dolma), dolma / "out")
    assert summary.beside == [Beside("d", "tag", 10, 4, 4, 0, 0)]
    assert records_of(dolma).column("x").to_pylist()[5:] == [[7.0], None, None, None, None]


def test_a_companion_that_breaks_off_counts_as_far_as_it_goes(dolma: Path) -> None:
    path = dolma / "attributes" / "tag" / "one.json.gz"
    whole = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(whole[:110])[:-8])
    (beside,) = build_here(manifest(dolma), dolma / "out").beside
    assert (beside.without, beside.broken) == (3, 1)
    assert beside.problem.startswith("one.json.gz: gzip: truncated after")


def test_the_end_of_a_build_says_what_lay_beside_and_what_is_wrong_with_it(dolma: Path) -> None:
    (dolma / "attributes" / "tag" / "two.json.gz").write_bytes(b"\x1f\x8b")
    console = Console(record=True, width=100, file=StringIO())
    print_summary(console, build_here(manifest(dolma), dolma / "out"), "out")
    said = console.export_text()
    assert "What lay beside the documents" in said
    assert ["d", "tag", "10", "5", "0", "0", "1"] in [line.split() for line in said.splitlines()]
    assert "d: two.json.gz: gzip: truncated" in said


def test_a_bucket_without_a_list_of_duplicates_is_not_known_to_hold_any(tmp_path: Path) -> None:
    tail = "2023-06/0000/en_tail"
    write_duplicates(tmp_path, [write_documents(tmp_path, ["a", "b"])[1]])
    write_documents(tmp_path, ["c"], tail)
    source = {"format": "redpajama_v2", "path": f"{tmp_path}/documents/**/*.gz", "duplicates": True}
    wheres = {"strict": "not duplicate", "loose": "duplicate is null or not duplicate"}
    sources = {name: {**source, "where": where} for name, where in wheres.items()}
    summary = build_here({"name": "n", "sources": sources}, tmp_path / "out")
    table = verdicts(tmp_path / "out").to_pylist()
    kept = {(row["source"], row["id"]) for row in table if row["fate"] == "unused"}
    head, last = ids_of(1)[0], ids_of(1, tail)[0]
    assert kept == {("strict", head), ("loose", head), ("loose", last)}
    assert [each.missing for each in summary.beside] == [1, 1]


def test_ids_of_duplicates_that_no_document_has_are_counted(tmp_path: Path) -> None:
    write_documents(tmp_path, ["a", "b"])
    write_duplicates(tmp_path, ["s3://elsewhere/0", "s3://elsewhere/1", "s3://elsewhere/2"])
    source = {"format": "redpajama_v2", "path": f"{tmp_path}/documents/**/*.gz", "duplicates": True}
    summary = build_here({"name": "n", "sources": {"rp": source}}, tmp_path / "out")
    assert summary.beside == [Beside("rp", "duplicates", 2, 0, 3, 0, 0)]


# --- identity


def test_a_changed_companion_makes_its_own_documents_new_and_no_others(dolma: Path) -> None:
    wanted = manifest(dolma, [{"where": "max(x) >= 0.5 and word_count > 3"}])
    build_here(wanted, dolma / "out")
    before = digest(dolma / "out")
    assert len(tasks_run(dolma / "out", "pass 1 of 1")) == 2
    build_here(wanted, dolma / "out")
    assert len(tasks_run(dolma / "out", "pass 1 of 1")) == 2
    rows = [{"id": f"two{number}", "attributes": {"x": 1}} for number in range(5)]
    write_attributes(dolma / "attributes" / "tag" / "two.json.gz", rows)
    build_here(wanted, dolma / "out")
    assert len(tasks_run(dolma / "out", "pass 1 of 1")) == 3
    assert [fates(dolma / "out")[f"two{number}"] for number in range(5)] == ["unused"] * 5
    assert digest(dolma / "out") != before


def test_a_companion_that_comes_later_is_found(dolma: Path) -> None:
    path = dolma / "attributes" / "tag" / "two.json.gz"
    path.rename(dolma / "kept")
    build_here(manifest(dolma), dolma / "out")
    (dolma / "kept").rename(path)
    summary = build_here(manifest(dolma), dolma / "out")
    assert summary.beside == [Beside("d", "tag", 10, 0, 0, 0, 0)]
    assert len(tasks_run(dolma / "out", "pass 1 of 1")) == 3


def test_a_companion_that_changes_under_a_build_stops_it(dolma: Path) -> None:
    job = job_here(manifest(dolma), dolma / "out")
    first, second = plan_splits(job.manifest.sources, 10**9)
    os.utime(dolma / "attributes" / "tag" / "one.json.gz", ns=(1, 1))
    with pytest.raises(SourceChanged, match=r"attributes/tag/one\.json\.gz changed"):
        next(iter(source_pieces(job, first)))
    pieces = iter(source_pieces(job, second))
    next(pieces)
    (dolma / "attributes" / "tag" / "two.json.gz").unlink()
    with pytest.raises(SourceChanged, match=r"attributes/tag/two\.json\.gz changed"):
        next(pieces)


def test_where_companions_lie_is_no_part_of_an_identity(dolma: Path) -> None:
    shutil.copytree(dolma / "attributes" / "tag", dolma / "elsewhere")
    build_here(manifest(dolma), dolma / "out")
    before = digest(dolma / "out")
    for path in (dolma / "attributes" / "tag").iterdir():
        path.unlink()
    build_here(manifest(dolma, folders={"tag": f"{dolma}/elsewhere"}), dolma / "out")
    assert digest(dolma / "out") == before
    assert len(tasks_run(dolma / "out", "pass 1 of 1")) == 2


def test_a_lock_knows_the_companions(dolma: Path) -> None:
    (dolma / "attributes" / "tag" / "two.json.gz").unlink()
    job = job_here(manifest(dolma), dolma / "out")
    plan = make_plan(job.manifest)
    write_lock(job, lock_of(job, plan, Made()))
    assert read_lock(job.storage).planned_splits() == plan.splits
    assert [[file.identity is not None for file in split.file.beside] for split in plan.splits] == [[True], [False]]


def test_companions_are_found_in_a_bucket(dolma: Path, s3: str) -> None:
    storage = open_storage(s3)
    (dolma / "attributes" / "tag" / "two.json.gz").unlink()
    for path in dolma.rglob("*.gz"):
        storage.put(path.relative_to(dolma).as_posix(), path.read_bytes())
    job = job_here(manifest(dolma, path=f"{s3}/documents/*"), dolma / "out")
    one, two = plan_splits(job.manifest.sources, 10**9)
    pieces = [*source_pieces(job, one), *source_pieces(job, two)]
    assert [piece.records.column("x").to_pylist() for piece in pieces] == [[[n / 4] for n in range(5)], [None] * 5]


# --- refusals


def refusal(folder: Path, wanted: dict[str, Any]) -> ManifestError:
    with pytest.raises(ManifestError) as refused:
        load_manifest(written(wanted, folder / "out"))
    return refused.value


def test_a_companion_that_no_document_file_has_is_refused(dolma: Path) -> None:
    error = refusal(dolma, manifest(dolma, attributes={"tag": ["x"], "gopher": ["y"]}))
    assert error.key == "sources.d.attributes.gopher"
    assert f"there is no {dolma}/attributes/gopher/one.json.gz" in error.remedy
    assert "folders: {gopher: some/folder}" in error.remedy


def test_companions_beside_no_folder_of_documents_are_refused(dolma: Path) -> None:
    (dolma / "documents").rename(dolma / "texts")
    wanted = manifest(dolma, path=f"{dolma}/texts/*")
    error = refusal(dolma, wanted)
    assert (error.key, "no folder called `documents`" in error.remedy) == ("sources.d.attributes.tag", True)
    wanted["sources"]["d"]["folders"] = {"tag": f"{dolma}/attributes/tag"}
    assert build_here(wanted, dolma / "out").beside == [Beside("d", "tag", 10, 0, 0, 0, 0)]


SPANS = {"replace_spans": {"spans": ["x"]}}
STAGES: dict[str, tuple[list[Any], str, str]] = {
    "bands that a source does not carry": (
        [{"dedup_minhash": {"published": "signature_sim0.8"}}],
        "stages.0.dedup_minhash.published",
        "source 'd' does not carry these bands; its format has none, or name the sources that do in `on`",
    ),
    "bands of other numbers": (
        [{"dedup_minhash": {"published": "signature_sim0.8", "rows": 8}}],
        "stages.0.dedup_minhash",
        "signature_sim0.8 was published with rows: 13",
    ),
    "bands that nobody publishes": (
        [{"dedup_minhash": {"published": "signature_sim0.5"}}],
        "stages.0.dedup_minhash.published",
        "signature_sim0.7",
    ),
    "spans that a source does not carry": (
        [{"replace_spans": {"spans": ["xx"]}}],
        "stages.0.replace_spans.spans",
        "did you mean 'x'?",
    ),
    "spans of a text that is gone": (["normalize", SPANS], "stages.1.replace_spans.spans", "before 'normalize'"),
    "spans of a text that they changed": ([SPANS, SPANS], "stages.1.replace_spans.spans", "before 'replace_spans'"),
    "a list of scores as a number": ([{"where": "x > 1"}], "stages.0.where", "max(x)"),
    "spans in an expression": ([{"where": "x:spans is null"}], "stages.0.where", "':'"),
    "a list of scores as a scope": ([{"dedup_exact": {"scope": ["x"]}}], "stages.0.dedup_exact.scope", "one value"),
}


@pytest.mark.parametrize(("stages", "key", "remedy"), STAGES.values(), ids=STAGES)
def test_stages_that_ask_for_what_is_not_there_are_refused(
    dolma: Path, stages: list[Any], key: str, remedy: str
) -> None:
    error = refusal(dolma, manifest(dolma, stages))
    assert error.key == key
    assert remedy in str(error)


def test_bands_are_refused_with_the_option_that_carries_them(tmp_path: Path) -> None:
    write_documents(tmp_path, ["a"])
    source = {"format": "redpajama_v2", "path": f"{tmp_path}/documents/**/*.gz"}
    wanted = {"name": "n", "sources": {"rp": source}, "stages": [{"dedup_minhash": {"published": "signature_sim0.9"}}]}
    assert "write minhash: [signature_sim0.9] there" in str(refusal(tmp_path, wanted))


def test_a_condition_on_a_listing_needs_the_listing(tmp_path: Path) -> None:
    write_lines(tmp_path / "documents" / "x" / "y" / "z.json", [{"raw_content": "a"}])
    source = {"format": "redpajama_v2", "path": f"{tmp_path}/documents/**", "where": "not duplicate"}
    assert refusal(tmp_path, {"name": "n", "sources": {"rp": source}}).key == "sources.rp.where"


def test_the_manifest_of_the_page_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[2] / "docs" / "companions.md"
    (tmp_path / "page.yaml").write_text(page.read_text().split("```yaml")[1].split("```")[0])
    texts = [f"{' '.join(f'word{number}' for number in range(60))} {row // 2}" for row in range(6)]
    _publish(tmp_path / "data" / "rp2", texts)
    folder = tmp_path / "data" / "dolma"
    write_attributes(folder / "documents" / "0.json.gz", [{"id": "a", "text": "One.\nme@x.org\nOne.\n"}])
    repeated = {"bff_duplicate_paragraph_spans": [[14, 19, 1]]}
    write_attributes(folder / "attributes" / "dedupe_paragraphs" / "0.json.gz", [{"id": "a", "attributes": repeated}])
    emails = {"pii": {"email": [[5, 13, 0.9]]}}
    write_attributes(folder / "attributes" / "pii" / "0.json.gz", [{"id": "a", "attributes": emails}])
    monkeypatch.chdir(tmp_path)
    build(load_manifest("page.yaml"), tmp_path / "out", Settings("none"))
    table = verdicts(tmp_path / "out").to_pylist()
    assert [row["chars_out"] for row in table if row["source"] == "dolma"] == [len("One.\n|||EMAIL|||\n")]
    assert sorted(row["fate"] for row in table if row["source"] == "rp") == ["duplicate"] * 4 + ["unselected", "unused"]


def _publish(folder: Path, texts: list[str]) -> None:
    """Write documents of RedPajama v2, and all that lies beside them; the last one is a published duplicate."""
    ids = write_documents(folder, texts)
    write_minhash(folder, minhash_table(ids, texts))
    write_duplicates(folder, ids[-1:])
    signals = {"rps_doc_word_count": [[0, 9, 61.0]], "rps_lines_start_with_bulletpoint": [[0, 9, 0.0]]}
    path = folder / "quality_signals" / "2023-06" / "0000" / "en_head.signals.json.gz"
    write_attributes(path, [{"id": each, "quality_signals": signals} for each in ids])
