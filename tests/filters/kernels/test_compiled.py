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

USES = {
    "a stage of a pass": """
from filters.gopher import GopherQuality
from pipelines.engine.compiling import compile_kernels
compile_kernels(GopherQuality())
""",
    "an exchange that reduces": """
from pipelines.dedup.minhash_survivors import MinhashSurvivors
from pipelines.engine.compiling import compile_reduce
from pipelines.engine.exchange import Rows
stage = MinhashSurvivors()
numbers = {name: [0, 0] for name in stage.layout.dtype.names if name not in {"key", "row", "slot", "length"}}
rows = Rows.build(stage.layout, key=[1, 1], row=[0, 1], payloads=[bytes(8), bytes(8)], **numbers)
compile_reduce(stage, rows.of_split(0))
""",
    "a tokenizer beside a loss mask": """
from pipelines.engine.compiling import compile_encoder
from tests.tokens.tokenizers_at_hand import trained
compile_encoder(trained(), ["loss_mask"])
""",
}
"""What a worker does -> a program that does it."""

TOLD = """
import gc
from numba.core.dispatcher import Dispatcher
print(sum(sum(each.stats.cache_misses.values()) for each in gc.get_objects() if isinstance(each, Dispatcher)))
"""
"""Prints how many kernels this process has compiled."""

LOADED = USES["a stage of a pass"] + "import sys; print('numba.np.linalg' in sys.modules)"
"""Says whether this process has what numba compiles with, of which linear algebra is a part."""


def test_the_folder_of_compiled_kernels_is_named_by_every_source(tmp_path: Path) -> None:
    copy = tmp_path / "kernels"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert sources_hash(copy) == sources_hash(SOURCES) == cache_folder().name
    with (copy / "hashing.py").open("a") as file:
        file.write("# edited\n")
    assert sources_hash(copy) != sources_hash(SOURCES)


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
def test_of_processes_that_start_together_one_compiles(tmp_path: Path, use: str) -> None:
    environment = {**os.environ, "GRISTMILL_KERNELS": str(tmp_path)}
    command = [sys.executable, "-c", USES[use] + TOLD]
    folder = SOURCES.parents[1]
    started = [subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE) for _ in range(2)]
    compiled = sorted(int(process.communicate()[0]) for process in started)
    assert compiled[0] == 0 < compiled[1]


def test_a_kept_kernel_is_loaded_without_what_compiling_takes() -> None:
    command = [sys.executable, "-c", LOADED]
    runs = [subprocess.run(command, cwd=SOURCES.parents[1], check=True, capture_output=True) for _ in range(2)]
    assert runs[1].stdout.split() == [b"False"]
