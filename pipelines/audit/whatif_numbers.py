"""The numbers at hand: what a stage would be judged by, as far as it was measured.

In:  a split of a finished build, and the steps of a pass.
Out: columns by the names that stages and expressions use, one value per record, each read only when it is asked for.
Guaranteed: a number counts for the text version and the measuring options that it was measured with, and no other;
what was not measured is null, and told apart from a null that a source gave.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.batch import Stage
from filters.fitting import NamesSignals
from filters.signals import SIGNALS
from pipelines.engine.job import Job
from pipelines.engine.parts import read_part
from pipelines.engine.receipts import Receipt, receipts_below
from pipelines.engine.route import Step

Bools = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]


class Shelf:
    """All that builds in this folder measured of a split, and its records.

    Args:
        job: the build.
        source: name of the split's source.
        records: path of the split's records part.
    """

    def __init__(self, job: Job, source: str, records: str) -> None:
        self._job = job
        self._source = source
        self._records = records
        self._receipts: list[Receipt] | None = None
        with job.storage.open(records) as file:
            metadata = pq.read_metadata(file)
        self.count = int(metadata.num_rows)
        self.columns = {*metadata.schema.to_arrow_schema().names, "source"} - {"ordinal", "uid", "problem"}

    def record(self, name: str) -> pa.Array:
        """Return a column of the records; `source` is the same for all of them."""
        if name == "source":
            return pa.array([self._source], pa.string()).take(pa.array(np.zeros(self.count, np.int8)))
        return read_part(self._job.storage, self._records, [name]).column(0).combine_chunks()

    def _holding(self, step: Step) -> list[Receipt]:
        if self._receipts is None:
            key = PurePosixPath(self._records).stem
            self._receipts = receipts_below(self._job.storage, f"work/signals/{key}")
        return [receipt for receipt in self._receipts if step.signals_key in receipt.info["steps"]]

    def names(self, step: Step) -> set[str]:
        """Return the signals that a step measures."""
        stored = (receipt.info["steps"][step.signals_key] for receipt in self._holding(step))
        return measured_by(step.stage).union(*stored)

    def read(self, step: Step, name: str) -> pa.Array | None:
        """Return a signal of a step, null where it was not measured; None where it never was."""
        found: pa.Array | None = None
        for receipt in self._holding(step):
            stored = receipt.info["steps"][step.signals_key].get(name)
            if stored is not None:
                values = read_part(self._job.storage, receipt.part, [stored]).column(0).combine_chunks()
                found = values if found is None else found.fill_null(values)
        return found


def measured_by(stage: Stage) -> set[str]:
    """Return the signals that a stage says it measures."""
    return set(stage.signals if isinstance(stage, NamesSignals) else stage.measured)


class Numbers(Mapping[str, pa.Array]):
    """What a judge sees at its place in a pass; it notes what it is asked for.

    Args:
        shelf: what is known of the split.
        chars: lengths of the texts that the pass begins with, null where that is not known.
    """

    def __init__(self, shelf: Shelf, chars: pa.Array) -> None:
        self.asked: set[str] = set()
        self.chars = chars
        self.count = shelf.count
        self._shelf = shelf
        self._places: dict[str, tuple[Step, str]] = {}
        self._read: dict[tuple[str, str], pa.Array] = {}

    def measure(self, step: Step) -> None:
        """From here on, names mean what this step measured."""
        for name in self._shelf.names(step):
            self._places[name] = self._places[name + step.suffix] = (step, name)

    def edit(self, chars: pa.Array) -> None:
        """Begin a new text version, of which the lengths are known as far as `chars` has them."""
        self._places = {name: place for name, place in self._places.items() if "@" in name}
        self.chars = chars

    def __len__(self) -> int:
        return len(set(self))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({"chars", *self._shelf.columns, *self._places}))

    def __contains__(self, name: object) -> bool:
        return name in self._places or name in self._shelf.columns or _base(name) in SIGNALS

    def __getitem__(self, name: str) -> pa.Array:
        self.asked.add(name)
        if name == "chars":
            return self.chars
        return self._column(*self._places.get(name, (None, name)))

    def _column(self, step: Step | None, name: str) -> pa.Array:
        key = ("" if step is None else step.signals_key, name)
        if key not in self._read:
            self._read[key] = self._look_up(step, name)
        return self._read[key]

    def _look_up(self, step: Step | None, name: str) -> pa.Array:
        if step is None and name in self._shelf.columns:
            return self._shelf.record(name)
        found = None if step is None else self._shelf.read(step, name)
        kind = SIGNALS[_base(name)].dtype if _base(name) in SIGNALS else pa.float32()
        return pa.nulls(self._shelf.count, kind) if found is None else found

    def missing(self, name: str) -> Bools:
        """Return which documents lack a number that was to be measured; what a source leaves out is not missing.

        As for the engine, documents were measured by a step where its first signal is not null.
        """
        if name != "chars" and name not in self._places and name in self._shelf.columns:
            return np.zeros(self._shelf.count, np.bool_)
        absent: Bools = self[name].is_null().to_numpy(zero_copy_only=False)
        if name in self._places and absent.any():
            step, _ = self._places[name]
            absent &= self._column(step, min(self._shelf.names(step))).is_null().to_numpy(zero_copy_only=False)
        return absent


def _base(name: object) -> str:
    """Return a signal's name without the editors behind it."""
    return str(name).partition("@")[0]


def filled(values: pa.Array, rows: I64, numbers: pa.Array) -> pa.Array:
    """Return the array with the whole numbers that another has at some rows."""
    known = values.fill_null(0).to_numpy(zero_copy_only=False).copy()
    present = values.is_valid().to_numpy(zero_copy_only=False).copy()
    known[rows] = numbers.take(pa.array(rows)).cast(values.type).to_numpy(zero_copy_only=False)
    present[rows] = True
    return pa.array(known, values.type, mask=~present)
