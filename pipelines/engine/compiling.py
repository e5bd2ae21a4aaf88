"""Compiling: the kernels of a stage, an encoder or a packer are compiled once per node, however many workers it has.

In:  a stage, an exchange or an encoder at work, or a way to pack.
Out: nothing; its kernels are compiled, and kept for later processes.
Guaranteed: workers that come to one at the same time wait for the one that compiles, and then load what it made.
"""

import fcntl
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress

import numpy as np
import pyarrow as pa

from filters.batch import Edits, Measures, Stage, batch_of
from filters.kernels.compiled import cache_folder
from filters.kernels.memory import keep_freed_memory
from pipelines.dedup.exchanges import ExchangeStage
from pipelines.engine.rows import Rows
from pipelines.errors import BuildError
from pipelines.mix.pack import PACKERS
from pipelines.mixture import Method
from pipelines.tokens.columns import LOSS_MASK
from pipelines.tokens.encode import Encoder
from pipelines.tokens.loss import loss_mask

DOCUMENT = "A document, that kernels are compiled with.\n"

FEW_ROWS = 64
"""Rows of an exchange that kernels are compiled with."""

_COMPILED: set[Hashable] = set()
"""What this process has the kernels of."""


def compile_kernels(stage: Stage) -> None:
    """Use a stage once, on one short document, under a lock of this node; once per process and kind of stage."""

    def use() -> None:
        documents = batch_of([DOCUMENT])
        if isinstance(stage, Measures):
            stage.measure(documents)
        if isinstance(stage, Edits):
            stage.edit(documents)

    _compile(type(stage), use)


def compile_reduce(stage: ExchangeStage, rows: Rows) -> None:
    """Do the same with an exchange, on the first rows that are to be reduced; what it answers is thrown away.

    Some rows may be refused where all of them are not: only the whole is asked whether it can be reduced.
    """

    def use() -> None:
        with suppress(BuildError):
            stage.reduce(rows.take(np.arange(min(len(rows), FEW_ROWS))))

    if len(rows):
        _compile((type(stage), "reduce"), use)


def compile_encoder(encoder: Encoder, columns: Sequence[str]) -> None:
    """Do the same with an encoder, and with what makes the per-token columns of these names."""

    def use() -> None:
        texts = pa.array([DOCUMENT], pa.large_string())
        runs = encoder.encode(texts)
        if LOSS_MASK in columns:
            loss_mask(texts, pa.array([[0, len(DOCUMENT)]], pa.list_(pa.uint32())), runs, encoder.spelling)

    _compile((type(encoder), encoder.dtype, *columns), use)


def compile_packer(method: Method) -> None:
    """Do the same with a way to pack."""
    _compile(("pack", method), lambda: PACKERS[method](np.ones(1, np.int64), 1, 0))


def _compile(kind: Hashable, use: Callable[[], object]) -> None:
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
