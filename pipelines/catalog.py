"""The catalogue: which manifest name is which class.

In:  nothing.
Out: explicit dictionaries, to be searched with grep; to add a stage, write its class and add one line here.
Guaranteed: importing this module starts nothing and opens nothing.
"""

from filters.batch import Stage
from filters.c4 import C4Quality
from filters.classifier import Classifier
from filters.dolma import DolmaC4, DolmaGopher
from filters.dolma_repetitions import DolmaRepetitions
from filters.fineweb import FineWebQuality
from filters.gopher import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.language import Language
from filters.normalize import Normalize
from filters.pii import Pii
from filters.redpajama import RedpajamaSignals
from filters.refinedweb import RefinedWebLines
from filters.spans import ReplaceSpans
from filters.top_share import TopShare
from filters.urls import UrlFilter
from filters.word_list import WordList
from pipelines.dedup.exact import DedupExact
from pipelines.dedup.lines import DedupLines
from pipelines.dedup.minhash import DedupMinhash
from pipelines.dedup.substrings import DedupSubstrings
from pipelines.exports.datatrove import DATATROVE
from pipelines.exports.formats import Exporter
from pipelines.exports.mds import MDS
from pipelines.exports.megatron import MEGATRON
from pipelines.exports.olmo import OLMO
from pipelines.sources.formats import SOURCES
from pipelines.where import Where

__all__ = ["EXPORTERS", "SIGNAL_PROVIDERS", "SOURCES", "STAGES", "stage_name"]

STAGES: dict[str, type[Stage]] = {
    "gopher_quality": GopherQuality,
    "gopher_repetition": GopherRepetition,
    "c4_quality": C4Quality,
    "fineweb_quality": FineWebQuality,
    "refinedweb_lines": RefinedWebLines,
    "redpajama_signals": RedpajamaSignals,
    "dolma_gopher": DolmaGopher,
    "dolma_c4": DolmaC4,
    "dolma_repetitions": DolmaRepetitions,
    "language": Language,
    "normalize": Normalize,
    "url_filter": UrlFilter,
    "pii": Pii,
    "replace_spans": ReplaceSpans,
    "word_list": WordList,
    "where": Where,
    "dedup_exact": DedupExact,
    "dedup_minhash": DedupMinhash,
    "dedup_lines": DedupLines,
    "dedup_substrings": DedupSubstrings,
    "classifier": Classifier,
    "top_share": TopShare,
}
"""Name in a manifest's `stages` -> the class whose fields are its options."""

SIGNAL_PROVIDERS: dict[str, type[Stage]] = {
    signal: stage for stage in reversed(STAGES.values()) for signal in stage.measured
}
"""Signal -> the stage that measures it, with its published defaults, where an expression asks for it first."""

EXPORTERS: dict[str, Exporter] = {"megatron": MEGATRON, "datatrove": DATATROVE, "olmo": OLMO, "mds": MDS}
"""Name behind `gristmill export --to` -> the format."""


def stage_name(stage: type[Stage]) -> str:
    """Return the manifest name of a stage class.

    Raises:
        KeyError: the class is not in the catalogue.
    """
    for name, known in STAGES.items():
        if known is stage:
            return name
    raise KeyError(stage.__name__)
