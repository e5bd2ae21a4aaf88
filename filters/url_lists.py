"""The lists of a URL filter at work.

In:  the contents of block lists, allow lists and word lists.
Out: per URL the five counts of `filters/urls.py`.
Guaranteed: a URL that an allow list names is on no block list; words are counted all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.domains import Names, names_in, names_of
from filters.kernels.scans import Scans
from filters.url_words import HARD_WORDS, SOFT_WORDS, WordLists, WordStyle
from filters.word_files import entries_of

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class UrlLists:
    """Lists in memory.

    Args:
        blocked: what is blocked.
        allowed: what is not, whatever `blocked` says.
        words: the word lists.
    """

    blocked: Names
    allowed: Names
    words: WordLists

    def count(self, urls: pa.LargeStringArray) -> tuple[I64, ...]:
        """Return blocked domains and pages, strict, hard and soft words of each URL (int64)."""
        words = (self.words.count("strict", urls), self.words.count("hard", urls), self.words.count("soft", urls))
        return (*self._blocked(Scans(urls)), *words)

    def _blocked(self, urls: Scans) -> tuple[I64, I64]:
        domains, pages = names_of(urls.data, urls.offsets, self.blocked)
        allowed = sum(names_of(urls.data, urls.offsets, self.allowed)) == 0
        return domains * allowed, pages * allowed


def load_lists(contents: Mapping[str, list[bytes]], style: WordStyle) -> UrlLists:
    """Return the lists of a URL filter.

    Args:
        contents: by option of the filter, the files that it names.
        style: whose definition of words counts.
    """
    words = {rule: entries_of(contents[f"{rule}_words"]) for rule in ("strict", "hard", "soft")}
    lists = WordLists.of(
        style,
        {
            "strict": words["strict"],
            "hard": words["hard"] if contents["hard_words"] else HARD_WORDS,
            "soft": words["soft"] if contents["soft_words"] else SOFT_WORDS,
        },
    )
    return UrlLists(names_in(contents["blocked"]), names_in(contents["allowed"]), lists)
