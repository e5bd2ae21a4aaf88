"""The command line starts without what it does not need, and nothing is missing for that."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAKES_LISTS = """
import importlib.util, sys
import pyarrow as pa
from pipelines.process import without_pandas
without_pandas()
assert importlib.util.find_spec("pandas")
assert pa.array(["a", None]).to_pylist() == ["a", None]
print("pandas" in sys.modules)
"""
MAKES_A_FRAME = MAKES_LISTS + "print(pa.table({'number': [1, 2]}).to_pandas()['number'].sum())"
LOOKS = """
import gc
from pipelines.process import look_for_garbage_seldom
gc.collect()
looks = []
gc.callbacks.append(lambda phase, info: looks.append(phase))
kept = [[] for _ in range(10_000)]
print(len(looks) > 0)
look_for_garbage_seldom()
looks.clear()
kept += [[] for _ in range(10_000)]
print(len(looks) > 0)
kept += [[] for _ in range(100_000)]
print(len(looks) > 0)
"""
ENDS = (
    "import atexit; from pipelines.process import without_collection; atexit.register(print, 1); without_collection()"
)


def printed(code: str) -> list[str]:
    """Run code in another process, at the root of the repository; return the words that it prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.split()


def test_arrays_of_lists_import_no_pandas() -> None:
    pytest.importorskip("pandas")
    assert printed(MAKES_LISTS) == ["False"]


def test_tables_become_data_frames_all_the_same() -> None:
    pytest.importorskip("pandas")
    assert printed(MAKES_A_FRAME) == ["False", "3"]


def test_garbage_is_looked_for_seldom_and_still_looked_for() -> None:
    assert printed(LOOKS) == ["True", "False", "True"]


def test_what_is_left_to_do_at_the_end_is_done() -> None:
    assert printed(ENDS) == ["1"]
