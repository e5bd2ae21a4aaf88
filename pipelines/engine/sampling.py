"""Sampling: the steps that train a tokenizer on a small part of all documents.

In:  the splits, as the pass before left them.
Out: the receipt of the tokenizer.
Guaranteed: what is copied has as many characters as the sample bytes, and at most a sixteenth of that, or a 2^24th of
    the documents, more.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pipelines.audit.fits import FitReport
from pipelines.engine.fit import (
    CollectTask,
    TrainTask,
    WeighTask,
    last_bucket,
    run_collect,
    run_train,
    run_weigh,
    total_weights,
    train_options,
)
from pipelines.engine.job import Holding
from pipelines.engine.keys import key_of
from pipelines.engine.receipts import Receipt
from pipelines.engine.runner import Runner
from pipelines.mix.pools import BUCKET_BITS, BUCKETS

LAST = 2**64 - 1

FEW = 16
"""A bucket that holds at most such a part of a share is copied whole."""

Shared = Mapping[str, Sequence[Holding]]
"""The splits that each share is taken from."""


def train_tokenizer(runner: Runner, holdings: Sequence[Holding]) -> tuple[Receipt, list[FitReport]]:
    """Return the receipt of the tokenizer, and what was taken of each source where they have weights.

    Raises:
        ShortSample: a source holds less than its share.
    """
    options = train_options(runner.job)
    shared = {name: [each for each in holdings if name in ("", each.split.source)] for name in options.shares}
    last = _last_draws(runner, shared, options.shares)
    collects = [CollectTask(holding, last[name]) for name, held in shared.items() for holding in held]
    samples = runner.run("tokenizer: sample", run_collect, collects)
    contents = [[task.holding.split.number, each.content] for task, each in zip(collects, samples, strict=True)]
    parts = iter(receipt.part for receipt in samples)
    by_share = tuple((name, tuple(next(parts) for _ in held)) for name, held in shared.items())
    (trained,) = runner.run("tokenizer: train", run_train, [TrainTask(by_share, key_of(contents))])
    return trained, _reports(trained)


def _last_draws(runner: Runner, shared: Shared, shares: Mapping[str, int]) -> dict[str, int]:
    """Return up to which draw each share needs documents."""
    weights = _weigh(runner, "tokenizer: weigh", shared, {})
    storage = runner.job.storage
    buckets = {name: last_bucket(storage, parts, shares[name]) for name, parts in weights.items()}
    totals = {name: total_weights(storage, parts) for name, parts in weights.items()}
    inside = {
        name: bucket
        for name, bucket in buckets.items()
        if bucket < BUCKETS and totals[name][bucket] * FEW > shares[name]
    }
    finer = _weigh(runner, "tokenizer: weigh finer", {name: shared[name] for name in inside}, inside) if inside else {}
    last = {name: _end(bucket + 1, BUCKET_BITS) for name, bucket in buckets.items()}
    for name, bucket in inside.items():
        left = shares[name] - int(np.sum(totals[name][:bucket]))
        place = bucket << BUCKET_BITS | last_bucket(storage, finer[name], left)
        last[name] = _end(place + 1, 2 * BUCKET_BITS)
    return last


def _end(buckets: int, bits: int) -> int:
    """Return the last draw of the first `buckets` of 2^`bits`."""
    return min((buckets << 64 - bits) - 1, LAST)


def _weigh(runner: Runner, step: str, shared: Shared, inside: Mapping[str, int]) -> dict[str, list[str]]:
    """Return the weights parts of each share."""
    tasks = [WeighTask(holding, inside.get(name)) for name, held in shared.items() for holding in held]
    parts = iter(receipt.part for receipt in runner.run(step, run_weigh, tasks))
    return {name: [next(parts) for _ in held] for name, held in shared.items()}


def _reports(trained: Receipt) -> list[FitReport]:
    sizes = {name.partition("\t")[2]: size for name, size in trained.counts.items() if "\t" in name}
    numbers: dict[str, int | float | None] = {f"bytes of {source}": size for source, size in sizes.items()}
    total = {"documents": trained.counts["documents"], "bytes": trained.counts["bytes"]}
    return [FitReport("tokenizer", "tokenizer", trained.content, {**total, **numbers})] if sizes else []
