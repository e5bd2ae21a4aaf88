"""Columns that an expression of the manifest may name, and their types.

In:  a manifest, one of its sources, and how many of its stages come before the expression.
Out: column name -> Arrow type.
Guaranteed: these are the columns that a batch of that source carries there, so what passes the check can be evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from filters.batch import Edits, Stage
from filters.fitting import NamesSignals
from filters.signals import SIGNALS
from filters.signals.classifier import CLASSIFIER
from pipelines.catalog import SIGNAL_PROVIDERS, stage_name
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
    """Return what the records of a source carry: their own columns, declared fields, and fields of companions."""
    options = manifest.sources[source]
    fields = {name: FIELD_TYPES[column.type] for name, column in options.declared_fields().items()}
    beside = {each.name: each.type for companion in options.companions for each in companion.schema}
    return RECORD_TYPES | fields | {name: kind for name, kind in beside.items() if name.isidentifier()}


def document_types(manifest: Manifest, source: str, stages: int) -> dict[str, pa.DataType]:
    """Return what the documents of a source carry behind the first `stages` stages: also signals.

    A signal has its plain name, and the same with every editor that made the text, such as `word_count@normalize`. One
    that no stage has measured is measured where an expression asks for it, unless that takes a file.
    """
    suffix = text_suffix(manifest, source, stages)
    absent = CLASSIFIER.keys() | without_file(manifest, source, stages)
    signals = {name: signal.dtype for name, signal in SIGNALS.items() if name not in absent}
    signals |= own_signals(manifest, source, stages)
    return record_types(manifest, source) | signals | {f"{name}{suffix}": kind for name, kind in signals.items()}


def without_file(manifest: Manifest, source: str, stages: int) -> set[str]:
    """Return the signals that need a file which none of the first `stages` stages brings."""
    seen = [entry.stage for entry in manifest.stages[:stages] if manifest.applies(entry, source)]
    needing = {signal for provider in SIGNAL_PROVIDERS.values() for signal in provider.needing}
    return needing - {signal for stage in seen for signal, option in stage.needing.items() if _brings(stage, option)}


def _brings(stage: Stage, option: str) -> bool:
    """Tell whether a stage's option names a file; "" is no option, and the stage finds one by itself."""
    return not option or getattr(stage, option) is not None


def remedy_without(signal: str) -> str | None:
    """Return how to bring the file that a signal needs; None for one that needs none."""
    provider = SIGNAL_PROVIDERS.get(signal)
    option = provider.needing.get(signal) if provider is not None else None
    if provider is None or option is None:
        return None
    stage = f"add the stage `{stage_name(provider)}`"
    return f"{stage}, with its option `{option}`" if option else stage


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
