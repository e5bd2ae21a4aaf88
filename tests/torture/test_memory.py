"""(g) Memory: one gzip file of 2 GB of lines, and a line of 100 MB."""

import json
import subprocess
import time
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
    peak = 0
    while build.poll() is None:
        peak = max(peak, _high_water(build.pid))
        time.sleep(0.05)
    assert build.returncode == 0
    return peak


def _high_water(pid: int) -> int:
    """Return the most memory that a process has held since it began, in bytes; 0 where that cannot be read.

    Not `ru_maxrss`: a child inherits in it what the process that started it held.
    """
    status = Path(f"/proc/{pid}/status")
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


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
