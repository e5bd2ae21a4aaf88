"""The command line: exit codes, messages without tracebacks, and help that teaches by example."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from rich.cells import cell_len

from pipelines.cli import main
from tests.helpers import build_here, lines_source, verdicts, write_lines, written

COMMANDS = ("build", "plan", "preview", "dedup-bench", "mix", "why", "trace", "what-if", "signals", "schema", "sample")

MINHASH = ("--set", "stages.2=dedup_minhash")

PROSE = "The mill of the gods grinds slowly, and those who have to wait with it grow wise. "


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Gristmill = Callable[..., Ended]


@pytest.fixture
def gristmill(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gristmill:
    """Return what runs a command line in this process."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["gristmill", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a corpus, its manifest `out.yaml` and its build `out`."""
    folder = tmp_path_factory.mktemp("cli")
    texts = [{"id": f"d{number}", "text": f"Number {number}. " + PROSE * (1 + number % 4)} for number in range(40)]
    write_lines(folder / "a" / "x.jsonl", [*texts, {"id": "copy", "text": texts[1]["text"]}])
    manifest = {
        "name": "small",
        "sources": {"a": lines_source(folder / "a")},
        "stages": [{"gopher_quality": {"min_word_count": 25}}, "normalize", "dedup_exact"],
        "tokenizer": {"train": {"vocab_size": 300}},
        "mix": {"sequence_length": 32, "phases": [{"name": "main", "tokens": 900, "weights": {"a": 1.0}}]},
    }
    build_here(manifest, folder / "out")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(gristmill: Gristmill, command: str) -> None:
    ended = gristmill(command, "--help")
    assert ended.code == 0
    shown = re.sub(r"\s+", " ", ended.out).replace(f"Usage: gristmill {command}", "", 1)
    assert f"gristmill {command} " in shown


def test_every_command_is_listed_with_what_it_does(gristmill: Gristmill) -> None:
    ended = gristmill("--help")
    assert ended.code == 0
    assert [name for name in COMMANDS if f"│ {name} " not in ended.out] == []


def test_the_module_and_the_console_script_are_one(tmp_path: Path) -> None:
    for command in ([sys.executable, "-m", "pipelines.cli"], [str(Path(sys.executable).with_name("gristmill"))]):
        ended = subprocess.run([*command, "why", str(tmp_path), "x"], check=False, capture_output=True, text=True)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith(f"gristmill: {tmp_path} holds no build")


def test_the_commands_that_ask_end_with_0(gristmill: Gristmill, folder: Path) -> None:
    manifest, out = str(folder / "out.yaml"), str(folder / "out")
    for arguments in (
        ("plan", manifest, "--out", out),
        ("preview", manifest, "--documents", "2", "--source", "a"),
        ("why", out, "d1"),
        ("trace", out, "main/part-00000.parquet", "0"),
        ("trace", out, "main/part-00000.parquet", "0", "--pieces"),
    ):
        ended = gristmill(*arguments)
        assert (ended.code, ended.err) == (0, "")
        whole = "--pieces" in arguments  # prints texts as they are
        assert whole or max(cell_len(line) for line in ended.out.splitlines()) <= 80


def test_a_bench_is_printed_written_as_a_page_and_given_to_programs(
    gristmill: Gristmill, folder: Path, tmp_path: Path
) -> None:
    command = ("dedup-bench", str(folder / "out.yaml"), *MINHASH, "--all")
    ended = gristmill(*command, "--html", str(tmp_path / "bench.html"))
    assert ended.code == 0
    assert "What each source would lose" in ended.out
    assert f"Written: {tmp_path / 'bench.html'}" in ended.err
    assert (tmp_path / "bench.html").read_text().startswith("<!DOCTYPE html>")
    assert max(cell_len(line) for line in ended.out.splitlines()) <= 80
    ended = gristmill(*command, "--json", "--pairs", "1")
    assert ended.code == 0
    seen = json.loads(ended.out)
    assert (seen["sources"][0]["documents"], len(seen["verified"])) == (31, 1)


def test_a_pilot_is_printed_behind_the_plan_and_given_to_programs(gristmill: Gristmill, folder: Path) -> None:
    command = ("plan", str(folder / "out.yaml"), "--pilot", "100%")
    ended = gristmill(*command)
    assert ended.code == 0
    assert ended.out.index("What comes out (tokens)") < ended.out.index("Pilot on 100%: what was read")
    assert max(cell_len(line) for line in ended.out.splitlines()) <= 80
    ended = gristmill(*command, "--json")
    assert ended.code == 0
    tokens = sum(row["tokens"] or 0 for row in verdicts(folder / "out").to_pylist())
    assert json.loads(ended.out)["pools"][0]["tokens"] == {"likely": tokens, "low": tokens, "high": tokens}
    ended = gristmill("plan", str(folder / "out.yaml"), "--json")
    assert (ended.code, "--pilot 1%" in ended.err) == (2, True)


def test_a_build_is_mixed_again_by_a_setting_or_by_the_mix_of_a_manifest(
    gristmill: Gristmill, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "out", tmp_path / "out")
    ended = gristmill("mix", str(tmp_path / "out"), "--set", "mix.phases.0.tokens=500")
    assert (ended.code, "500" in ended.out) == (0, True)
    phases = [{"name": "other", "tokens": 300, "weights": {"a": 1}}]
    (tmp_path / "mix.yaml").write_text(yaml.safe_dump({"mix": {"sequence_length": 16, "phases": phases}}))
    assert gristmill("mix", str(tmp_path / "out"), str(tmp_path / "mix.yaml")).code == 0
    assert sorted(path.name for path in (tmp_path / "out" / "shards").iterdir() if any(path.iterdir())) == ["other"]
    ended = gristmill("mix", str(tmp_path / "out"), "--set", "mix.phases.0.tokens=900M")
    assert (ended.code, "pool 'a' is short" in ended.err) == (1, True)


