"""The signals of `filters/classifier.py`: one per classifier, called after it."""

import pyarrow as pa

from filters.signals.signal import Signal

DCLM = "Li et al. 2024, arXiv 2406.11794, section 4.4; Joulin et al. 2016, arXiv 1607.01759"


def score_of(name: str) -> Signal:
    """Return the signal that the classifier called `name` measures."""
    return Signal(
        f"{name}_score",
        pa.float32(),
        "probability",
        "what fastText's model gives for the label in question, on the text as one line; rounding and fastText's own "
        "1e-5 may carry it past 1; a blank text has the score of the end of a line; 0 where the model gives none",
        DCLM,
    )


CLASSIFIER: dict[str, Signal] = {"quality_score": score_of("quality")}
