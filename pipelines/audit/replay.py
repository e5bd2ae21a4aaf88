"""Replay: the final texts of documents, made again by the code that made them.

In:  a finished build, a split, and rows of it.
Out: the text of each row, as it was when the tokenizer saw it.
Guaranteed: token runs are not looked at; the source or the stored text is read again, and the last pass is walked again
by the engine's own steps. A source that is not what it was is refused by the file's name.
"""

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.audit.opened import Opened
from pipelines.engine.build import Build, after_home, after_map
from pipelines.engine.job import Holding, Job
from pipelines.engine.mapping import MapTask, walks
from pipelines.engine.measured import StoredSignals
from pipelines.engine.plan import Plan
from pipelines.engine.progress import Silent
from pipelines.engine.receipts import Receipt, load_receipt
from pipelines.engine.recording import Records
from pipelines.engine.route import Pass, route_of
from pipelines.engine.runner import Runner
from pipelines.engine.splits import Split
from pipelines.engine.workers import InProcess
from pipelines.errors import RequestError


def final_texts(build: Opened, split: Split, rows: Collection[int]) -> dict[int, str]:
    """Return the final text of some rows of a split; rows that fell are left out.

    Raises:
        RequestError: what the build left under `work/` is gone, or so is the source file.
        SourceChanged: the source file is not what it was.
    """
    wanted = np.fromiter(sorted(rows), np.int64, len(rows))
    try:
        return dict(_texts(build.job, last_task(build, split), wanted))
    except FileNotFoundError as error:
        raise RequestError(
            f"{error.filename or error} is gone, and the text of {split.source}/{split.file.path} cannot be made "
            "again without it: bring it back, or build again"
        ) from error


def _texts(job: Job, task: MapTask, wanted: npt.NDArray[np.int64]) -> Iterator[tuple[int, str]]:
    """Walk the last pass again, to its end, which is where a changed source is found out."""
    records = Records(job, task.holding)
    if records.known is None:
        raise FileNotFoundError(f"{job.storage.url}/{records.part}")
    with records:
        for walk in walks(job, task, records.pieces(), StoredSignals(job, records.key)):
            walk.narrow()
            rows = walk.piece.first + walk.rows
            chosen = np.flatnonzero(np.isin(rows, wanted))
            texts = walk.documents.column("text").take(pa.array(chosen))
            yield from zip(rows[chosen].tolist(), texts.to_pylist(), strict=True)


def last_task(build: Opened, split: Split) -> MapTask:
    """Return the last map task of a split, with what the passes before it left."""
    run = _run_of(build)
    route = run.plan.routes[split.source]
    holding = Holding(split)
    for number, work in enumerate(route[:-1]):
        task = run.map_task(holding, number)
        part = build.parts(f"pass {number + 1} of {len(route)}")[split.number]
        holding = after_map(holding, task, _receipt(build, part))
        if work.exchange is not None:
            receipt = _receipt(build, _home(build, run.plan, split, number))
            holding = after_home(holding, receipt, cuts=work.cuts)
    return run.map_task(holding, len(route) - 1)


def _run_of(build: Opened) -> Build:
    """Return the run of the build, as far as it knows the tokenizer."""
    routes = {source: route_of(build.manifest, source) for source in sorted(build.manifest.sources)}
    run = Build(Plan(build.splits, routes), Runner(build.job, InProcess(), Silent()))
    run.encoder, run.encoder_hash = build.lock.tokenizer, build.lock.tokenizer_hash
    return run


def _home(build: Opened, plan: Plan, split: Split, number: int) -> str:
    """Return the part that the exchange behind pass `number` wrote for a split."""
    works: list[Pass] = [plan.routes[each.source][number] for each in plan.splits]
    taking_part = [each.number for each, work in zip(plan.splits, works, strict=True) if work.exchange is not None]
    label = works[split.number].exchange_label
    return build.parts(f"{label} {number + 1}: bring home")[taking_part.index(split.number)]


def _receipt(build: Opened, part: str) -> Receipt:
    receipt = load_receipt(build.storage, part)
    if receipt is None:
        raise FileNotFoundError(f"{build.storage.url}/{part}")
    return receipt
