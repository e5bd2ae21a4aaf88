"""The signals of `filters/refinedweb.py`."""

from filters.signals.signal import Signal

REFINEDWEB: dict[str, Signal] = {}
