"""Done: how far a build has come, found out by running it with nobody to work.

In:  a plan, and the build folder.
Out: the steps up to the first one that is not done, with their tasks and receipts.
Guaranteed: nothing runs and nothing is written; what counts as done is what the build itself would skip.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelines.audit.overlay import Overlay
from pipelines.engine.build import Build
from pipelines.engine.job import Job
from pipelines.engine.plan import Plan
from pipelines.engine.receipts import Receipt
from pipelines.engine.runner import Runner
from pipelines.engine.workers import Run, T
from pipelines.errors import BuildError


@dataclass(frozen=True)
class StepDone:
    """How much of a step is done.

    Args:
        step: its name.
        tasks: how many tasks it has.
        done: how many of them have receipts.
    """

    step: str
    tasks: int
    done: int


@dataclass(frozen=True)
class Standing:
    """How far a build has come.

    Args:
        steps: in order, up to the first that is not done; the tasks of later ones follow from what that one gives.
        receipts: of the steps that are done, in the order of their tasks.
        stopped: why the build stops there; "" where it only waits for work.
    """

    steps: tuple[StepDone, ...] = ()
    receipts: Mapping[str, Sequence[Receipt]] = field(default_factory=dict)
    stopped: str = ""

    def of(self, step: str) -> StepDone | None:
        """Return how much of a step is done, where that is known."""
        return next((each for each in self.steps if each.step == step), None)

    @property
    def finished(self) -> bool:
        """Whether every step is done."""
        return bool(self.steps) and not self.stopped and all(each.done == each.tasks for each in self.steps)


class _Unfinished(Exception):
    """There is work to do."""


class _Nobody:
    """A cluster that takes no task."""

    def run(self, function: Run[T], job: Job, tasks: Sequence[T]) -> Iterator[tuple[T, Receipt]]:
        """Stop the build where there is a task."""
        del function, job
        if tasks:
            raise _Unfinished
        return iter(())


class _Notes:
    """A reporter that writes down how much of each step is done."""

    def __init__(self) -> None:
        self.steps: list[StepDone] = []

    def begin(self, step: str, tasks: int, done: int, size: int) -> None:
        """Write it down."""
        del size
        self.steps.append(StepDone(step, tasks, done))

    def advance(self, size: int) -> None:
        """Nothing advances here."""

    def end(self) -> None:
        """Nothing ends here."""


def standing_of(job: Job, plan: Plan) -> Standing:
    """Return how far the build in the job's folder has come."""
    notes, job = _Notes(), replace(job, storage=Overlay(job.storage))
    runner = Runner(job, _Nobody(), notes)
    stopped = ""
    try:
        Build(plan, runner).run()
    except _Unfinished:
        pass
    except BuildError as error:
        stopped = str(error)
    return Standing(tuple(notes.steps), runner.receipts, stopped)
