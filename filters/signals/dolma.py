"""The signals of `filters/dolma.py`."""

from filters.signals.signal import Signal

DOLMA: dict[str, Signal] = {}
