"""`what-if`, `preview --id` and `signals`, as they are typed in; and a what-if on S3 and from Python."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

import pipelines
from pipelines.audit.opened import Opened, open_folder
from pipelines.audit.whatif import what_if
from pipelines.audit.whatif_page import print_answer
from pipelines.cli import main
from tests.engine.conftest import s3, s3_endpoint
from tests.helpers import build_here, lines_source, write_lines

__all__ = ["s3", "s3_endpoint"]

SETTING = "gopher_quality#1.min_word_count=60"
OPEN = ("gopher_quality#1.min_word_count=0", "gopher_quality#1.min_stop_word_count=0", "where=chars < 9000")

Gristmill = Callable[..., tuple[int, str, str]]


@pytest.fixture
def gristmill(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gristmill:
    """Return what runs a command line in this process, and gives exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gristmill", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("settings", [[SETTING], OPEN, ["where=chars < 1001"]])
def test_the_page_fits_and_says_how_far_it_is_to_be_trusted(built: Opened, settings: list[str], width: int) -> None:
    answer = what_if(built, settings)
    console = Console(width=width)
    with console.capture() as captured:
        print_answer(console, answer)
    *printed, last = captured.get().splitlines()
    assert max(map(cell_len, printed)) <= width
    assert any(line.startswith("Exact" if answer.exact else "An estimate") for line in printed)
    assert all(f"--set {setting.partition('=')[0]}" in last.replace("'", "") for setting in answer.for_build)
    whole = " ".join(" ".join(printed).split())
    assert [each.words for each in answer.open if each.words not in whole] == []
    assert [each.id for each in (*answer.gained, *answer.lost) if each.id not in whole] == []


def test_what_if_prints_an_answer(gristmill: Gristmill, built: Opened) -> None:
    code, out, err = gristmill("what-if", built.storage.url, "--set", SETTING, "--samples", "1")
    assert (code, err) == (0, "")
    assert "6 documents lost, of which 1" in out
    assert "--set stages.0.gopher_quality.min_word_count=60" in out


def test_what_if_prints_json(gristmill: Gristmill, built: Opened) -> None:
    code, out, _ = gristmill("what-if", built.storage.url, "--set", SETTING, "--source", "main", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["exact"] is True
    assert [(each["source"], each["lost"]) for each in answer["sources"]] == [("main", 6)]


def test_what_if_ends_with_2_where_it_cannot_be_answered(gristmill: Gristmill, built: Opened) -> None:
    for setting in ("gopher_quality#1.stop_words=[a]", "gopher_quality#1.min_words=3"):
        code, out, err = gristmill("what-if", built.storage.url, "--set", setting)
        assert (code, out) == (2, "")
        assert err.startswith("gristmill: --set ")
    assert gristmill("what-if", built.storage.url)[0] == 2


def test_preview_shows_one_document(gristmill: Gristmill, built: Opened, corpus: Path) -> None:
    del built
    code, out, err = gristmill("preview", str(corpus / "out.yaml"), "--id", "short")
    assert (code, err) == (0, "")
    assert "dropped short by gopher_quality, min_word_count" in out
    code, out, _ = gristmill("preview", str(corpus / "out.yaml"), "--document", "1", "--source", "main")
    assert code == 0
    assert "kept kept-0" in out


def test_signals_prints_the_catalogue(gristmill: Gristmill) -> None:
    code, out, err = gristmill("signals", "bullet")
    assert (code, err) == (0, "")
    assert "measured by gopher_quality" in out
    code, out, _ = gristmill("signals", "frac_bullet_lines", "--json")
    (entry,) = json.loads(out)
    assert (entry["name"], entry["type"], entry["stages"][0]) == ("frac_bullet_lines", "float32", "gopher_quality")
    assert gristmill("signals", "no such thing")[0] == 2


def test_python_asks_the_same(built: Opened) -> None:
    opened = pipelines.open_build(built.storage.url)
    answer = opened.what_if({"gopher_quality#1.min_word_count": 60}, samples=0)
    assert answer.sources == what_if(built, [SETTING]).sources
    assert not answer.lost
    off = opened.what_if({"gopher_quality#1.min_word_count": None, "where": "chars < 5000"})
    assert off.for_build == (
        "stages.0.gopher_quality.min_word_count=null",
        'stages.4.where.expression="chars < 5000"',
    )


def test_a_build_on_s3_is_asked_like_any_other(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = request.getfixturevalue("s3")
    write_lines(tmp_path / "a" / "x.jsonl", [{"id": f"d{n}", "text": "the mill and the grain " * n} for n in range(20)])
    whole = {"name": "n", "sources": {"a": lines_source(tmp_path / "a")}, "stages": [{"where": "word_count > 10"}]}
    build_here(whole, tmp_path / "local")
    local = what_if(open_folder(tmp_path / "local"), ["where=word_count > 50"])
    request.getfixturevalue("monkeypatch").setattr("tests.helpers.written", lambda *_: tmp_path / "local.yaml")
    build_here(whole, url)
    there = what_if(open_folder(url), ["where=word_count > 50"])
    assert there.exact
    assert (there.sources, there.rules, there.lost) == (local.sources, local.rules, local.lost)
    assert [each.kept_after for each in there.sources] == [9]
