"""Replay: the final texts of documents, made again by the code that made them.

In:  a finished build, a split, and rows of it.
Out: the text of each row, as it was when the tokenizer saw it.
Guaranteed: token runs are not looked at; the source or the stored text is read again, and the last pass is walked again
by the engine's own steps. A source that is not what it was is refused by the file's name.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.audit.opened import Opened
from pipelines.engine.build import Build, after_home, after_map
from pipelines.engine.job import Holding, Job
from pipelines.engine.mapping import MapTask, walks
from pipelines.engine.measured import StoredSignals
from pipelines.engine.pieces import source_pieces
from pipelines.engine.plan import Plan
from pipelines.engine.progress import Silent
from pipelines.engine.receipts import Receipt, load_receipt
from pipelines.engine.recording import Records
from pipelines.engine.route import route_of
from pipelines.engine.runner import Runner
from pipelines.engine.splits import Split
from pipelines.engine.workers import InProcess
from pipelines.errors import GristmillError, RequestError


def final_documents(build: Opened, split: Split, rows: Collection[int]) -> dict[int, pa.RecordBatch]:
    """Return some rows of a split with their final texts, each alone; rows that fell are left out.

    Raises:
        RequestError: what the build left under `work/` is gone, or so is the source file.
        SourceChanged: the source file is not what it was.
    """
    wanted = np.fromiter(sorted(rows), np.int64, len(rows))
    try:
        return dict(_documents(build.job, last_task(build, split), wanted))
    except FileNotFoundError as error:
        raise RequestError(
            f"{error.filename or error} is gone, and the text of {split.source}/{split.file.path} cannot be made "
            "again without it: bring it back, or build again"
        ) from error


def _documents(job: Job, task: MapTask, wanted: npt.NDArray[np.int64]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Walk the last pass again, to its end, which is where a changed source is found out."""
    records = Records(job, task.holding)
    if records.known is None:
        raise FileNotFoundError(f"{job.storage.url}/{records.part}")
    with records:
        for walk in walks(job, task, records.pieces(), StoredSignals(job, records.key)):
            walk.narrow()
            rows = walk.piece.first + walk.rows
            chosen = np.flatnonzero(np.isin(rows, wanted))
            yield from ((int(rows[at]), walk.documents.take(pa.array([at]))) for at in chosen)


def first_texts(build: Opened, split: Split, rows: Collection[int], most: int) -> dict[int, str]:
    """Return the first characters of some rows' texts, as the source gives them; of what cannot be read, none."""
    texts: dict[int, str] = {}
    with suppress(OSError, GristmillError):
        for piece in source_pieces(build.job, split):
            here = [row for row in rows if piece.first <= row < piece.first + piece.records.num_rows]
            cut = pc.utf8_slice_codeunits(piece.text, 0, most)
            texts |= {row: cut[row - piece.first].as_py() for row in here}
            if len(texts) == len(rows):
                break
    return texts


@dataclass(frozen=True)
class Leg:
    """What one pass did with a split.

    Args:
        task: the pass, and what the passes before it left of the split.
        delta: part that says who fell in it.
        home: part that says who fell in the exchange behind it; None where there is none.
    """

    task: MapTask
    delta: str
    home: str | None


class Trail:
    """What each pass of a build left of every split, by its own manifest or by one that only judges otherwise.

    Args:
        build: the build; its manifest says what the passes are.
    """

    def __init__(self, build: Opened) -> None:
        self.run = run_of(build)
        self._build = build
        passes = self.run.plan.passes
        self._maps = [build.parts(f"pass {number + 1} of {passes}") for number in range(passes)]
        self._homes = [_homes(build, self.run.plan, number) for number in range(passes)]

    def legs(self, split: Split) -> list[Leg]:
        """Return what each pass did with a split.

        Raises:
            FileNotFoundError: what a pass left is gone.
        """
        holding, legs = Holding(split), list[Leg]()
        for number, work in enumerate(self.run.plan.routes[split.source]):
            task = self.run.map_task(holding, number)
            part, home = self._maps[number][split.number], self._homes[number].get(split.number)
            legs.append(Leg(task, part, home))
            holding = after_map(holding, task, _receipt(self._build, part))
            if home is not None and work.links:
                holding, legs[-1] = replace(holding, components=home), Leg(task, part, None)
            elif home is not None:
                holding = after_home(holding, _receipt(self._build, home), work.exchange_label if work.cuts else "")
        return legs


def last_task(build: Opened, split: Split) -> MapTask:
    """Return the last map task of a split, with what the passes before it left."""
    return Trail(build).legs(split)[-1].task


def run_of(build: Opened) -> Build:
    """Return the run of the build, as far as it knows the tokenizer."""
    routes = {source: route_of(build.manifest, source) for source in sorted(build.manifest.sources)}
    run = Build(Plan(build.splits, routes), Runner(build.job, InProcess(), Silent()))
    run.encoder, run.encoder_hash = build.lock.tokenizer, build.lock.tokenizer_hash
    run.fitted |= build.lock.fits
    return run


def _homes(build: Opened, plan: Plan, number: int) -> dict[int, str]:
    """Return, by split, the part that the exchange behind pass `number` wrote for it."""
    works = {split.number: plan.routes[split.source][number] for split in plan.splits}
    taking_part = {split: work for split, work in works.items() if work.exchange is not None}
    labels = {work.exchange_label for work in taking_part.values()}
    parts = [part for label in labels for part in build.parts(f"{label} {number + 1}: bring home")]
    return dict(zip(taking_part, parts, strict=True))


def _receipt(build: Opened, part: str) -> Receipt:
    receipt = load_receipt(build.storage, part)
    if receipt is None:
        raise FileNotFoundError(f"{build.storage.url}/{part}")
    return receipt
