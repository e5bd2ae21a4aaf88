"""The loader for Hugging Face's `datasets`: sequences, one by one, as an `IterableDataset`.

In:  a rank's batches.
Out: an `IterableDataset` of examples.
Guaranteed: the sequences of the batches, in their order.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import datasets

from pipelines.errors import RequestError
from pipelines.loader.batch import PER_TOKEN, as_models_take
from pipelines.loader.batches import Batches


def to_datasets(
    batches: Batches, columns: Sequence[str] = ("input_ids", "attention_mask", "labels")
) -> datasets.IterableDataset:
    """Return a rank's sequences as an `IterableDataset`, an example for each: column -> numpy array of `length` values.

    It is one stream, so a DataLoader over it has one worker. `labels` are not shifted, for models that shift them by
    themselves; `targets` are.

    Args:
        batches: as `Sequences.batches` gives them; each iteration begins at the `step` that they have now.
        columns: names in `PER_TOKEN`; values are int64, of masks bool, of `ref_loss` float32.

    Raises:
        RequestError: there is no such column.
    """
    for name in columns:
        if name not in PER_TOKEN:
            raise RequestError(f"no column {name!r}: there are {', '.join(PER_TOKEN)}")
    asked = {"batches": batches, "start": batches.step, "columns": tuple(columns)}
    return datasets.IterableDataset.from_generator(_examples, gen_kwargs=asked)


def _examples(batches: Batches, start: int, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch in batches.run(range(start, batches.steps)):
        arrays = [as_models_take(batch, name) for name in columns]
        for row in zip(*arrays, strict=True):
            yield dict(zip(columns, row, strict=True))
