"""What a companion file tells of documents, and how it is joined to them.

In:  the ids and columns of a companion, and raw batches of documents.
Out: the batches with the companion's columns.
Guaranteed: a row belongs to the document whose id it has. Of several rows with one id it is the one at the document's
own place in its file, else the first; a document without a row has null, or what the companion says of such.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.companions import Companion

I64 = npt.NDArray[np.int64]

NOWHERE = -1


@dataclass(frozen=True)
class Told:
    """What a companion file holds.

    Args:
        ids: string array, one per row; null where a row cannot be read.
        columns: arrays of the same length, by the names in the manifest.
        problem: what is wrong with the file, in one line; "" where nothing is.
    """

    ids: pa.StringArray
    columns: Mapping[str, pa.Array]
    problem: str = ""


@dataclass
class Joining:
    """Joins one companion file to the documents of a split, and counts.

    Args:
        companion: what the file is.
        told: what it holds; None where there is no file.
        documents: readable documents so far.
        without: of these, how many have no row, or one that says nothing.
        claimed: which rows some document has claimed.
    """

    companion: Companion
    told: Told | None
    documents: int = 0
    without: int = 0
    claimed: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        self.claimed = np.zeros(0 if self.told is None else len(self.told.ids), np.bool_)

    def join(self, raw: pa.RecordBatch) -> dict[str, pa.Array]:
        """Return the companion's columns for a raw batch."""
        readable = raw.column("problem").is_null().to_numpy(zero_copy_only=False)
        places = np.full(len(raw), NOWHERE, np.int64) if self.told is None else _places(self.told.ids, raw)
        self.claimed[places[places != NOWHERE]] = True
        columns = {name: self._column(name, places, readable) for name in self.companion.schema.names}
        said = np.logical_or.reduce([values.is_valid().to_numpy(zero_copy_only=False) for values in columns.values()])
        self.documents += int(readable.sum())
        self.without += int((readable & ~said).sum())
        return columns

    def _column(self, name: str, places: I64, readable: npt.NDArray[np.bool_]) -> pa.Array:
        kind = self.companion.schema.field(name).type
        if self.told is None:
            return pa.nulls(len(places), kind)
        values = self.told.columns[name].take(pa.array(places, mask=places == NOWHERE))
        if self.companion.kind == "listing" and not self.told.problem:
            return pc.if_else(pa.array(readable), values.fill_null(False), pa.scalar(None, pa.bool_()))
        return values


def _places(ids: pa.StringArray, raw: pa.RecordBatch) -> I64:
    """Return the row of each document among `ids`, or `NOWHERE`."""
    wanted = raw.column("id")
    places: I64 = raw.column("ordinal").to_numpy().astype(np.int64)
    places[places >= len(ids)] = NOWHERE
    guessed = ids.take(pa.array(places, mask=places == NOWHERE))
    right = pc.equal(guessed, wanted).fill_null(False).to_numpy(zero_copy_only=False)
    if not right.all():
        found = pc.index_in(wanted, value_set=ids, skip_nulls=True).fill_null(NOWHERE).to_numpy(zero_copy_only=False)
        places[~right] = found[~right]
    return places
