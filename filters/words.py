"""What a word, a letter and a line are, for every filter.

In:  text.
Out: its words, its lines, and whether a word holds a letter.
Guaranteed: the same on every supported Python; characters are Unicode code points.
"""

import re

_WHITE_SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""The 25 characters with the Unicode property White_Space; `str.split` wrongly adds U+001C to U+001F."""

_WORD = re.compile(f"[^{_WHITE_SPACE}]+")

_LETTERS_OF_UNICODE_15 = (
    (0x1123F, 0x11240),
    (0x11F02, 0x11F02),
    (0x11F04, 0x11F10),
    (0x11F12, 0x11F33),
    (0x1342F, 0x1342F),
    (0x13441, 0x13446),
    (0x1B132, 0x1B132),
    (0x1B155, 0x1B155),
    (0x1DF25, 0x1DF2A),
    (0x1E030, 0x1E06D),
    (0x1E4D0, 0x1E4EB),
    (0x2B739, 0x2B739),
    (0x31350, 0x323AF),
)
"""Letters that Python 3.12 (Unicode 15.0) knows and Python 3.11 (Unicode 14.0) does not."""

_TOO_NEW = frozenset(chr(code) for first, last in _LETTERS_OF_UNICODE_15 for code in range(first, last + 1))


def words(text: str) -> list[str]:
    r"""Return the longest runs of characters that are not White_Space.

    >>> words(" one  two\u3000three\n")
    ['one', 'two', 'three']
    """
    return _WORD.findall(text)


def lines(text: str) -> list[str]:
    r"""Return the lines without their ends; a line end at the end of the text begins no further line.

    A line ends where `str.splitlines` says: \n, \r, \r\n, \v, \f, U+001C to U+001E, U+0085, U+2028 or U+2029.

    >>> lines("one\r\n\ntwo\n")
    ['one', '', 'two']
    """
    return text.splitlines()


def has_letter(word: str) -> bool:
    r"""Return whether some character is a letter (general category L) of Unicode 14.0.

    >>> has_letter("3rd"), has_letter("2,000"), has_letter("\u4e2d")
    (True, False, True)
    """
    if word.isascii():
        return word.upper() != word.lower()  # in ASCII the letters are what has two cases; and this is quick
    return any(char.isalpha() and char not in _TOO_NEW for char in word)
