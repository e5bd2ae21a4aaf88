"""The runner: steps of tasks, skipping those whose receipts are there.

In:  a step's name, its function and its tasks.
Out: the receipts of all of them, in the order of the tasks.
Guaranteed: a task whose receipt exists is not run again; what ran, and how long it took, is in `runs.jsonl` only.
"""

import time
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import msgspec

from pipelines.engine.job import Job, Product, Task
from pipelines.engine.progress import Reporter
from pipelines.engine.receipts import Receipt, forget, load_receipt, receipts_below
from pipelines.engine.workers import Cluster, Run

T = TypeVar("T", bound=Task)

LOG = "runs.jsonl"


class Runner:
    """Runs the steps of one build.

    Args:
        job: the build.
        cluster: where tasks run.
        reporter: who is told.
    """

    def __init__(self, job: Job, cluster: Cluster, reporter: Reporter) -> None:
        self.job = job
        self.receipts: dict[str, list[Receipt]] = {}
        self._cluster = cluster
        self._reporter = reporter

    def run(
        self, step: str, function: Run[T], tasks: Sequence[T], size: Callable[[T], int] = lambda _: 0
    ) -> list[Receipt]:
        """Run what has no receipt yet; `size` gives the bytes of input that a task reads."""
        receipts = {task.part(self.job): self._known(task) for task in tasks}
        waiting = [task for task in tasks if receipts[task.part(self.job)] is None]
        if self.job.resources.reverse:
            waiting.reverse()
        self._reporter.begin(step, len(tasks), len(tasks) - len(waiting), sum(size(task) for task in waiting))
        started = time.monotonic()
        for task, receipt in self._cluster.run(function, self.job, waiting):
            receipts[task.part(self.job)] = receipt
            self._reporter.advance(size(task))
            self.log({"event": "task", "step": step, "part": receipt.part})
        self._reporter.end()
        self.log(
            {"event": "step", "step": step, "tasks": len(waiting), "seconds": round(time.monotonic() - started, 3)}
        )
        self.receipts[step] = [receipt for receipt in receipts.values() if receipt is not None]
        return self.receipts[step]

    def _known(self, task: Task) -> Receipt | None:
        """Return the receipt of a task that is done; sweep a product of another manifest away."""
        part = task.part(self.job)
        receipt = load_receipt(self.job.storage, part)
        if receipt is None or not isinstance(task, Product) or receipt.info["stamp"] == task.stamp:
            return receipt
        forget(self.job.storage, part)
        return None

    def sweep(self, folder: str, wanted: Collection[str]) -> None:
        """Delete all files below a folder but those wanted: products of another manifest, with a receipt or without."""
        for receipt in receipts_below(self.job.storage, folder):
            if receipt.part not in wanted:
                forget(self.job.storage, receipt.part)
        for path in self.job.storage.list(folder):
            if path not in wanted:
                self.job.storage.delete(path)

    def log(self, event: dict[str, object]) -> None:
        """Add a line to `runs.jsonl`."""
        line = {"time": round(time.time(), 3), **event}
        self.job.storage.append(LOG, msgspec.json.encode(line) + b"\n")
