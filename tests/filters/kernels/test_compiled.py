"""An edited kernel is never run as its former self, and many workers compile it once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from filters import kernels
from filters.kernels.compiled import cache_folder, sources_hash

SOURCES = Path(kernels.__file__).parent

RUN = """
from filters.gopher import GopherQuality
from pipelines.engine.compiling import compile_kernels
compile_kernels(GopherQuality())
"""
LOADED = RUN + "import sys; print('numba.np.linalg' in sys.modules)"
"""Says whether this process has what numba compiles with, of which linear algebra is a part."""


def test_the_folder_of_compiled_kernels_is_named_by_every_source(tmp_path: Path) -> None:
    copy = tmp_path / "kernels"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert sources_hash(copy) == sources_hash(SOURCES) == cache_folder().name
    with (copy / "hashing.py").open("a") as file:
        file.write("# edited\n")
    assert sources_hash(copy) != sources_hash(SOURCES)


@pytest.mark.slow
def test_processes_that_start_together_leave_one_compilation(tmp_path: Path) -> None:
    environment = {**os.environ, "GRISTMILL_KERNELS": str(tmp_path)}
    command = [sys.executable, "-c", RUN]
    started = [subprocess.Popen(command, env=environment, cwd=SOURCES.parents[1]) for _ in range(2)]
    assert [process.wait() for process in started] == [0, 0]
    compiled = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")}
    assert compiled
    assert subprocess.run(command, env=environment, cwd=SOURCES.parents[1], check=True).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")} == compiled


def test_a_kept_kernel_is_loaded_without_what_compiling_takes() -> None:
    command = [sys.executable, "-c", LOADED]
    runs = [subprocess.run(command, cwd=SOURCES.parents[1], check=True, capture_output=True) for _ in range(2)]
    assert runs[1].stdout.split() == [b"False"]
