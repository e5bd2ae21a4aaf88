"""The signals of `filters/language.py`."""

import pyarrow as pa

from filters.signals.signal import Signal

LID = "Joulin et al. 2016, arXiv 1607.01759 and 1612.03651; the model lid.176 of fasttext.cc"

LANGUAGE: dict[str, Signal] = {
    "language_id": Signal(
        "language_id",
        pa.string(),
        "language code",
        "most probable label of the model, as ISO 639 code (176 of them in lid.176); a text without words has the "
        "label that fastText gives to an empty line ('en' in lid.176), or '' if the model has no row for that",
        LID,
    ),
    "language_id_score": Signal(
        "language_id_score",
        pa.float32(),
        "probability",
        "fastText's score of `language_id`; as fastText adds 1e-5 under each logarithm, it can be a little more "
        "than 1; 0 where `language_id` is ''",
        LID,
    ),
}
