"""(g) Memory: one gzip file of 2 GB of lines, and a line of 100 MB."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from isal import igzip

from tests.torture.running import command

GIB = 1 << 30
LINES = 1_000_000
"""Lines of about 2 kB each: 2 GB uncompressed."""

SENTENCE = (
    "The mill stands by the river, and those that bring their corn to it have to wait until the wind is with them. "
)


def _write(path: Path, long_line: int = 0) -> None:
    body = SENTENCE * 18
    with igzip.open(path, "wb", compresslevel=1) as file:  # type: ignore[no-untyped-call]
        for number in range(LINES):
            file.write(b'{"text": "%d %s"}\n' % (number * 7 % 900_000, body.encode()))
            if long_line and number == LINES // 2:
                file.write(json.dumps({"text": "long " * (long_line // 5)}).encode() + b"\n")


def _peak(folder: Path, long_line: int) -> int:
    """Build in one process; return the most memory it held at a time, in bytes."""
    (folder / "corpus").mkdir()
    _write(folder / "corpus" / "one.jsonl.gz", long_line)
    wanted: dict[str, Any] = {
        "name": "large",
        "sources": {"large": {"format": "jsonl", "path": f"{folder}/corpus/*.gz"}},
        "stages": ["normalize", "dedup_exact"],
    }
    build = subprocess.Popen(command(wanted, folder / "out", "--address", "none"), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(build.pid, 0)
    build.returncode = os.waitstatus_to_exitcode(status)
    assert build.returncode == 0
    return usage.ru_maxrss * 1024


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_two_gigabytes_of_lines_in_one_gzip_file_take_less_than_1_5_gib(tmp_path: Path) -> None:
    peak = _peak(tmp_path, 0)
    print(f"peak {peak / GIB:.2f} GiB")
    assert peak < 1.5 * GIB


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_line_of_100_mb_among_them_takes_less_than_3_gib(tmp_path: Path) -> None:
    peak = _peak(tmp_path, 100_000_000)
    print(f"peak {peak / GIB:.2f} GiB")
    assert peak < 3 * GIB
