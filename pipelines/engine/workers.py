"""Workers: where tasks run, in this process or on a Ray cluster.

In:  a function, the job, and tasks.
Out: receipts, as tasks finish.
Guaranteed: the same tasks give the same receipts wherever they run; Ray is imported only where it is asked for.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa

from pipelines.engine.job import Job, Task
from pipelines.engine.receipts import Receipt

T = TypeVar("T", bound=Task)
Run = Callable[[Job, T], Receipt]


class Cluster(Protocol):
    """Somewhere to run tasks."""

    def run(self, function: Run[T], job: Job, tasks: Sequence[T]) -> Iterator[tuple[T, Receipt]]:
        """Run all tasks and give each with its receipt, in the order in which they finish."""


class InProcess:
    """Runs tasks one after another, here."""

    def run(self, function: Run[T], job: Job, tasks: Sequence[T]) -> Iterator[tuple[T, Receipt]]:
        """Run all tasks, in order."""
        for task in tasks:
            yield task, function(job, task)


def one_core() -> None:
    """Keep libraries from starting threads: the scheduler gives a task one core."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["RAYON_NUM_THREADS"] = "1"
    os.environ["OMP_NUM_THREADS"] = "1"
    pa.set_cpu_count(1)


@contextmanager
def open_cluster(address: str, workers: int | None) -> Iterator[Cluster]:
    """Give a place to run tasks, and close it at the end.

    Args:
        address: `none` runs tasks in this process; `auto` joins the machine's Ray cluster or starts one here;
            `ray://host:port` joins a remote one.
        workers: tasks at a time; None is one per core of the cluster.
    """
    if address == "none":
        one_core()
        yield InProcess()
        return
    _show_token()
    from pipelines.engine.cluster import connected  # noqa: PLC0415 - Ray takes half a second to import

    with connected(address, workers) as cluster:
        yield cluster


def _show_token() -> None:
    """Let Ray use the token it keeps here: its clusters ask for one, and its client sends none unasked."""
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    if "RAY_AUTH_TOKEN" in os.environ or token.is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
