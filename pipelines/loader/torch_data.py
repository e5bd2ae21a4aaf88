"""The loader for PyTorch: batches as tensors, through an `IterableDataset`.

In:  a rank's batches.
Out: what `torch.utils.data.DataLoader` takes, with any number of workers.
Guaranteed: every step once, in order, whatever the number of workers: worker k of n reads every n-th step, beginning
    with the k-th, and a DataLoader asks its workers in turn.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from pipelines.errors import RequestError
from pipelines.loader.batch import BORDERS, PER_TOKEN, Batch, as_models_take
from pipelines.loader.batches import Batches

Tensors = dict[str, Any]

_IMPORTED_BY = os.getpid()


class TorchBatches(IterableDataset[Tensors]):  # type: ignore[misc] # whose types are not read: torch may be absent
    """A rank's batches as dicts of tensors; iterating begins at the batches' `step`, and does not move it.

    Args:
        batches: what is read.
        columns: names of arrays.
    """

    def __init__(self, batches: Batches, columns: Sequence[str]) -> None:
        super().__init__()
        self.batches, self.columns = batches, tuple(columns)

    def __iter__(self) -> Iterator[Tensors]:
        _check_process(self.batches.index.storage.url)
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        steps = range(self.batches.step + number, self.batches.steps, workers)
        for batch in self.batches.run(steps):
            yield {"step": batch.step, **{name: _tensor(batch, name) for name in self.columns}}


def torch_dataset(batches: Batches, columns: Sequence[str] = ("input_ids", "targets")) -> TorchBatches:
    """Return a rank's batches as an `IterableDataset` of dicts.

    A dict has `step`, an int, and a tensor per column: int32 `cu_seqlens`, bool masks, float32 `ref_loss`, and int64
    all others; of `max_seqlen` an int. They are batches already: use `DataLoader(dataset, batch_size=None,
    num_workers=n)`. Each worker opens shards for itself, and reads the row groups that its steps lie in. Workers run
    ahead, so take the state to go on with from a step that you have seen: `batches.state_dict(item["step"] + 1)`.

    Where the build is on S3, start workers by `multiprocessing_context="spawn"`; forked ones are refused, for
    connections do not outlive a fork.

    Args:
        batches: as `Sequences.batches` gives them; iterating begins at their `step`.
        columns: names in `PER_TOKEN` or `BORDERS`.

    Raises:
        RequestError: there is no such column.
    """
    for name in columns:
        if name not in (*PER_TOKEN, *BORDERS):
            raise RequestError(f"no column {name!r}: there are {', '.join((*PER_TOKEN, *BORDERS))}")
    return TorchBatches(batches, columns)


def _check_process(url: str) -> None:
    """Refuse a fork of a process that is connected to an object store: its first request would wait for ever."""
    if os.getpid() != _IMPORTED_BY and url.startswith("s3://"):
        raise RequestError(f"{url} cannot be read in a forked worker: DataLoader(multiprocessing_context='spawn')")


def _tensor(batch: Batch, name: str) -> Any:  # noqa: ANN401 - a tensor, or the one number
    return batch.max_seqlen if name == "max_seqlen" else torch.from_numpy(as_models_take(batch, name))
