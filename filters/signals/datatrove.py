"""The signals of `filters/datatrove.py`: one per filter, called after it."""

import pyarrow as pa

from filters.signals.signal import Signal


def reason_of(name: str) -> Signal:
    """Return the signal that datatrove's filter called `name` measures."""
    return Signal(
        f"datatrove_{name}",
        pa.string(),
        "label",
        "the reason that the filter gives for dropping the document; 'dropped' where it gives none, 'raises ...' where "
        "it cannot judge it; '' where it keeps it",
        "huggingface/datatrove, src/datatrove/pipeline/filters",
    )
