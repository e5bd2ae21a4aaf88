"""The signals of `filters/redpajama.py`."""

from filters.signals.signal import Signal

REDPAJAMA: dict[str, Signal] = {}
