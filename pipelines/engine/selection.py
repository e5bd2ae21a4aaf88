"""Selection: which records of a source take part in the build at all.

In:  records, and the source's `select`, `where` and `sample`.
Out: per record the first fate that applies: unreadable, unselected, unsampled, or None.
Guaranteed: a record's fate depends on that record alone, so adding a file changes no old decision.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.keys import draw
from pipelines.expressions import Expression, evaluate, one_of, parse
from pipelines.sources.options import SourceOptions

FATES = ("unreadable", "unselected", "unsampled", "dropped", "duplicate", "held_out", "unused", "used")
"""What can become of a record, in the order in which the first that applies is its fate."""

SELECTING = {"select", "where", "sample"}
"""Options of a source that choose among records which are read all the same."""

Objects = npt.NDArray[np.object_]
Bools = npt.NDArray[np.bool_]


def reading_options(source: SourceOptions) -> dict[str, Any]:
    """Return what decides how a source is read, for keys: all but its paths, its tags and what only selects."""
    options: dict[str, Any] = source.model_dump(mode="json", exclude={"path", "folders", "tags", "fields", *SELECTING})
    fields = source.declared_fields()
    return {**options, "fields": {name: [list(column.paths), column.type] for name, column in fields.items()}}


def selecting_options(source: SourceOptions, seed: int) -> dict[str, Any]:
    """Return what decides which records of a source take part; the seed only where a sample is drawn."""
    options: dict[str, Any] = source.model_dump(mode="json", include=SELECTING)
    return {**options, "seed": None if source.sample is None else seed}


def first_fates(source: SourceOptions, seed: int, records: pa.Table) -> tuple[Objects, Objects]:
    """Return per record its fate before any stage (None: it takes part) and what is wrong with unreadable ones."""
    fates = np.full(records.num_rows, None, object)
    fates[~_sampled(source, seed, records.column("uid").to_numpy())] = "unsampled"
    fates[~_selected(source, records)] = "unselected"
    problems = records.column("problem").to_numpy()
    fates[records.column("problem").is_valid().to_numpy()] = "unreadable"
    return fates, problems


def _sampled(source: SourceOptions, seed: int, uids: npt.NDArray[np.uint64]) -> Bools:
    if source.sample is None or source.sample.fraction >= 1:
        return np.ones(len(uids), np.bool_)
    return drawn("sample", source.sample.fraction, seed, uids)


def drawn(label: str, share: float, seed: int, uids: npt.NDArray[np.uint64]) -> Bools:
    """Return which documents a share of less than 1 draws: those whose draw under the label is below share x 2^64."""
    return draw(label, seed, uids) < np.uint64(int(share * 2**64))


def _selected(source: SourceOptions, records: pa.Table) -> Bools:
    kept = np.ones(records.num_rows, np.bool_)
    for expression in _conditions(source):
        columns = {name: records.column(name).combine_chunks() for name in expression.names}
        kept &= evaluate(expression, columns).to_numpy(zero_copy_only=False)
    return kept


def _conditions(source: SourceOptions) -> Iterator[Expression]:
    """Return what must be true of a record: one expression per column of `select`, and `where`."""
    for name, wanted in source.select.items():
        yield one_of(name, wanted if isinstance(wanted, list) else [wanted])
    if source.where is not None:
        yield parse(source.where)
