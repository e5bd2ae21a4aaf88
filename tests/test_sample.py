"""The first-run corpus: published layouts, the same bytes twice, nothing of what it reads is run."""

import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.errors import RequestError
from pipelines.installed_text import PYTHON, documentation_page, gather, library_folders, list_files
from pipelines.manifest import load_manifest
from pipelines.sample import REFINEDWEB_SCHEMA, Summary, write_sample

QUICKSTART = Path(__file__).parents[1] / "manifests" / "quickstart.yaml"
MEGABYTES = 3


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return write_sample(tmp_path_factory.mktemp("sample"), MEGABYTES)


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if path.suffix == ".zst":
        raw = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw)).read()
    return [json.loads(line) for line in raw.decode().split("\n") if line]


def all_rows(folder: Path, pattern: str) -> list[dict[str, Any]]:
    paths = sorted(folder.glob(pattern))
    assert len(paths) > 0, pattern
    return [row for path in paths for row in rows_of(path)]


def library(folder: Path, files: dict[str, str]) -> dict[str, Path]:
    for name, text in files.items():
        path = folder / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {"packages": folder / "packages"}


def test_two_samples_of_one_environment_are_the_same_bytes(sample: Summary, tmp_path: Path) -> None:
    again = write_sample(tmp_path, MEGABYTES)
    assert again.files == sample.files
    for file in sample.files:
        assert (again.folder / file.path).read_bytes() == (sample.folder / file.path).read_bytes(), file.path


def test_a_sample_holds_about_as_much_text_as_was_asked_for(sample: Summary) -> None:
    assert 0.7 * MEGABYTES * 1e6 < sample.text_bytes < 1.2 * MEGABYTES * 1e6


def test_the_summary_counts_what_the_files_hold(sample: Summary) -> None:
    for file in sample.files:
        rows = rows_of(sample.folder / file.path)
        texts: list[str] = [row["content"] if "content" in row else row["text"] for row in rows]
        assert (len(rows), sum(len(text.encode()) for text in texts)) == (file.documents, file.text_bytes), file.path
    assert sample.documents == sum(file.documents for file in sample.files)


def test_every_corpus_has_several_files(sample: Summary) -> None:
    corpora = Counter(file.path.partition("/")[0] for file in sample.files)
    assert set(corpora) == {"refinedweb", "redpajama_v1", "pile", "dolma"}
    assert min(corpora.values()) >= 3


def test_refinedweb_files_have_the_published_columns(sample: Summary) -> None:
    for path in (sample.folder / "refinedweb").glob("*.parquet"):
        assert pq.read_schema(path).equals(REFINEDWEB_SCHEMA)
    rows = all_rows(sample.folder, "refinedweb/*.parquet")
    assert {row["dump"] for row in rows} == {"not-common-crawl"}
    assert {row["timestamp"] for row in rows} == {None}


def test_redpajama_code_has_a_meta_object_and_its_counts_are_true(sample: Summary) -> None:
    for row in all_rows(sample.folder, "redpajama_v1/github/*.jsonl"):
        assert row["meta"]["source"] == "github"
        assert row["meta"]["line_count"] == len(row["text"].splitlines())
        assert row["meta"]["size"] == str(len(row["text"].encode()))


def test_redpajama_common_crawl_has_null_scores(sample: Summary) -> None:
    rows = all_rows(sample.folder, "redpajama_v1/common_crawl/*.jsonl.zst")
    assert {row["wiki_prob"] for row in rows} == {None}


def test_pile_rows_name_their_set(sample: Summary) -> None:
    rows = all_rows(sample.folder, "pile/**/*.jsonl.zst")
    assert {row["meta"]["pile_set_name"] for row in rows} >= {"Github"}


def test_dolma_rows_have_the_published_keys_and_unique_ids(sample: Summary) -> None:
    rows = all_rows(sample.folder, "dolma/*/documents/*.json.gz")
    assert {tuple(row) for row in rows} == {("id", "text", "source", "added", "created", "metadata")}
    assert len({row["id"] for row in rows}) == len(rows)


def test_licences_repeat_as_they_do_in_life(tmp_path: Path) -> None:
    licence = "Permission is hereby granted, free of charge, to any person.\n" * 20
    folders = library(tmp_path, {"a-1.dist-info/LICENSE": licence, "b-2.dist-info/licenses/LICENSE.txt": licence})
    texts = [document.text for document in gather(folders, 1_000_000)]
    assert texts == [licence, licence]


def test_what_is_read_is_never_run(tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit\n" + "x = 1\n" * 300
    page = f'"""{"Long words of documentation. " * 60}"""\n' + trap
    documents = gather(library(tmp_path, {"a/trap.py": trap, "a/page.py": page}), 1_000_000)
    assert {document.kind for document in documents} == {"code", "documentation"}
    assert not (tmp_path / "ran").exists()


def test_files_that_are_no_text_or_no_python_are_passed_over(tmp_path: Path) -> None:
    broken = f'"""{"words " * 400}"""\ndef (:\n'
    folders = library(tmp_path, {"a/broken.py": broken, "a/good.py": "y = 2\n" * 400})
    (tmp_path / "packages" / "a" / "bytes.py").write_bytes(b"\xff\xfe" * 1000)
    assert [document.path for document in gather(folders, 1_000_000)] == ["a/good.py"]


def test_a_description_is_the_body_of_the_metadata(tmp_path: Path) -> None:
    metadata = "Metadata-Version: 2.1\nName: a\n\n# The package a\n\nIt does things.\n"
    documents = gather(library(tmp_path, {"a-1.dist-info/METADATA": metadata}), 1_000_000)
    assert [(document.kind, document.text) for document in documents] == [
        ("description", "# The package a\n\nIt does things.")
    ]


def test_the_reference_is_read_from_the_table_of_topics(tmp_path: Path) -> None:
    folder = library(tmp_path, {"pydoc_data/topics.py": "topics = {'while': 'The while statement.', 'if': 'The if.'}"})
    documents = gather({PYTHON: folder["packages"]}, 1_000_000)
    assert [document.text for document in documents] == ["The if.", "The while statement."]


def test_a_page_holds_the_docstrings_of_a_module_under_their_names() -> None:
    source = '"""Top."""\nclass A:\n    """Of A."""\n    def b(self):\n        """Of b."""\n'
    assert documentation_page(source, "m") == "m\n\nTop.\n\n\nm.A\n\nOf A.\n\n\nm.A.b\n\nOf b."


def test_a_docstring_with_a_lone_surrogate_is_left_out() -> None:
    assert documentation_page('"""Bad \\ud800 one."""\ndef f():\n    """Good."""\n', "m") == "m.f\n\nGood."


def test_this_project_is_no_part_of_the_sample() -> None:
    assert not [file.path for file in list_files(library_folders()) if file.path.startswith("gristmill")]


def test_progress_runs_from_nothing_to_all(tmp_path: Path) -> None:
    shares: list[float] = []
    write_sample(tmp_path, 1, lambda _what, share: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(RequestError, match="taken"):
        write_sample(tmp_path / "taken")


def test_a_size_below_one_megabyte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="megabytes"):
        write_sample(tmp_path, 0)


def test_the_quickstart_manifest_finds_all_its_sources_in_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sample(tmp_path / "data" / "sample", 1)
    monkeypatch.chdir(tmp_path)
    manifest = load_manifest(QUICKSTART)
    assert {phase.name for phase in manifest.phases} == {"main", "anneal"}
    assert manifest.max_epochs_of("reference") > 1
