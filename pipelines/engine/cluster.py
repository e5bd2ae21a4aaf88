"""The cluster: tasks on Ray. The only module that talks to it.

In:  a function, the job, and tasks.
Out: receipts, as tasks finish.
Guaranteed: Ray schedules and carries nothing but tasks and receipts; a worker that dies is replaced and its task tried
    again; an error of a task reaches the caller as it was raised.
"""

import logging
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray  # noqa: TID251 - this is the module that talks to Ray

from pipelines.engine.job import Job
from pipelines.engine.receipts import Receipt, load_receipt
from pipelines.engine.workers import Cluster, Run, T, one_core
from pipelines.errors import BuildError, RequestError

RETRIES = 8
"""How often a task whose worker died is tried again."""

STORE_BYTES = 100 << 20
"""Ray's object store: it holds tasks and receipts only."""


class OnRay:
    """Runs tasks on a Ray cluster, a bounded number at a time.

    Args:
        slots: tasks in flight.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._remote: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(_run_here)

    def run(self, function: Run[T], job: Job, tasks: Sequence[T]) -> Iterator[tuple[T, Receipt]]:
        """Run all tasks, as slots fall free."""
        shared = ray.put(job)
        waiting = iter(tasks)
        running: dict[Any, T] = {}
        while True:
            for task in _first(waiting, self._slots - len(running)):
                running[self._remote.remote(function, shared, task)] = task
            if not running:
                return
            done, _ = ray.wait(list(running), num_returns=1)
            for reference in done:
                task = running.pop(reference)
                yield task, _result(reference, task.part(job))


def _first(tasks: Iterator[T], count: int) -> Iterable[T]:
    return [task for _, task in zip(range(count), tasks, strict=False)]


def _result(reference: Any, part: str) -> Receipt:  # noqa: ANN401 - Ray's own reference
    try:
        receipt: Receipt = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise BuildError(
            f"{part}: no worker could finish it in {RETRIES + 1} attempts ({error}); most often a machine had "
            "no memory left: give it fewer --workers, and run the same command again"
        ) from error
    return receipt


def _run_here(function: Run[T], job: Job, task: T) -> Receipt:
    """Run a task, unless an attempt before this one died between its receipt and its answer."""
    one_core()
    return load_receipt(job.storage, task.part(job)) or function(job, task)


@contextmanager
def connected(address: str, workers: int | None) -> Iterator[Cluster]:
    """Give a Ray cluster; see `pipelines.engine.workers.open_cluster`."""
    _connect(address, workers)
    try:
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield OnRay(workers or int(resources.get("CPU", 1)))
    finally:
        ray.shutdown()


def _connect(address: str, workers: int | None) -> None:
    """Join the cluster at `address`, or start one on this machine.

    Raises:
        RequestError: no cluster answers there.
    """
    if address == "auto":
        _join_or_start(workers)
        return
    package = Path(__file__).parents[2]
    modules = [str(package / name) for name in ("pipelines", "filters", "synth")]
    try:
        ray.init(address, runtime_env={"py_modules": modules}, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        raise RequestError(
            f"--address {address}: no Ray cluster answers there ({error}). Start one with `ray start --head` and name "
            "it as ray://HOST:10001; where Ray asks for a token, set RAY_AUTH_TOKEN_PATH to a copy of the head's "
            "~/.ray/auth_token"
        ) from error


def _join_or_start(workers: int | None) -> None:
    """Join the cluster that runs on this machine; where none does, start one that ends with this process."""
    if _runs_here():
        ray.init("auto", logging_level=logging.ERROR)
        return
    ray.init(
        "local",
        num_cpus=workers,
        include_dashboard=False,
        object_store_memory=STORE_BYTES,
        logging_level=logging.ERROR,
        log_to_driver=False,
    )


def _runs_here() -> bool:
    """Whether the cluster that Ray would join answers.

    Ray notes its last cluster's address in a file; one that was killed leaves it behind, and joining it would wait
    for minutes before it fails.
    """
    note = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"  # noqa: S108 - Ray's own place
    address = os.environ.get("RAY_ADDRESS") or (note.read_text() if note.is_file() else "")
    host, _, port = address.strip().rpartition(":")
    if not port.isdigit():
        return False
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True
