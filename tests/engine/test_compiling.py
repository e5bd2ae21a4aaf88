"""What an exchange's kernels are compiled with, before it reduces anything."""

from typing import ClassVar

import numpy as np

from filters.kernels.best_fit import fill_bins
from pipelines.dedup.exact import DedupExact
from pipelines.engine.compiling import FEW_ROWS, compile_packer, compile_reduce
from pipelines.engine.exchange import Rows
from pipelines.errors import BuildError


class Refusing(DedupExact):
    """Refuses all that it is to reduce, and notes how many rows that were."""

    seen: ClassVar[list[int]] = []

    def reduce(self, rows: Rows) -> Rows:
        self.seen.append(len(rows))
        raise BuildError("these rows alone cannot be compared")


def rows_of(count: int) -> Rows:
    names = set(DedupExact.layout.dtype.names or ()) - {"key", "row", "slot", "length"}
    numbers = {name: np.zeros(count) for name in names}
    return Rows.build(DedupExact.layout, key=np.arange(count), row=np.arange(count), **numbers).of_split(0)


def test_the_first_rows_are_reduced_once_and_what_is_said_of_them_alone_stops_no_build() -> None:
    compile_reduce(Refusing(), rows_of(0))
    assert Refusing.seen == []
    for count in (3 * FEW_ROWS, 5):
        compile_reduce(Refusing(), rows_of(count))
    assert Refusing.seen == [FEW_ROWS]


def test_the_kernels_of_a_way_to_pack_are_compiled_before_it_packs() -> None:
    compile_packer("best_fit")
    assert fill_bins.signatures  # type: ignore[attr-defined] # what numba has compiled
