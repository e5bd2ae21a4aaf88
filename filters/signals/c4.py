"""The signals of `filters/c4.py`."""

from filters.signals.signal import Signal

C4: dict[str, Signal] = {}
