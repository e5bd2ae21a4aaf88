r"""RedPajama v2's raw words as a newer NLTK splits them: the one known cause of a disagreement with its signals.

In:  text.
Out: words, and the three signals that count them.
Guaranteed: plain code.

RedPajama-Data splits raw text by NLTK's `WordPunctTokenizer`, whose pattern is `\w+|[^\w\s]+`. NLTK used to compile it
with `re`, as when RedPajama v2 was published; NLTK 3.10 compiles it with `regex`, where `\w` takes in combining marks
and leaves out numbers such as U+00B2. The files that we compare with were written with the newer one.
"""

import re
from collections.abc import Callable, Sequence

import regex  # type: ignore[import-untyped]  # its stubs are a package of their own

from benchmarks.agreement.comparison import Case, Cause, same

SYMBOLS = ("#", "...", "\u2026")
LETTER = re.compile("[a-zA-Z]")

SENTENCE = (
    "word definition: the files were written with NLTK 3.10, whose \\w is that of `regex` (combining marks are part of "
    "a word, superscript numbers are not); ours is that of `re`, as when RedPajama v2 was published"
)


def raw_words(text: str) -> list[str]:
    """Return the words as NLTK 3.10 splits them."""
    return list(regex.findall(r"\w+|[^\w\s]+", text))


def frac_all_caps_words(_text: str, words: Sequence[str]) -> float:
    """Return the fraction of words in capitals."""
    return sum(map(str.isupper, words)) / len(words)


def frac_no_alph_words(_text: str, words: Sequence[str]) -> float:
    """Return the fraction of words without an ASCII letter."""
    return 1 - sum(LETTER.search(word) is not None for word in words) / len(words)


def symbol_to_word_ratio(text: str, words: Sequence[str]) -> float:
    """Return '#' and ellipses per word."""
    return sum(map(text.count, SYMBOLS)) / len(words)


FORMULAS: dict[str, Callable[[str, Sequence[str]], float]] = {
    "rps_doc_frac_all_caps_words": frac_all_caps_words,
    "rps_doc_frac_no_alph_words": frac_no_alph_words,
    "rps_doc_symbol_to_word_ratio": symbol_to_word_ratio,
}
"""Signals of raw words."""


def newer_words(signal: str, decimals: int) -> tuple[Cause, ...]:
    """Return the cause that holds where the newer words give the peer's number; none for other signals."""
    if signal not in FORMULAS:
        return ()
    formula = FORMULAS[signal]

    def holds(case: Case) -> bool:
        words = raw_words(case.text)
        return bool(words) and same(case.theirs, formula(case.text, words), decimals)

    return (Cause(SENTENCE, holds),)
