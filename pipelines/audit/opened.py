"""A finished build, opened to be asked.

In:  the URL of a build folder.
Out: its lock, its manifest, its splits, and rows of its parts.
Guaranteed: nothing is written; a folder that holds no finished build is refused, with what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.audit.overlay import Overlay
from pipelines.engine.job import Job
from pipelines.engine.lock import LOCK, MANIFEST, Lock, read_lock
from pipelines.engine.splits import Split
from pipelines.engine.storage import Storage, open_storage
from pipelines.errors import RequestError
from pipelines.manifest import Manifest, stored_manifest


@dataclass(frozen=True)
class Opened:
    """A finished build.

    Args:
        storage: its folder.
        lock: what it was made from and with.
        manifest: what was asked for.
        splits: in the order of their numbers.
    """

    storage: Storage
    lock: Lock
    manifest: Manifest
    splits: tuple[Split, ...]

    @property
    def job(self) -> Job:
        """The build's job, by which code of the engine reads its parts and writes none."""
        return Job(Overlay(self.storage), self.manifest, self.lock.manifest_hash)

    def parts(self, step: str) -> list[str]:
        """Return the parts of a step, in the order of its tasks; none where the build has no such step."""
        return list(self.lock.parts.get(step, ()))

    @cached_property
    def shards(self) -> list[str]:
        """The paths of all shards, sorted."""
        return sorted(self.parts("pack"))

    def verdicts_file(self, split: Split) -> str:
        """Return the path of a split's verdicts."""
        return self.parts("ledger")[split.number]

    @cached_property
    def split_of_file(self) -> dict[str, Split]:
        """Path of a verdicts file -> its split."""
        return {self.verdicts_file(split): split for split in self.splits}

    def file_names(self, source: str) -> list[str]:
        """Return the paths of a source's files, sorted."""
        return sorted({split.file.path for split in self.splits if split.source == source})


def open_folder(url: str | Path) -> Opened:
    """Open the folder of a finished build.

    Raises:
        RequestError: there is none, or it is not finished.
    """
    storage = open_storage(url)
    lock = _lock(storage)
    manifest = stored_manifest(storage.read(MANIFEST).decode(), f"{storage.url}/{MANIFEST}")
    return Opened(storage, lock, manifest, lock.planned_splits())


def _lock(storage: Storage) -> Lock:
    try:
        lock = read_lock(storage)
    except FileNotFoundError:
        raise RequestError(
            f"{storage.url} holds no build: name the folder that `gristmill build MANIFEST --out DIR` wrote"
        ) from None
    except msgspec.MsgspecError as error:
        raise RequestError(
            f"{storage.url}/{LOCK} cannot be read ({error}): another version of gristmill wrote it, or it is damaged; "
            "run the build again"
        ) from error
    if not lock.parts:
        raise RequestError(f"the build in {storage.url} is not finished: run `gristmill build` again, it goes on there")
    return lock


def rows_of(storage: Storage, part: str, rows: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
    """Return some rows of a table part, in the order asked for; only the row groups that hold them are read.

    Raises:
        IndexError: the part has no such row.
    """
    wanted = np.asarray(rows, np.int64)
    with storage.open(part) as file:
        parquet = pq.ParquetFile(file)
        counts = [parquet.metadata.row_group(number).num_rows for number in range(parquet.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < starts[-1]:
            raise IndexError(f"{storage.url}/{part} has rows 0 to {starts[-1] - 1}")
        groups = np.unique(np.searchsorted(starts, wanted, side="right") - 1)
        names = None if columns is None else list(columns)
        table = parquet.read_row_groups(groups.tolist(), columns=names, use_threads=False)
    sizes = np.diff(starts)[groups]
    places = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    held = np.searchsorted(groups, np.searchsorted(starts, wanted, side="right") - 1)
    return table.take(pa.array(wanted - starts[groups[held]] + places[held]))
