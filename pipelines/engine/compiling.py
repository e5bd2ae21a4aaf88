"""Compiling: the kernels of a stage, or an encoder, are compiled once per node, however many workers it has.

In:  a stage or an encoder at work.
Out: nothing; its kernels are compiled, and kept for later processes.
Guaranteed: workers that come to one at the same time wait for the one that compiles, and then load what it made.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from filters.batch import Edits, Measures, Stage, batch_of
from filters.kernels.compiled import cache_folder
from filters.kernels.memory import keep_freed_memory
from pipelines.tokens.encode import Encoder

DOCUMENT = "A document, that kernels are compiled with.\n"

_COMPILED: set[type] = set()
"""Stages, and encoders, whose kernels this process has."""


def compile_kernels(stage: Stage) -> None:
    """Use a stage once, on one short document, under a lock of this node; once per process and kind of stage."""

    def use() -> None:
        documents = batch_of([DOCUMENT])
        if isinstance(stage, Measures):
            stage.measure(documents)
        if isinstance(stage, Edits):
            stage.edit(documents)

    _compile(type(stage), use)


def compile_encoder(encoder: Encoder) -> None:
    """Do the same with an encoder."""
    _compile(type(encoder), lambda: encoder.encode(pa.array([DOCUMENT], pa.large_string())))


def _compile(kind: type, use: Callable[[], object]) -> None:
    if kind in _COMPILED:
        return
    keep_freed_memory()
    with _lock():
        use()
    _COMPILED.add(kind)


@contextmanager
def _lock() -> Iterator[None]:
    """Hold the lock of the folder where compiled kernels are kept."""
    with (cache_folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
