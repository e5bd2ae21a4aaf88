"""Starting and ending: what a process of the command line need not do.

In:  nothing.
Out: nothing.
Guaranteed: no result depends on it. Programs that import this package are left as they are: only the command line calls
     this.
"""

import gc
import sys
from collections.abc import Sequence
from types import ModuleType

SELDOM = 50_000
"""Objects made, beyond those let go of, between two looks for garbage; Python's own number is 700.

Importing and reading a manifest make 150,000 that stay. A build makes next to no garbage that only a look would find:
1,654 objects, of 122 bytes of text and arrays, where it read 32 MB."""


class _NoPandas:
    """Finds every module but pandas where Python finds it."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Return nothing, so that others are asked."""
        if name == "pandas":
            raise ModuleNotFoundError(f"{name} is not needed", name=name, path=str(path or target or ""))


def without_pandas() -> None:
    """Keep pyarrow from importing pandas at the first list that it is given, only to see that it is no Series.

    It asks once; tables become data frames as ever, for that imports pandas again.
    """
    import pyarrow as pa  # noqa: PLC0415 - behind `look_for_garbage_seldom`

    sys.meta_path.insert(0, _NoPandas)
    pa.array([0])
    sys.meta_path.remove(_NoPandas)


def look_for_garbage_seldom() -> None:
    """Let the interpreter spend its time on something else than looking through objects that stay."""
    gc.set_threshold(SELDOM)


def without_collection() -> None:
    """Let the interpreter end without looking through all objects for garbage."""
    gc.freeze()
