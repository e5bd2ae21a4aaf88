"""Columns that an expression of the manifest may name, and their types.

In:  a manifest, one of its sources, and how many of its stages come before the expression.
Out: column name -> Arrow type.
Guaranteed: these are the columns that a batch of that source carries there, so what passes the check can be evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from filters.batch import Edits
from filters.fitting import NamesSignals
from filters.signals import SIGNALS
from filters.signals.classifier import CLASSIFIER
from pipelines.dedup.exchanges import ExchangeStage

if TYPE_CHECKING:
    from pipelines.entries import StageEntry
    from pipelines.manifest import Manifest

RECORD_TYPES: dict[str, pa.DataType] = {
    "id": pa.string(),
    "source": pa.string(),
    "url": pa.string(),
    "language": pa.string(),
    "date": pa.timestamp("us", tz="UTC"),
    "chars": pa.int64(),
}
"""Columns that every document has."""

FIELD_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
"""Types that a source can declare for a field of its metadata."""


def record_types(manifest: Manifest, source: str) -> dict[str, pa.DataType]:
    """Return what the records of a source carry: their own columns, and the fields that the source declares."""
    declared = manifest.sources[source].declared_fields().items()
    return RECORD_TYPES | {name: FIELD_TYPES[column.type] for name, column in declared}


def document_types(manifest: Manifest, source: str, stages: int) -> dict[str, pa.DataType]:
    """Return what the documents of a source carry behind the first `stages` stages: also signals.

    A signal has its plain name, and the same with every editor that made the text, such as `word_count@normalize`.
    """
    suffix = text_suffix(manifest, source, stages)
    signals = {name: signal.dtype for name, signal in SIGNALS.items() if name not in CLASSIFIER}
    signals |= own_signals(manifest, source, stages)
    return record_types(manifest, source) | signals | {f"{name}{suffix}": kind for name, kind in signals.items()}


def own_signals(manifest: Manifest, source: str, stages: int) -> dict[str, pa.DataType]:
    """Return the signals that stages name themselves, of those among the first `stages` that see the source."""
    seen = (entry.stage for entry in manifest.stages[:stages] if manifest.applies(entry, source))
    named = (stage.signals for stage in seen if isinstance(stage, NamesSignals))
    return {name: signal.dtype for signals in named for name, signal in signals.items()}


def text_suffix(manifest: Manifest, source: str, stages: int) -> str:
    """Return the editors of a source's text behind the first `stages` stages, such as `@normalize`; "" for none."""
    editors = (entry for entry in manifest.stages[:stages] if _edits(entry) and manifest.applies(entry, source))
    return "".join(f"@{entry.name}" for entry in editors)


def _edits(entry: StageEntry) -> bool:
    """Tell whether documents have a new text behind a stage."""
    return isinstance(entry.stage, Edits) or (isinstance(entry.stage, ExchangeStage) and entry.stage.cuts)
