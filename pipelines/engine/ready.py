"""Ready: the steps of a pass with everything their stages need to work.

In:  steps, or exchanges, as the manifest declares them, and the build folder.
Out: the same; a stage that reads files, or works with what was fitted, has it in memory.
Guaranteed: each process loads a stage once, where it works; a stage is known by its options and by contents of files.
"""

from dataclasses import replace
from typing import TypeVar, cast

from filters.batch import Loads, Stage
from filters.fitting import Fitted
from pipelines.engine.compiling import compile_kernels
from pipelines.engine.job import Job
from pipelines.engine.route import Step
from pipelines.engine.sealing import read_input
from pipelines.errors import BuildError

T = TypeVar("T")

_READY: dict[tuple[type[Stage], str, str], Stage] = {}
"""Stages that this process has loaded, by their options and what was fitted for them."""


def ready(job: Job, step: Step) -> Step:
    """Return the step with its stage at work.

    Raises:
        ValueError: what the stage waits for was not fitted.
        BuildError: the stage cannot work with its files.
    """
    if step.waits:
        raise ValueError(f"{step.label} waits for {step.fit}")
    working = replace(step, stage=_at_work(job, step))
    compile_kernels(working.stage)
    return working


def _at_work(job: Job, step: Step) -> Stage:
    if not step.fitted and not isinstance(step.stage, Loads):
        return step.stage
    name = (type(step.stage), step.stage.model_dump_json(), step.fitted)
    if name not in _READY:
        _READY[name] = _loaded(job, step)
    return _READY[name]


def with_files(job: Job, stage: T, label: str) -> T:
    """Return a stage, or an exchange, with the files that it reads in memory.

    Raises:
        BuildError: it cannot work with them.
    """
    if not isinstance(stage, Loads):
        return stage
    try:
        return cast("T", stage.load(lambda file: read_input(job.storage, file.content)))
    except ValueError as error:
        raise BuildError(f"stages.{label}: its files are not what it can work with: {error}") from error


def _loaded(job: Job, step: Step) -> Stage:
    stage: object = with_files(job, step.stage, step.label)
    if step.fitted and isinstance(stage, Fitted):
        stage = stage.fitted(read_input(job.storage, step.fitted))
    return cast("Stage", stage)
