"""What the documents show runs, and what they name exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from filters.signals import SIGNALS
from pipelines.catalog import EXPORTERS, SIGNAL_PROVIDERS, SOURCES, STAGES
from pipelines.cli import app
from pipelines.engine.session import Settings, build
from pipelines.manifest import load_manifest
from pipelines.mixture import GroupOptions, Mix, Phase, PoolOptions
from pipelines.sample import write_sample
from tests.helpers import verdicts

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FILTER_PAGE = ROOT / "docs" / "adding-a-filter.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = ("pipelines", "filters", "tests", "benchmarks")

MEGABYTES = 3
"""Of the first-run corpus: enough for the README's manifest."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page that are marked with a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> dict[str, Any]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(group.commands)


def run_blocks(page: Path) -> dict[str, Any]:
    """Run the Python of a page from its top to its end, as a reader would type it in; return the names it leaves."""
    names: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)  # noqa: S102 - running the page is the test
    return names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a reader of the README has: the first-run corpus, the manifest of the page, and its build."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "first.yaml").write_text(blocks(README, "yaml")[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_sample(Path("data/sample"), MEGABYTES)
        build(load_manifest("first.yaml"), "runs/first", Settings("none"))
    return folder


@pytest.fixture
def reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in the reader's folder."""
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def open_catalogue() -> Iterator[None]:
    """Let a test add to the catalogue, and take back what it added."""
    catalogue: tuple[dict[str, Any], ...] = (STAGES, SIGNAL_PROVIDERS, SIGNALS)
    before = [set(each) for each in catalogue]
    yield
    for each, names in zip(catalogue, before, strict=True):
        for name in each.keys() - names:
            del each[name]


def test_the_manifest_of_the_readme_gives_its_tokens_exactly(reader: Path) -> None:
    assert phase_tokens(reader, "main") == 100_000
    assert phase_tokens(reader, "anneal") == 20_000


def phase_tokens(folder: Path, phase: str) -> int:
    lengths = pq.read_table(folder / "runs" / "first" / "shards" / phase, columns=["doc_lengths"])
    return sum(sum(row) for row in lengths["doc_lengths"].to_pylist())


def test_the_python_of_the_readme_reads_the_shards_and_the_ledger(
    reader: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", reader / "cache")
    names = run_blocks(README)
    assert names["ids"].shape == (names["shards"].num_rows, 512)
    assert names["ids"][0].tolist() == names["shards"][0]["input_ids"]
    assert names["outcome"].rule.to_pylist() == ["min_word_count", None]
    assert "min_frac_words_with_alpha" in capsys.readouterr().out


@pytest.mark.usefixtures("open_catalogue")
def test_the_filter_of_the_page_judges_the_documents_of_a_build(reader: Path) -> None:
    run_blocks(FILTER_PAGE)
    SIGNAL_PROVIDERS["frac_uppercase"] = STAGES["shouting"]  # as the catalogue does of what stands in it
    stages = [{"shouting": {"max_frac_uppercase": 0.1}}, "normalize", {"where": "frac_uppercase <= 0.06"}]
    texts = ["all quiet at the mill tonight", "Half Quiet at the old mill tonight", "NOISE"]
    Path("shouting.jsonl").write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))
    source = {"format": "jsonl", "path": "shouting.jsonl"}
    manifest = {"name": "shouting", "sources": {"docs": source}, "stages": stages}
    Path("shouting.yaml").write_text(yaml.safe_dump(manifest))
    build(load_manifest("shouting.yaml"), "runs/shouting", Settings("none"))
    rules = verdicts(reader / "runs" / "shouting")["rule"].to_pylist()
    assert rules == [None, "frac_uppercase <= 0.06", "max_frac_uppercase"]


def test_the_yaml_of_the_filter_page_is_stages() -> None:
    (page,) = blocks(FILTER_PAGE, "yaml")
    assert [list(stage) for stage in yaml.safe_load(page)["stages"]] == [["where"]]


@every_page
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@every_page
def test_a_module_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"[\w/-]+\.py\b", re.sub(r"\]\([^)]*\)", "", page.read_text())))
    known = [path.relative_to(ROOT).as_posix() for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    new = {"filters/shouting.py"}
    assert [name for name in named - new if not any(f"/{path}".endswith(f"/{name}") for path in known)] == []


@every_page
def test_a_command_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"(?:`|bin/|^\$ |^  )gristmill ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)
    assert set(named) <= commands().keys()


@every_page
def test_a_make_target_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"(?:`|^\$ )make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(named) <= set(targets)


def test_an_option_that_the_readme_names_exists() -> None:
    known = {option for command in commands().values() for each in command.params for option in each.opts}
    of_other_programs = {"--help", "--head", "--train-data-path", "--seq-length"}
    named = set(re.findall(r"(?<=[` ])--[a-z][a-z-]*", README.read_text()))
    assert named - known - of_other_programs == set()


def test_the_readme_lists_every_command() -> None:
    assert set(re.findall(r"^\| `gristmill ([a-z-]+)", README.read_text(), re.MULTILINE)) == commands().keys()


def test_the_readme_says_what_every_key_of_a_mix_does() -> None:
    (table,) = re.findall(r"^### What a mix can say\n(.*?)^## ", README.read_text(), re.DOTALL | re.MULTILINE)
    keys = {name for model in (Mix, Phase, PoolOptions, GroupOptions) for name in model.model_fields}
    assert {key for key in keys if not re.search(rf"[`{{\[ ]{key}\b", table)} == set()


def test_the_readme_lists_every_format_and_every_stage() -> None:
    (listed,) = re.findall(r"^- Formats: (.*?)(?=\n\n)", README.read_text(), re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", listed)) == {*SOURCES, *STAGES}


def test_the_page_of_exports_says_of_every_format_what_it_is() -> None:
    page = (ROOT / "docs" / "exports.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([0-9]+) ([MG])iB \|$", page, re.MULTILINE)
    sizes = {name: int(size) << {"M": 20, "G": 30}[unit] for name, size, unit in rows}
    assert sizes == {name: exporter.file_bytes for name, exporter in EXPORTERS.items()}


@pytest.mark.parametrize(
    ("symbol", "module"),
    [
        ("SOURCES", "pipelines/sources/formats.py"),
        ("STAGES", "pipelines/catalog.py"),
        ("EXPORTERS", "pipelines/catalog.py"),
        ("SIGNALS", "filters/signals/__init__.py"),
        ("PACKERS", "pipelines/mix/pack.py"),
        ("LOADERS", "pipelines/tokens/encode.py"),
    ],
)
def test_what_a_newcomer_adds_to_is_where_the_readme_says(symbol: str, module: str) -> None:
    assert re.search(rf"^{symbol}\b", (ROOT / module).read_text(), re.MULTILINE)
    assert symbol in README.read_text()


def test_every_part_of_the_tree_is_there() -> None:
    tree = blocks(README, "text")[-1]
    named = re.findall(r"^(?:  )?([\w./]+/)", tree, re.MULTILINE)
    homes = ("", "pipelines/", "filters/")
    assert named
    assert [name for name in named if not any((ROOT / home / name).is_dir() for home in homes)] == []
