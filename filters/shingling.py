r"""What a document's shingles are, in plain Python: a normalization, words, and every n of them in a row.

In:  text.
Out: normalized text; the set of a document's shingles.
Guaranteed: pure. A text of fewer than n words, but at least one, has one shingle, made of all its words; a text without
     words has none. Peers leave short texts out (datatrove's `ngrams`, RedPajama v2's `compute_banded_signatures`),
     which with verification is not needed: two short texts are duplicates where they are the same words.

    none             the text as it is
    lower            `str.lower`
    word_characters  `str.lower`, then every character but those of `\w` is white space
    datatrove        `simplify_text` of huggingface/datatrove 0.10.1, src/datatrove/utils/text.py, with the defaults of
                     `TextNormConfig`: lower case; a number in any script, with at most one decimal separator, is "0";
                     PUNCTUATION there is white space; NFD; no nonspacing marks
    redpajama        `normalize` of togethercomputer/RedPajama-Data, app/src/utilities/text/normalization.py: no ASCII
                     punctuation, lower case, NFD
    slimpajama       `get_features` of Cerebras/modelzoo, modelzoo/transformers/data_processing/slimpajama/dedup/
                     to_hash.py: NFC (a step of its own before it), lower case, no ASCII punctuation

All but the first two collapse white space and strip it. Both datatrove and RedPajama v2 take words: datatrove those of
its word tokenizer, RedPajama those between white space. SlimPajama's code takes n *characters* in a row
(`nltk.ngrams` of a string), though its data card speaks of 13-grams; here they are words as well.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, TypeAlias

from filters.categories import PLANE, codes_of, one_of
from filters.normalize import in_order, normalize_text

Normalization: TypeAlias = Literal["none", "lower", "word_characters", "datatrove", "redpajama", "slimpajama"]

DATATROVE_PUNCTUATION = (
    "!/\u2014\u201d:\uff05\uff11\u3008&(\u3001\u2501\\\u3010#%\u300c\u300d\uff0c\u3011\uff1b+^]~\u201c\u300a\u201e';"
    "\u2019{|\u2236\xb4[=-`*\uff0e\uff08\u2013\uff1f\uff01\uff1a$\uff5e\xab\u3009,><\xbb\u300b)?\uff09\u3002\u2026@_."
    '"}\u25ba' + "".join(chr(code) for code in (*range(9), *range(11, 32), *range(127, 160)))
)
"""Characters that `simplify_text` makes white space (`PUNCTUATION` there)."""

NUMBER_SEPARATORS = ".,\u060c\u066b\u2396\u2397\u2398"
"""Characters of which one may stand between the digits of a number (`NUMBERS_PATTERN` there)."""

_NUMBER = re.compile(rf"\d+(?:[{NUMBER_SEPARATORS}]\d+)?")
_PUNCTUATION = re.compile(f"[{re.escape(DATATROVE_PUNCTUATION)}]+")
_BEYOND = re.compile("([\U00010000-\U0001ffff\U000e0100-\U000e01ef])")
"""Characters that may be nonspacing marks and are not of plane 0."""

_NO_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_OTHERS = re.compile(r"\W+")


def _spaced(text: str) -> str:
    """Return text with single spaces for white space as `str.split` has it, none at its ends."""
    return " ".join(text.split())


def _decomposed(text: str) -> str:
    """Return text whose white space is single spaces in form NFD, in linear time whatever it holds.

    `unicodedata` takes quadratic time for long runs of combining marks that are out of order, so those are put in
    order before.
    """
    return text if text.isascii() else unicodedata.normalize("NFD", in_order(text))


def as_it_is(text: str) -> str:
    """Return the text."""
    return text


def word_characters(text: str) -> str:
    r"""Return the words of `\w` in lower case.

    >>> word_characters("Don't  SHOUT,\n\u00c9ric_2!")
    'don t shout \xe9ric_2'
    """
    return _OTHERS.sub(" ", text.lower()).strip()


def datatrove(text: str) -> str:
    r"""Return text as datatrove simplifies it before it makes shingles.

    >>> datatrove("Don't  SHOUT,\n\u00c9ric: 1,234.5 times!")
    'don t shout eric 0 0 times'
    """
    text = _PUNCTUATION.sub(" ", _NUMBER.sub("0", text.lower()))
    return _without_nonspacing(_decomposed(_spaced(text))).strip()


def _without_nonspacing(text: str) -> str:
    """Return text without nonspacing marks."""
    if text.isascii():
        return text
    parts = _BEYOND.split(_nonspacing().sub("", text))
    parts[1::2] = ["" if unicodedata.category(char) == "Mn" else char for char in parts[1::2]]
    return "".join(parts)


@cache
def _nonspacing() -> re.Pattern[str]:
    """Return a pattern of the nonspacing marks of plane 0; of others `re` would look at one after the other."""
    marks = codes_of("Mn")
    return re.compile(one_of(marks[marks < PLANE]) + "+")


def redpajama(text: str) -> str:
    r"""Return text as RedPajama v2 normalizes it before it makes shingles.

    >>> redpajama(" Don't  SHOUT,\n\u00c9ric ")
    'dont shout e\u0301ric'
    """
    return _decomposed(_spaced(lower_without_punctuation(text)))


def lower_without_punctuation(text: str) -> str:
    """Return text without ASCII punctuation, then in lower case."""
    return text.translate(_NO_ASCII_PUNCTUATION).lower()


def slimpajama(text: str) -> str:
    r"""Return text as SlimPajama normalizes it before it makes shingles.

    >>> slimpajama(" Don't  SHOUT,\nE\u0301ric ")
    'dont shout \xe9ric'
    """
    return without_ascii_punctuation(normalize_text(text))


def without_ascii_punctuation(text: str) -> str:
    """Return text in lower case without ASCII punctuation: what SlimPajama does to text in form NFC."""
    return _spaced(text.lower().translate(_NO_ASCII_PUNCTUATION))


NORMALIZATIONS: dict[Normalization, Callable[[str], str]] = {
    "none": as_it_is,
    "lower": str.lower,
    "word_characters": word_characters,
    "datatrove": datatrove,
    "redpajama": redpajama,
    "slimpajama": slimpajama,
}
"""What each normalization does to a text."""


def shingles_of(words: Sequence[str], n: int) -> set[tuple[str, ...]]:
    """Return the different runs of n words; all words where they are fewer, but some.

    >>> sorted(shingles_of(["a", "b", "c"], 2)), shingles_of(["a"], 2), shingles_of([], 2)
    ([('a', 'b'), ('b', 'c')], {('a',)}, set())
    """
    if not words:
        return set()
    return {tuple(words[at : at + n]) for at in range(max(len(words) - n, 0) + 1)}