def test_why_tells_a_duplicates_survivor(gristmill: Gristmill, folder: Path) -> None:
    ended = gristmill("why", str(folder / "out"), "copy")
    assert "duplicate: dedup_exact (same_content)" in ended.out
    (survivor,) = (row for row in verdicts(folder / "out").to_pylist() if row["id"] == "d1")
    assert str(survivor["uid"]) in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "{folder}/none.yaml"), "none.yaml"),
        (("plan", "{folder}/out.yaml", "--set", "stages.0.gopher_quality.min_words=3"), "did you mean"),
        (("plan", "{folder}/out.yaml", "--out", "gs://bucket"), "gs:// is not supported yet"),
        (("preview", "{folder}/out.yaml", "--source", "b"), "known: a"),
        (("preview", "{folder}/out.yaml", "--documents", "0"), "greater than or equal to 1"),
        (("dedup-bench", "{folder}/out.yaml"), "add `- dedup_minhash` to its `stages`"),
        (("dedup-bench", "{folder}/out.yaml", *MINHASH, "--stage", "2"), "write a number from 1 to 1"),
        (("dedup-bench", "{folder}/out.yaml", "--documents", "0"), "greater than or equal to 1"),
        (("dedup-bench", "{folder}/out.yaml", *MINHASH, "--set", "stages.2.dedup_minhash.band=3"), "did you mean"),
        (("why", "{folder}/none", "d1"), "holds no build"),
        (("why", "{folder}/out", "d99"), "source/path:ordinal"),
        (("trace", "{folder}/out", "main/part-00001.parquet", "0"), "main/part-00000.parquet"),
        (("trace", "{folder}/out", "main/part-00000.parquet", "999"), "has rows 0 to"),
        (("trace", "{folder}/out", "main/part-00000.parquet", "first"), "valid integer"),
        (("build", "{folder}/out.yaml"), "--out"),
        (("bild",), "bild"),
    ],
)
def test_a_wrong_request_ends_with_2_and_says_what_is_wrong(
    gristmill: Gristmill, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = gristmill(*(argument.format(folder=folder) for argument in arguments))
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_build_that_fails_ends_with_1_and_says_what_to_do(gristmill: Gristmill, folder: Path, tmp_path: Path) -> None:
    overrides = ("--address", "none", "--set", "mix.phases.0.tokens=90K")
    ended = gristmill("build", str(folder / "out.yaml"), "--out", str(tmp_path / "out"), *overrides)
    assert ended.code == 1
    assert "max_epochs.a" in ended.err
    assert "Traceback" not in ended.err


def test_a_folder_that_cannot_be_written_ends_with_1_and_its_name(
    gristmill: Gristmill, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    ended = gristmill("build", str(folder / "out.yaml"), "--out", str(tmp_path / "file" / "out"), "--address", "none")
    assert ended.code == 1
    assert "file" in ended.err
    assert "Traceback" not in ended.err


def test_a_traced_piece_that_is_not_its_text_ends_with_1(gristmill: Gristmill, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "out", tmp_path / "out")
    shard = tmp_path / "out" / "shards" / "main" / "part-00000.parquet"
    table = pq.read_table(shard)
    ids = pa.array([row[::-1] for row in table.column("input_ids").to_pylist()], table.schema.field("input_ids").type)
    pq.write_table(table.set_column(0, table.schema.field(0), ids), shard)
    ended = gristmill("trace", str(tmp_path / "out"), "main/part-00000.parquet", "0")
    assert ended.code == 1
    assert "differ from the text" in ended.out


def test_a_shard_of_another_build_is_refused(gristmill: Gristmill, folder: Path, tmp_path: Path) -> None:
    manifest = yaml.safe_load((folder / "out.yaml").read_text())
    build_here({**manifest, "seed": 5}, tmp_path / "out")
    shard = Path("out", "shards", "main", "part-00000.parquet")
    (tmp_path / shard).write_bytes((folder / shard).read_bytes())
    ended = gristmill("trace", str(tmp_path / "out"), "main/part-00000.parquet", "0")
    assert ended.code == 2
    assert "was written by another build" in ended.err


def test_a_report_ends_with_commands_that_can_be_run(gristmill: Gristmill, folder: Path, tmp_path: Path) -> None:
    manifest = written({"name": "n", "sources": {"a": lines_source(folder / "a")}}, tmp_path / "out")
    ended = gristmill("build", str(manifest), "--out", str(tmp_path / "out"), "--address", "none")
    assert ended.code == 0
    assert f"gristmill why {tmp_path / 'out'} ID" in ended.out
    assert "gristmill trace" not in ended.out


def test_a_sample_says_what_it_wrote(gristmill: Gristmill, tmp_path: Path) -> None:
    ended = gristmill("sample", str(tmp_path / "sample"), "--megabytes", "2")
    assert ended.code == 0
    assert "pile/val.jsonl.zst" in ended.out
    assert len(list((tmp_path / "sample").rglob("*.*"))) > 5
