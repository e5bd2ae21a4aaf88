"""Builds whose stages read lists: the page about them, what becomes of code, and what identity sees."""

import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import ManifestError
from pipelines.manifest import Manifest, load_manifest
from pipelines.yaml_keys import parse_document
from tests.helpers import build_here, lines_source, verdicts, write_lines, written

PAGE = Path(__file__).parents[2] / "docs" / "filters-with-lists.md"

LISTS = {
    "lists/ut1/adult/domains": "bad.com\n",
    "lists/ut1/adult/urls": "site.net/adult\n",
    "lists/ut1/gambling/domains": "0.0.0.0 dice.org\n",
    "lists/allowed.txt": "good.bad.com\n",
    "lists/strict.txt": "pornhub\n",
    "lists/ldnoobw/en": "dirty word\n",
}

PAGES: dict[str, tuple[str | None, str]] = {
    "bad": ("http://www.bad.com/1", "x"),
    "page": ("http://site.net/adult/1", "x"),
    "dice": ("http://dice.org", "x"),
    "good": ("http://good.bad.com/1", "x"),
    "words": ("http://a.org/porn-hub", "x"),
    "dirty": ("http://a.org", "A dirty word."),
    "bare": (None, "x"),
    "mail": (None, "write to foo@bar.com now"),
    "mails": (None, "a@b.com " * 6),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, content in LISTS.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    pages = [{"id": name, "url": url, "text": text} for name, (url, text) in PAGES.items()]
    write_lines(tmp_path / "data" / "pages" / "x.jsonl", pages)
    write_lines(tmp_path / "data" / "programs" / "x.jsonl", [{"id": "code", "text": "a@b.com " * 6}])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def on_the_page(number: int) -> Any:  # noqa: ANN401 - whatever YAML holds
    block = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)[number]
    return parse_document(block, PAGE.name).tree


def broken(out: Path) -> dict[str, tuple[str | None, str | None]]:
    """Return stage and rule of every document of a ledger."""
    return {row["id"]: (row["stage"], row["rule"]) for row in verdicts(out).to_pylist()}


def test_the_manifest_of_the_page_drops_what_the_page_says(folder: Path) -> None:
    build_here(on_the_page(0), folder / "out")
    assert broken(folder / "out") == {
        "bad": ("url_filter", "max_blocked_domains"),
        "page": ("url_filter", "max_blocked_pages"),
        "dice": ("url_filter", "max_blocked_domains"),
        "good": (None, None),
        "words": ("url_filter", "max_strict_words"),
        "dirty": ("word_list", "max_hits"),
        "bare": (None, None),
        "mail": (None, None),
        "mails": ("pii", "max_spans"),
        "code": (None, None),
    }


def test_the_filter_of_datatrove_on_the_page_is_one() -> None:
    pytest.importorskip("datatrove")
    from filters.datatrove import stage_class  # noqa: PLC0415 - beside what it needs

    ((name, options),) = on_the_page(1)[0].items()
    assert stage_class(name.removeprefix("datatrove:")).model_validate(options)


@pytest.mark.parametrize("on", [["programs"], ["code"]])
def test_code_is_searched_for_personal_data_where_on_names_it(folder: Path, on: list[str]) -> None:
    manifest = {**on_the_page(0), "stages": [{"pii": {"on": on}}]}
    build_here(manifest, folder / "out")
    assert broken(folder / "out")["code"] == ("pii", "max_spans")
    assert broken(folder / "out")["mails"] == (None, None)


def loaded(folder: Path, words: str) -> Manifest:
    sources = {"pages": lines_source(folder / "data" / "pages")}
    return load_manifest(
        written({"name": "n", "sources": sources, "stages": [{"word_list": {"words": words}}]}, folder / "m")
    )


def test_a_list_counts_by_what_is_in_it_and_not_by_where_it_lies(folder: Path) -> None:
    (folder / "same").mkdir()
    (folder / "same" / "en").write_text(LISTS["lists/ldnoobw/en"])
    first, second = loaded(folder, "lists/ldnoobw/en"), loaded(folder, "same/en")
    assert first.canonical() == second.canonical()
    (folder / "same" / "en").write_text("another\n")
    assert first.canonical() != loaded(folder, "same/en").canonical()


def test_a_longer_list_is_counted_anew_in_the_same_build_folder(folder: Path) -> None:
    stages = [{"word_list": {"words": "lists/ldnoobw/en"}}]
    manifest = {"name": "n", "sources": {"pages": lines_source(folder / "data" / "pages")}, "stages": stages}
    build_here(manifest, folder / "out")
    assert broken(folder / "out")["mail"] == (None, None)
    (folder / "lists/ldnoobw/en").write_text("dirty word\nwrite to\n")
    build_here(manifest, folder / "out")
    assert broken(folder / "out")["mail"] == ("word_list", "max_hits")


def test_a_list_that_is_not_there_is_refused_with_its_key(folder: Path) -> None:
    with pytest.raises(ManifestError, match="words"):
        loaded(folder, "lists/nothing")


def with_condition(*stages: object) -> dict[str, Any]:
    condition = {"where": "url_blocked_domains < 1 and url_blocked_pages < 1"}
    sources = {"pages": lines_source(Path("data/pages"))}
    return {"name": "n", "sources": sources, "stages": [*stages, condition]}


def test_a_condition_may_ask_for_what_a_list_says_behind_the_stage_that_names_it(folder: Path) -> None:
    blocked = {"blocked": ["lists/ut1/*/domains"], "max_blocked_domains": None}
    build_here(with_condition({"url_filter": blocked}, "dedup_exact"), folder / "out")
    assert broken(folder / "out")["bad"] == ("where", "url_blocked_domains < 1 and url_blocked_pages < 1")
    assert broken(folder / "out")["mail"] == (None, None)


@pytest.mark.parametrize("stages", [[], ["url_filter"], [{"url_filter": {"strict_words": "lists/strict.txt"}}]])
def test_a_condition_on_a_list_that_no_stage_names_is_refused(folder: Path, stages: list[object]) -> None:
    with pytest.raises(ManifestError, match="add the stage `url_filter`, with its option `blocked`"):
        load_manifest(written(with_condition(*stages), folder / "m"))
