"""Fitting: the steps that make what a stage waits for.

In:  a fit, and the splits whose documents take part, as the pass before it left them.
Out: the content of what was fitted, among the inputs of the build, and a report.
Guaranteed: what is fitted follows from the documents alive there; thresholds of the stage decide nothing.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from filters.classifier import Classifier, Training
from filters.top_share import QUANTILE_FILE, TopShare
from pipelines.audit.fits import FitReport
from pipelines.engine.examples import (
    CollectExamplesTask,
    Wanted,
    WeighExamplesTask,
    last_buckets,
    run_collect_examples,
    run_weigh_examples,
)
from pipelines.engine.job import Holding
from pipelines.engine.keys import key_of
from pipelines.engine.quantile import CountTask, Place, quantile, run_count, summed
from pipelines.engine.route import Fit, Step
from pipelines.engine.runner import Runner
from pipelines.engine.sealing import keep_input
from pipelines.engine.training import TrainClassifierTask, Trained, run_train_classifier
from pipelines.labels import labels_of
from pipelines.manifest_columns import document_types

Held = Sequence[tuple[Holding, Step | None]]
"""Splits that take part in a fit, each with the step that measured the number on it."""


def make_fit(runner: Runner, fit: Fit, held: Held) -> tuple[str, FitReport]:
    """Return the content of what was fitted, and its report.

    Raises:
        BuildError: nothing can be fitted to these documents.
    """
    if isinstance(fit.stage, TopShare):
        return _top_share(runner, fit, fit.stage, held)
    if isinstance(fit.stage, Classifier) and fit.stage.train is not None:
        return _classifier(runner, fit, fit.stage.train, held)
    raise TypeError(f"nothing is known of how {fit.name} is fitted")


def _top_share(runner: Runner, fit: Fit, stage: TopShare, held: Held) -> tuple[str, FitReport]:
    def count(place: Place, number: int) -> npt.NDArray[np.int64]:
        tasks = [CountTask(holding, stage.signal, step, place) for holding, step in held]
        receipts = runner.run(f"{fit.name}: count {number + 1}", run_count, tasks)
        return summed(runner.job, [receipt.part for receipt in receipts])

    manifest = runner.job.manifest
    dtype = str(document_types(manifest, fit.sources[0], len(manifest.stages))[stage.signal])
    found = quantile(
        count, {"float": "float32", "double": "float64"}.get(dtype, dtype), stage.share, highest=stage.highest
    )
    content = keep_input(runner.job.storage, {QUANTILE_FILE: msgspec.json.encode(found.number)})
    numbers = {"share": stage.share, "threshold": found.number, "documents": found.documents, "kept": found.kept}
    return content, FitReport(fit.name, "quantile", content, numbers)


def _classifier(runner: Runner, fit: Fit, training: Training, held: Held) -> tuple[str, FitReport]:
    labels = labels_of(runner.job.manifest, training)
    wanted = {source: Wanted(fit.name, each) for source, each in labels.items()}
    holdings = [holding for holding, _ in held if holding.split.source in wanted]
    weighs = [WeighExamplesTask(holding, wanted[holding.split.source]) for holding in holdings]
    weights = runner.run(f"{fit.name}: weigh", run_weigh_examples, weighs)
    buckets = last_buckets(runner.job, [receipt.part for receipt in weights], training.sample_documents)
    last = tuple(buckets.values())
    collects = [CollectExamplesTask(holding, wanted[holding.split.source], last) for holding in holdings]
    examples = runner.run(f"{fit.name}: sample", run_collect_examples, collects)
    content = key_of([[holding.split.number, each.content] for holding, each in zip(holdings, examples, strict=True)])
    task = TrainClassifierTask(fit.name, training, tuple(receipt.part for receipt in examples), content)
    (receipt,) = runner.run(f"{fit.name}: train", run_train_classifier, [task])
    trained = msgspec.json.decode(runner.job.storage.read(receipt.part), type=Trained)
    alive = {name: sum(receipt.counts[name] for receipt in weights) for name in buckets}
    return trained.content, FitReport(fit.name, "classifier", trained.content, {**alive, **trained.numbers})
