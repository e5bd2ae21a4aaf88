"""The signals of `filters/fineweb.py`."""

from filters.signals.signal import Signal

FINEWEB: dict[str, Signal] = {}
