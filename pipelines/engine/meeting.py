"""Meeting: rows of earlier builds beside those of this one, in one exchange.

In:  rows files of this build and of earlier ones.
Out: the rows of a key range.
Guaranteed: total order; documents of earlier builds rank before all others, in the order of the builds, and never fall;
an earlier build of which a file is gone stops this one with its name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from pipelines.engine.exchange import Rows, read_partition
from pipelines.engine.rows import total_order
from pipelines.engine.storage import Storage
from pipelines.errors import SourceChanged


@dataclass(frozen=True)
class EarlierRows:
    """Rows of one earlier build, as they take part in an exchange.

    Args:
        storage: where the files are.
        files: number of the split among all that meet, and rows file, of each.
        position: before their own place in `keep`, so many places are taken by builds that rank before.
    """

    storage: Storage
    files: tuple[tuple[int, str], ...]
    position: int

    def read(self, partition: int, partitions: int) -> Rows:
        """Return the rows of a key range: no document of theirs ever falls.

        Raises:
            SourceChanged: a file is gone.
        """
        with naming_build(self.storage):
            return ranked(read_partition(self.storage, self.files, partition, partitions), self.position, exempt=True)


@contextmanager
def naming_build(storage: Storage) -> Iterator[None]:
    """Say that it is an earlier build of which a file cannot be read."""
    try:
        yield
    except OSError as error:
        raise SourceChanged(
            f"the earlier build in {storage.url} changed while it was compared with: {error}; bring back what was "
            "there, or run the same command again to compare with what is there now"
        ) from error


def ranked(rows: Rows, position: int, *, exempt: bool = False) -> Rows:
    """Return rows whose documents rank so many places further back, and perhaps never fall; bands know no rank."""
    if "position" not in (rows.header.dtype.names or ()):
        return rows
    header = rows.header.copy()
    header["position"] += np.uint32(position)
    if exempt:
        header["exempt"] = 1
    return Rows(header, rows.payload)


@dataclass(frozen=True)
class Earlier:
    """All earlier builds in one exchange.

    Args:
        rows: of each build.
        contents: hashes of all that decides them.
        documents: how many came to the stage in those builds.
        bytes: size of the rows files.
        places: in rank, that these builds take before the documents of this one.
    """

    rows: tuple[EarlierRows, ...] = ()
    contents: tuple[object, ...] = ()
    documents: int = 0
    bytes: int = 0
    places: int = 0

    def beside(self, own: Rows, partition: int, partitions: int) -> Rows:
        """Return rows of this build and those of earlier ones of the same key range, in total order."""
        if not self.rows:
            return own
        rows = Rows.concat([ranked(own, self.places), *(each.read(partition, partitions) for each in self.rows)])
        return rows.take(total_order(rows["key"], rows.split, rows["row"], rows["slot"]))
