r"""Words in URLs: RefinedWeb's three rules, as DCLM and as datatrove have them, and small lists of our own.

In:  URLs, and lists of words.
Out: per URL, how many different words of each list it holds.
Guaranteed: given the same lists, the decisions of the peer whose definition is chosen.

    strict    a word that is in the URL anywhere, marks taken out first, drops it
    hard      a whole word drops it
    soft      two different whole words drop it
    dclm      `url_substring_filter` (baselines/mappers/filters/metadata_filters.py, with the options of
              baselines_configs/dclm_baseline_refinedweb.yaml): case does not count, a whole word lies between two
              boundaries `\b` ('_' is part of a word), and of marks only '-' and '.' are taken out
    datatrove `URLFilter`: a whole word lies between ASCII characters other than letters and digits and must be written
              in lower case; all such characters are taken out for strict words, and out of the lists' words

Penedo et al. 2023, arXiv 2306.01116, appendix G.1.
"""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.kernels.entries import EXACT, FOLDED, Table, count_entries, table_of
from filters.kernels.scans import Scans

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

WordStyle: TypeAlias = Literal["dclm", "datatrove"]
WordRule: TypeAlias = Literal["strict", "hard", "soft"]

HARD_WORDS = ("betting", "casino", "casinos", "escorts", "hentai", "porn", "porno", "viagra", "xxx")
"""Our own default: words that in a URL mean adult content, gambling or pill spam, and little else."""

SOFT_WORDS = ("adult", "bonus", "cams", "dating", "erotic", "jackpot", "nude", "poker", "sex", "slots", "webcam")
"""Our own default: words of which one may well be innocent, and two hardly are. Strict words have no default: pieces
of words match innocent names, so that list must be somebody's decision."""

_MARKS = re.compile("[^a-zA-Z0-9]+")


@dataclass(frozen=True)
class WordLists:
    """Word lists at work.

    Args:
        style: whose definition counts.
        tables: of each rule that has words.
    """

    style: WordStyle
    tables: dict[WordRule, Table]

    @classmethod
    def of(cls, style: WordStyle, words: dict[WordRule, tuple[str, ...]]) -> "WordLists":
        """Return word lists of a definition."""
        prepared = {rule: [_prepared(style, word) for word in words[rule]] for rule in words}
        kept = {rule: [word for word in prepared[rule] if word] for rule in words}
        return cls(style, {rule: table_of(kept[rule], whole=rule != "strict") for rule in words if kept[rule]})

    def count(self, rule: WordRule, urls: pa.LargeStringArray) -> I64:
        """Return how many different words of a list each URL holds (int64)."""
        if rule not in self.tables:
            return np.zeros(len(urls), np.int64)
        shown, characters = _shown(self.style, rule, urls)
        scans = Scans(shown)
        return count_entries(scans.data, scans.offsets, characters, self.tables[rule], rule != "strict")[1]


def _prepared(style: WordStyle, word: str) -> str:
    return (_MARKS.sub("", word) if style == "datatrove" else word).lower()


def _shown(style: WordStyle, rule: WordRule, urls: pa.LargeStringArray) -> tuple[pa.LargeStringArray, I32]:
    """Return the URLs as a rule reads them, and how they are compared."""
    if style == "datatrove":
        between = "" if rule == "strict" else " "
        return pc.replace_substring_regex(urls, _MARKS.pattern, between), FOLDED if rule == "strict" else EXACT
    if rule == "strict":
        return pc.replace_substring(pc.replace_substring(urls, "-", ""), ".", ""), FOLDED
    return urls, FOLDED
