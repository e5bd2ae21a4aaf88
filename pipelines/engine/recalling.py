"""Recalling: what earlier builds keep of a stage takes part in its exchanges.

In:  the builds that `against` names; the components that the first exchange of a stage made of all documents.
Out: rows files for the exchanges, numbered behind all splits of this build.
Guaranteed: nothing is written to an earlier build, and no text of it is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.dedup.earlier import EarlierBuild, split_number
from pipelines.dedup.exchanges import Comparing, Recalling
from pipelines.engine.earlier import Keyed, SplitKeys, StageKeys, find_keys
from pipelines.engine.exchange import Emitter, Rows, read_keys
from pipelines.engine.job import Job
from pipelines.engine.keys import key_of
from pipelines.engine.meeting import Earlier, EarlierRows, naming_build
from pipelines.engine.parts import read_part
from pipelines.engine.receipts import FileNote, Receipt, save_receipt
from pipelines.engine.storage import Storage, open_storage
from pipelines.errors import RequestError

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EarlierKeys:
    """One earlier build beside this one.

    Args:
        storage: its folder.
        number: its place among those of `against`, from 1.
        position: how many places in rank are taken by the builds before it.
        keys: what it keeps.
    """

    storage: Storage
    number: int
    position: int
    keys: StageKeys

    @property
    def places(self) -> int:
        """The places that its own documents take: one for each source that `keep` named, and one for all others."""
        return len(self.keys.options["keep"]) + 1

    def file(self, split: int, path: str) -> tuple[int, str]:
        """Return a file with the number that its split has in an exchange."""
        return split_number(self.number, split), path


def open_earlier(keyed: Keyed) -> tuple[EarlierKeys, ...]:
    """Find the keys that a stage's manifest was checked with; none where it cannot be compared with earlier builds.

    Raises:
        SourceChanged: they are no longer those.
    """
    opened: list[EarlierKeys] = []
    for number, build in enumerate(keyed.stage.earlier if isinstance(keyed.stage, Comparing) else (), 1):
        storage, position = open_storage(build.path), sum(each.places for each in opened)
        with naming_build(storage):
            opened.append(EarlierKeys(storage, number, position, _unchanged(build, keyed)))
    return tuple(opened)


def _unchanged(build: EarlierBuild, keyed: Keyed) -> StageKeys:
    try:
        keys = find_keys(build.path, keyed)
    except RequestError as error:
        raise OSError(str(error)) from error
    if keys.content != build.content:
        raise OSError("other keys are there now")
    return keys


def emitted_rows(builds: Sequence[EarlierKeys]) -> Earlier:
    """Return what the map tasks of earlier builds sent to the first exchange of a stage."""
    splits = [split for build in builds for split in build.keys.splits]
    rows = tuple(
        EarlierRows(
            build.storage,
            tuple(build.file(at, split.rows) for at, split in enumerate(build.keys.splits)),
            build.position,
        )
        for build in builds
    )
    contents = tuple(["earlier", build.keys.content, build.position] for build in builds)
    documents, size = sum(build.keys.documents for build in builds), sum(split.bytes for split in splits)
    return Earlier(rows, contents, documents, size, sum(build.places for build in builds))


@dataclass(frozen=True)
class RecallTask:
    """Brings the documents of one split of an earlier build that are members of components.

    Args:
        storage: the earlier build.
        split: what it keeps of the split.
        number: of the split among all that meet.
        stage: to which they come.
        input: the rows file of the components task.
        exchange: key of the exchange that found them.
    """

    storage: Storage
    split: SplitKeys
    number: int
    stage: Recalling
    input: str
    exchange: str

    def part(self, job: Job) -> str:
        """Return the path of the rows file that the task writes."""
        del job
        return f"work/rows/{key_of(['recall', self.exchange, self.number])}.rows"


def recall_tasks(builds: Sequence[EarlierKeys], stage: Recalling, found: str, exchange: str) -> list[RecallTask]:
    """Return a task for every split of the earlier builds."""
    return [
        RecallTask(build.storage, split, split_number(build.number, at), stage, found, exchange)
        for build in builds
        for at, split in enumerate(build.keys.splits)
    ]


def recalled_rows(job: Job, builds: Sequence[EarlierKeys], receipts: Sequence[Receipt]) -> Earlier:
    """Return what recall tasks brought for the second exchange of a stage; `receipts` are in the order of the tasks."""
    brought, rows = iter(receipts), []
    for build in builds:
        files = tuple(build.file(at, next(brought).part) for at in range(len(build.keys.splits)))
        rows.append(EarlierRows(job.storage, files, build.position))
    size = sum(note.bytes for receipt in receipts for note in receipt.files.values())
    contents = tuple(["recalled", receipt.content] for receipt in receipts)
    return Earlier(tuple(rows), contents, 0, size, sum(build.places for build in builds))


def run_recall(job: Job, task: RecallTask) -> Receipt:
    """Write the rows of the members that stayed in their build."""
    low, part = task.number << 32, task.part(job)
    members = read_keys(job.storage, [(0, task.input)], low, low + (1 << 32))
    with naming_build(task.storage):
        members, uids = _staying(task, members)
    with Emitter(job.storage, part, task.stage.layout, job.resources.spill_bytes) as emitter:
        for some, shingles in _with_shingles(task, members):
            emitter.add(task.stage.recall(members.take(some), uids[some], shingles))
        notes = emitter.close()
    files = {part: FileNote(bytes=notes.bytes, hash=notes.content)}
    return save_receipt(job.storage, Receipt(part, files, notes.content, {"rows": notes.rows}))


def _staying(task: RecallTask, members: Rows) -> tuple[Rows, U64]:
    """Return the members that were alive behind the stage, and their uids."""
    alive = read_part(task.storage, task.split.delta, ["alive"]).column("alive").to_numpy()
    members = members.take(alive[members["row"]])
    uids = read_part(task.storage, task.split.records, ["uid"]).column("uid").to_numpy()
    return members, uids[members["row"]]


def _with_shingles(task: RecallTask, members: Rows) -> Iterator[tuple[I64, pa.Array | None]]:
    """Yield places of members, and their shingles where these are compared; few row groups are in memory at once."""
    if not task.stage.needs_shingles:
        yield np.arange(len(members)), None
        return
    with naming_build(task.storage), task.storage.open(task.split.shingles) as file:
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups):
            rows = parquet.read_row_group(group, columns=["row"], use_threads=False).column("row").to_numpy()
            places, theirs, ours = np.intersect1d(rows, members["row"], assume_unique=True, return_indices=True)
            if len(places):
                table = parquet.read_row_group(group, columns=["shingles"], use_threads=False)
                yield ours, table.column("shingles").combine_chunks().take(pa.array(theirs))
