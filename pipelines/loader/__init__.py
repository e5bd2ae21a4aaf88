"""The loader: the training sequences of a finished build, for a trainer.

    from pipelines.loader import load_sequences

    sequences = load_sequences("runs/first")
    for batch in sequences.batches(8, rank=0, world=4, start_step=100):
        batch.step, batch.input_ids, batch.targets, batch.cu_seqlens

In:  the folder of a finished build; a copy of its `lock.json` and its `shards/` is enough.
Out: `Sequences`, the stream; `Batches`, a rank's share of it, step by step; `Batch`, numpy arrays. `torch_dataset` and
    `to_datasets` hand batches to PyTorch and to Hugging Face's `datasets`.
Guaranteed: what a step consists of depends on the shards and on the size of the global batch alone. Neither torch nor
    datasets is imported before its adapter is asked for, and nothing that curates ever is.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.loader.batch import Batch
    from pipelines.loader.batches import Batches
    from pipelines.loader.hugging_face import to_datasets
    from pipelines.loader.sequences import Sequences, load_sequences
    from pipelines.loader.torch_data import torch_dataset

__all__ = ["Batch", "Batches", "Sequences", "load_sequences", "to_datasets", "torch_dataset"]

_HOMES = {
    "Batch": "batch",
    "Batches": "batches",
    "Sequences": "sequences",
    "load_sequences": "sequences",
    "to_datasets": "hugging_face",
    "torch_dataset": "torch_data",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name == "torch_dataset" and find_spec("torch") is None:
        raise ModuleNotFoundError("torch_dataset needs PyTorch: pip install 'gristmill[torch]'", name="torch")
    if name in _HOMES:
        return getattr(import_module(f"pipelines.loader.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
