"""The signals of `filters/word_list.py`: one per list, called after it."""

import pyarrow as pa

from filters.signals.signal import Signal

C4 = "Raffel et al. 2020, JMLR 21, section 2.2 (C4's bad words)"


def hits_of(name: str) -> Signal:
    """Return the signal that the word list called `name` measures."""
    return Signal(
        f"{name}_hits",
        pa.int64(),
        "occurrences",
        "places in the lower-cased text at which an entry of the lists begins, flanked by no character of `\\w` (or "
        "anywhere, where the stage matches substrings); 0 in a text without any",
        C4,
    )


WORD_LIST: dict[str, Signal] = {"word_list_hits": hits_of("word_list")}
