"""(d) Bad input never stops a build; a changing file and a full disk stop it until they are mended."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.helpers import build_here, digest
from tests.torture.bad_inputs import manifest_sources, write_bad_corpus
from tests.torture.corpus import manifest, write_corpus
from tests.torture.running import SEED, command, run, run_well


def test_every_bad_record_is_counted_with_file_and_record(tmp_path: Path) -> None:
    print(f"torture seed {SEED}")
    expected = write_bad_corpus(tmp_path / "corpus", SEED)
    assert len(expected) >= 200
    stages = ["normalize", {"dedup_exact": {"max_loss": 1}}]
    bad = {"name": "bad", "split_bytes": "8MB", "sources": manifest_sources(tmp_path / "corpus"), "stages": stages}
    summary = build_here(bad, tmp_path / "out")
    found = {(file, row["ordinal"]): row["rule"] for file, row in _unreadable(tmp_path / "out")}
    assert set(found) == {(each.file, each.ordinal) for each in expected}
    assert all(found[each.file, each.ordinal].startswith(each.kind) for each in expected)
    assert sum(fall.records for fall in summary.falls) == summary.records
    assert sum(fall.records for fall in summary.falls if fall.fate == "unreadable") == len(expected)


def _unreadable(out: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return (file below the corpus, row) of every unreadable record in the ledger."""
    splits = json.loads((out / "lock.json").read_text())["splits"]
    for split in splits:
        piece = "" if (split["start"], split["end"]) == (0, -1) else f"@{split['start']}"
        name = f"{split['source']}/{split['path']}"
        for row in pq.read_table(out / "ledger" / "verdicts" / f"{name}{piece}.parquet").to_pylist():
            if row["fate"] == "unreadable":
                yield name, row


def test_a_file_that_changes_stops_the_build_which_goes_on_when_run_again(tmp_path: Path) -> None:
    file = tmp_path / "corpus" / "growing.jsonl"
    file.parent.mkdir()
    lines = "".join(
        json.dumps({"text": f"{number} " + "all the words that there are " * 40}) + "\n" for number in range(20_000)
    )
    file.write_text(lines)
    wanted = {
        "name": "growing",
        "split_bytes": "1MB",
        "sources": {"growing": {"format": "jsonl", "path": f"{tmp_path}/corpus/*.jsonl"}},
        "stages": ["gopher_quality", "dedup_exact"],
    }
    build = subprocess.Popen(
        command(wanted, tmp_path / "out", "--address", "none"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while build.poll() is None and not list((tmp_path / "out").glob("work/receipts/work/deltas/*")):
        time.sleep(0.05)
    with file.open("a") as more:
        more.write(json.dumps({"text": "one more"}) + "\n")
    _, said = build.communicate()
    assert build.returncode == 1
    assert "growing.jsonl changed" in said
    run_well(wanted, tmp_path / "out", "--address", "none")
    run_well(wanted, tmp_path / "fresh", "--address", "none")
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a file system of 2 MiB; skip where this process may not mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_stops_the_build_which_goes_on_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    wanted = manifest(write_corpus(tmp_path / "corpus"))
    out = small_disk / "out"
    stopped = run(wanted, out, "--address", "none")
    assert stopped.returncode == 1
    assert str(out) in stopped.stderr
    assert "Traceback" not in stopped.stderr
    subprocess.run(["mount", "-o", "remount,size=500m", str(small_disk)], check=True)
    run_well(wanted, out, "--address", "none")
    run_well(wanted, tmp_path / "fresh", "--address", "none")
    assert digest(out) == digest(tmp_path / "fresh")
