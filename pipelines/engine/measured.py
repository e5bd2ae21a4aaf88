"""Measured: the signals of one pass over one split, taken from earlier builds where they are known.

In:  measuring steps, and batches with the rows they belong to.
Out: columns for the judges, and one row-aligned part that holds every number this pass used.
Guaranteed: a number is measured once per text version and measuring options, whatever the thresholds do later.
"""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.batch import Batch, Columns, Measures
from pipelines.engine.job import Job
from pipelines.engine.keys import free_name
from pipelines.engine.parts import AlignedReader, read_part
from pipelines.engine.receipts import Receipt, receipts_below
from pipelines.engine.route import Step

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def scatter(values: pa.Array, rows: I64, count: int) -> pa.Array:
    """Return an array of `count` rows with `values` at `rows` and null elsewhere."""
    if len(rows) == count:
        return values
    places = np.full(count, -1, np.int64)
    places[rows] = np.arange(len(rows))
    return values.take(pa.array(places, mask=places < 0))


def column_names(columns: Columns, suffix: str, taken: Collection[str]) -> dict[str, str]:
    """Return each signal's name in the ledger: its own, with the text version behind it."""
    return {name: free_name(f"{name}{suffix}", taken) for name in columns}


class StoredSignals:
    """Signals of a split's records that earlier builds in this folder measured, read in step with it.

    Args:
        job: the build.
        records: key of the records: another text field is another text.
    """

    def __init__(self, job: Job, records: str) -> None:
        self._job = job
        self._receipts = receipts_below(job.storage, f"work/signals/{records}")
        self._readers: dict[str, list[tuple[AlignedReader, dict[str, str]]]] = {}

    def open(self, step: Step) -> None:
        """Begin to read what is known of this step."""
        known = [receipt for receipt in self._receipts if step.signals_key in receipt.info["steps"]]
        self._readers[step.signals_key] = [self._reader(receipt, step.signals_key) for receipt in known]

    def _reader(self, receipt: Receipt, key: str) -> tuple[AlignedReader, dict[str, str]]:
        names: dict[str, str] = receipt.info["steps"][key]
        return AlignedReader(self._job.storage, receipt.part, list(names.values())), names

    def take(self, step: Step, count: int) -> Columns:
        """Return the next `count` rows of the step's signals, null where none is known; {} if nothing is."""
        columns: dict[str, pa.Array] = {}
        for reader, names in self._readers[step.signals_key]:
            table = reader.take(count)
            for name, stored in names.items():
                values = table.column(stored).combine_chunks()
                columns[name] = columns[name].fill_null(values) if name in columns else values
        return columns


def known_everywhere(columns: Columns, rows: I64) -> bool:
    """Whether every one of `rows` was measured."""
    return (
        bool(columns) and not _unmeasured({name: values.take(pa.array(rows)) for name, values in columns.items()}).any()
    )


def _unmeasured(columns: Columns) -> Bools:
    """Return which rows have no value in any column: a label may be null where the numbers beside it are not."""
    nulls = [values.is_null().to_numpy(zero_copy_only=False) for values in columns.values()]
    nowhere: Bools = np.logical_and.reduce(nulls)
    return nowhere


def measure_missing(step: Step, batch: Batch, rows: I64, known: Columns) -> Columns:
    """Return the step's signals for a batch whose documents are the given rows of a piece.

    Only documents without a stored number are measured.
    """
    stage = step.stage
    if not isinstance(stage, Measures):
        raise TypeError(f"{step.label} measures nothing")
    if not known:
        return stage.measure(batch)
    at_hand = {name: values.take(pa.array(rows)) for name, values in known.items()}
    missing = np.flatnonzero(_unmeasured(at_hand))
    if len(missing) == 0:
        return at_hand
    chosen = pa.array(missing)
    signals = {name: values.take(chosen) for name, values in batch.signals.items()}
    fresh = stage.measure(Batch(batch.documents.take(chosen), signals))
    return {name: values.fill_null(scatter(fresh[name], missing, len(batch))) for name, values in at_hand.items()}


def stored_columns(job: Job, parts: Sequence[str], names: set[str]) -> dict[str, pa.Array]:
    """Return the row-aligned columns called `names` among a split's signals parts; what is not there is left out.

    Where several parts have a column of one name, the last one counts.
    """
    found: dict[str, pa.Array] = {}
    for part in reversed(parts):
        with job.storage.open(part) as file:
            held = set(pq.read_schema(file).names) & names - found.keys()
        table = read_part(job.storage, part, sorted(held))
        found |= {name: table.column(name).combine_chunks() for name in held}
    return found
