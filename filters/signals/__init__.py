"""The catalogue of signals: what every stored number means.

In:  nothing; a file beside this one for each family of filters.
Out: `SIGNALS`, name -> definition, unit and published source.
Guaranteed: a stage measures only signals named here, with the type given here; counts are int64, ratios float32.
"""

from filters.signals.c4 import C4
from filters.signals.classifier import CLASSIFIER
from filters.signals.dolma import DOLMA
from filters.signals.fineweb import FINEWEB
from filters.signals.gopher import GOPHER_QUALITY, GOPHER_REPETITION
from filters.signals.language import LANGUAGE
from filters.signals.pii import PII
from filters.signals.redpajama import REDPAJAMA
from filters.signals.refinedweb import REFINEDWEB
from filters.signals.signal import Signal
from filters.signals.urls import URLS
from filters.signals.word_list import WORD_LIST

__all__ = ["SIGNALS", "Signal"]

SIGNALS: dict[str, Signal] = {
    **GOPHER_QUALITY,
    **GOPHER_REPETITION,
    **C4,
    **FINEWEB,
    **REFINEDWEB,
    **REDPAJAMA,
    **DOLMA,
    **LANGUAGE,
    **CLASSIFIER,
    **URLS,
    **PII,
    **WORD_LIST,
}
