"""The catalogue: which manifest name is which class.

In:  nothing.
Out: explicit dictionaries, to be searched with grep; to add a stage, write its class and add one line here.
Guaranteed: importing this module starts nothing and opens nothing.
"""

from filters.batch import Stage
from filters.gopher import GopherQuality
from filters.normalize import Normalize
from pipelines.dedup.exact import DedupExact
from pipelines.sources.formats import SOURCES
from pipelines.where import Where

__all__ = ["SIGNAL_PROVIDERS", "SOURCES", "STAGES", "stage_name"]

STAGES: dict[str, type[Stage]] = {
    "gopher_quality": GopherQuality,
    "normalize": Normalize,
    "where": Where,
    "dedup_exact": DedupExact,
}
"""Name in a manifest's `stages` -> the class whose fields are its options."""

SIGNAL_PROVIDERS: dict[str, type[Stage]] = {
    "word_count": GopherQuality,
    "mean_word_length": GopherQuality,
    "symbol_to_word_ratio": GopherQuality,
    "frac_bullet_lines": GopherQuality,
    "frac_ellipsis_lines": GopherQuality,
    "frac_words_with_alpha": GopherQuality,
    "stop_word_count": GopherQuality,
}
"""Signal -> the stage that measures it, with its published defaults, where an expression asks for it first."""


def stage_name(stage: type[Stage]) -> str:
    """Return the manifest name of a stage class.

    Raises:
        KeyError: the class is not in the catalogue.
    """
    for name, known in STAGES.items():
        if known is stage:
            return name
    raise KeyError(stage.__name__)
