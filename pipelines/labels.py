"""Labels: which documents a classifier learns as good ones, and which as others.

In:  what the manifest says of a classifier's training.
Out: per source a rule that gives documents their class.
Guaranteed: a document is of one class or of none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from pipelines.expressions import evaluate, one_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from filters.classifier import Training
    from pipelines.manifest import Manifest

Bools: TypeAlias = npt.NDArray[np.bool_]
Value: TypeAlias = str | int | float | bool

CLASSES = ("positive", "negative")


@dataclass(frozen=True)
class Labels:
    """Of what class the documents of a source are.

    Args:
        field: column that holds each document's label; "" where all are of one class.
        positive: values that mean the positive class; without a field, one value where all are of it.
        negative: likewise for the negative class; empty with a field means all other values.
    """

    field: str
    positive: tuple[Value, ...]
    negative: tuple[Value, ...]

    def of(self, columns: Mapping[str, pa.Array], count: int) -> dict[str, Bools]:
        """Return who of some documents is of which class; a document without a label is of none."""
        if not self.field:
            return {name: np.full(count, bool(getattr(self, name)), np.bool_) for name in CLASSES}
        values = columns[self.field]
        positive = _among(self.field, values, self.positive)
        others = values.is_valid().to_numpy(zero_copy_only=False) & ~positive
        return {
            "positive": positive,
            "negative": _among(self.field, values, self.negative) if self.negative else others,
        }


def _among(field: str, values: pa.Array, wanted: Sequence[Value]) -> Bools:
    found: Bools = evaluate(one_of(field, list(wanted)), {field: values}).to_numpy(zero_copy_only=False)
    return found


def labels_of(manifest: Manifest, training: Training) -> dict[str, Labels]:
    """Return, for each source that has examples, of what class its documents are."""
    if training.labels is not None:
        labels = Labels(training.labels, training.positive, training.negative)
        return dict.fromkeys(sources_of(manifest, training.on or manifest.sources), labels)
    good = dict.fromkeys(sources_of(manifest, training.positive), Labels("", (True,), ()))
    return good | dict.fromkeys(sources_of(manifest, training.negative), Labels("", (), (True,)))


def sources_of(manifest: Manifest, names: Iterable[Value]) -> set[str]:
    """Return the sources that names of sources and tags stand for."""
    return {source for name in names for source in manifest.sources_of(str(name))}
