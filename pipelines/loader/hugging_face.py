"""The loader for Hugging Face's `datasets`: sequences, one by one, as an `IterableDataset`.

In:  a rank's batches.
Out: an `IterableDataset` of examples.
Guaranteed: the sequences of the batches, in their order.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import datasets

from pipelines.errors import RequestError
from pipelines.loader.batch import PER_TOKEN
from pipelines.loader.batches import Batches

_TYPES = {"loss_mask": "bool", "attention_mask": "bool"}
"""What elements of columns are, where they are not int64."""


def to_datasets(
    batches: Batches, columns: Sequence[str] = ("input_ids", "attention_mask", "labels")
) -> datasets.IterableDataset:
    """Return a rank's sequences as an `IterableDataset`, an example for each.

    It is one stream, so a DataLoader over it has one worker. Models of transformers shift `labels` by themselves; with
    shards that hold next tokens, `input_ids` and `labels` are the first `length` of each sequence.

    Args:
        batches: as `Sequences.batches` gives them; each iteration begins at the `step` that they have now.
        columns: names in `PER_TOKEN`; elements are int64, of masks bool.

    Raises:
        RequestError: there is no such column.
    """
    for name in columns:
        if name not in PER_TOKEN:
            raise RequestError(f"no column {name!r}: there are {', '.join(PER_TOKEN)}")
    length = batches.index.length
    types = {name: datasets.List(datasets.Value(_TYPES.get(name, "int64")), length=length) for name in columns}
    asked = {"batches": batches, "start": batches.step, "columns": tuple(columns)}
    return datasets.IterableDataset.from_generator(_examples, datasets.Features(types), gen_kwargs=asked)


def _examples(batches: Batches, start: int, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch in batches.run(range(start, batches.steps)):
        arrays = [getattr(batch, name) for name in columns]
        for row in zip(*arrays, strict=True):
            yield dict(zip(columns, row, strict=True))
