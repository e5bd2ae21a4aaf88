"""Compiling: the kernels of a stage are compiled once per node, however many workers it has.

In:  a stage at work.
Out: nothing; its kernels are compiled, and kept for later processes.
Guaranteed: workers that come to a stage at the same time wait for the one that compiles, and then load what it made.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from filters.batch import Edits, Measures, Stage, batch_of
from filters.kernels.compiled import cache_folder
from filters.kernels.memory import keep_freed_memory

_COMPILED: set[type[Stage]] = set()
"""Stages whose kernels this process has."""


def compile_kernels(stage: Stage) -> None:
    """Use the stage once, on one short document, under a lock of this node; once per process and kind of stage."""
    if type(stage) in _COMPILED:
        return
    keep_freed_memory()
    with _lock():
        documents = batch_of(["A document, that kernels are compiled with.\n"])
        if isinstance(stage, Measures):
            stage.measure(documents)
        if isinstance(stage, Edits):
            stage.edit(documents)
    _COMPILED.add(type(stage))


@contextmanager
def _lock() -> Iterator[None]:
    """Hold the lock of the folder where compiled kernels are kept."""
    with (cache_folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
