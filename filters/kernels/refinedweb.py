"""RefinedWeb's corrections of lines: which lines fall, and which lose a phrase.

In:  UTF-8 bytes, and the lines of one text between line feeds: where each begins and ends, and whether it is kept.
Out: the same arrays, changed; and how many lines fell.
Guaranteed: each function is one step of DCLM's `baselines/mappers/modifiers.py`, and leaves what that step leaves. A
     line of no characters at all stands through every step.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before
from filters.kernels.compiled import inlined, kernel
from filters.kernels.flags import ALNUM, DECIMAL, DIGIT, STRIPPED, UPPER
from filters.kernels.spaces import has_words, skip_spaces
from filters.kernels.substrings import phrase_begin, phrase_end
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]
LinesOfText = tuple[I64, I64, U8]

UNDERSCORE = 95
DOT = 46
SEPARATORS = (44, 46)
UNITS = (107, 109, 98, 75, 77, 66, 0x212A)
"""What may follow a number: k, m or b, in either case, and the Kelvin sign, whose lower case is k."""

ASCII_SPACES = (0, 9, 10, 11, 12, 13, 32)
"""Where fastText splits words."""

DOTS = 3


@inlined
def _counts_of_case(line: U8) -> tuple[int, int]:
    """Return how many bytes are capital ASCII letters, and how many are not ASCII."""
    capitals, others = 0, 0
    for at in range(len(line)):
        capitals += int(np.uint8(line[at] - np.uint8(65)) < np.uint8(26))
        others += int(line[at] >= np.uint8(128))
    return capitals, others


@inlined
def is_uppercase(line: U8, most: float, classes: U32) -> bool:
    """Return whether more than the fraction `most` of a line's characters are upper case."""
    capitals, others = _counts_of_case(line)
    ascii_bytes = len(line) - others
    if others == 0:
        return len(line) > 0 and capitals / len(line) > most
    if (capitals + others // 2) / (ascii_bytes + (others + 3) // 4) <= most:
        return False
    upper, chars, at = 0, 0, 0
    while at < len(line):
        code, size = decode(line, at)
        upper += classes[code] & UPPER != 0
        chars += 1
        at += size
    return upper / chars > most


@kernel
def drop_uppercase(data: U8, lines: LinesOfText, most: float, classes: U32) -> int:
    """Drop lines of which more than the fraction `most` is upper case."""
    start, end, kept = lines
    dropped = 0
    for line in range(len(start)):
        if kept[line] and is_uppercase(data[start[line] : end[line]], most, classes):
            kept[line] = 0
            dropped += 1
    return dropped


@kernel
def drop_digits(data: U8, lines: LinesOfText, classes: U32) -> int:
    """Drop lines of digits only (`str.isdigit`)."""
    start, end, kept = lines
    dropped = 0
    for line in range(len(start)):
        at = start[line]
        while at < end[line]:
            code, size = decode(data, at)
            if not classes[code] & DIGIT:
                break
            at += size
        if kept[line] and start[line] < at == end[line]:
            kept[line] = 0
            dropped += 1
    return dropped


@inlined
def _in_word(code: int, flags: int) -> bool:
    """Return whether a character is what `re` calls a word's."""
    return code == UNDERSCORE or flags & ALNUM != 0


@inlined
def _behind_non_words(data: U8, at: int, stop: int, classes: U32) -> int:
    while at < stop:
        code, size = decode(data, at)
        if _in_word(code, classes[code]):
            break
        at += size
    return at


@inlined
def _behind_number(data: U8, at: int, stop: int, classes: U32) -> int:
    """Return the byte behind a number, its separators and its unit; `at` where none begins there."""
    begin = at
    while at < stop:
        code, size = decode(data, at)
        if not classes[code] & DECIMAL and (at == begin or code not in SEPARATORS):
            return at + size if at > begin and code in UNITS else at
        at += size
    return at


@inlined
def is_counter(data: U8, at: int, stop: int, names: tuple[U8, I64, U8], classes: U32) -> bool:
    """Return whether a line is a number and what is counted, and nothing else but punctuation.

    Args:
        data: uint8, UTF-8.
        at: where the line begins.
        stop: where it ends.
        names: what may be counted: the letters of all, where each begins and the last ends, the letters with variants.
        classes: uint32 flags by code point.
    """
    begin = _behind_non_words(data, at, stop, classes)
    behind = _behind_number(data, begin, stop, classes)
    word = skip_spaces(data, behind, stop, classes)
    if behind in (begin, word):
        return False
    letters, begins, variants = names
    for name in range(len(begins) - 1):
        rest = phrase_end(data, word, stop, letters[begins[name] : begins[name + 1]], variants)
        if rest >= 0:
            return _behind_non_words(data, rest, stop, classes) == stop
    return False


@kernel
def drop_counters(data: U8, lines: LinesOfText, names: tuple[U8, I64, U8], classes: U32) -> int:
    """Drop counters, such as "3 likes"."""
    start, end, kept = lines
    dropped = 0
    for line in range(len(start)):
        if kept[line] and is_counter(data, start[line], end[line], names, classes):
            kept[line] = 0
            dropped += 1
    return dropped


@kernel
def drop_short(data: U8, lines: LinesOfText, least: int, classes: U32) -> int:
    """Drop lines of fewer than `least` words of `str.split`."""
    start, end, kept = lines
    dropped = 0
    for line in range(len(start)):
        empty = start[line] == end[line]
        if kept[line] and not empty and not has_words(data, start[line], end[line], least, classes):
            kept[line] = 0
            dropped += 1
    return dropped


@inlined
def _is_editable(data: U8, start: int, end: int, most: int, classes: U32) -> bool:
    """Return whether a line has a character, and at most so many words."""
    return start < end and not has_words(data, start, end, most + 1, classes)


@inlined
def _behind_one_space(data: U8, at: int, stop: int, classes: U32) -> int:
    if at < stop:
        code, size = decode(data, at)
        return at + size if classes[code] & STRIPPED else at
    return at


@inlined
def _before_one_space(data: U8, start: int, at: int, classes: U32) -> int:
    if at > start:
        begun = before(data, at)
        code, _ = decode(data, begun)
        return begun if classes[code] & STRIPPED else at
    return at


@kernel
def cut_anywhere(data: U8, edges: tuple[int, int], phrase: tuple[U8, U8], cuts: I64, classes: U32) -> int:
    """Find a phrase, each time with one white space before it, wherever it stands in a line.

    Args:
        data: uint8, UTF-8.
        edges: where the line begins and ends.
        phrase: its letters, and those with variants.
        cuts: int64[many, 2]; start and end of each cut are entered from the first row on.
        classes: uint32 flags by code point.

    Returns:
        How many there are; -1 if nothing but white space is left of the line.
    """
    at, stop = edges
    letters, variants = phrase
    count, free, blank = 0, at, True
    while at < stop:
        behind = phrase_end(data, at, stop, letters, variants)
        if behind < 0:
            code, size = decode(data, at)
            blank = blank and classes[code] & STRIPPED != 0
            at += size
            continue
        cuts[count, 0], cuts[count, 1] = _before_one_space(data, free, at, classes), behind
        count += 1
        at = free = behind
    return -1 if blank else count


@kernel
def find_anywhere(
    data: U8, lines: LinesOfText, held: U32, phrase: tuple[U8, U8], most: int, classes: U32
) -> tuple[I64, I64]:
    """Find a phrase in the kept lines of at most `most` words; lines of which nothing is left are dropped.

    Args:
        data: uint8, UTF-8.
        lines: start, end and whether kept.
        held: not 0 for each line that holds the phrase.
        phrase: its letters, and those with variants.
        most: the greatest number of words of a line that is looked at.
        classes: uint32 flags by code point.

    Returns:
        The cuts (int64[many, 2]), and the number of cuts in each line (int64; -1: nothing is left of it).
    """
    start, end, kept = lines
    found = np.zeros(len(start), np.int64)
    room = np.int64(0)
    for line in range(len(start)):
        if held[line]:
            room += (end[line] - start[line]) // len(phrase[0])
    cuts = np.empty((room, 2), np.int64)
    count = 0
    for line in range(len(start)):
        if not kept[line] or not _is_editable(data, start[line], end[line], most, classes):
            continue
        if held[line]:
            found[line] = cut_anywhere(data, (start[line], end[line]), phrase, cuts[count:], classes)
            count += max(found[line], 0)
        elif skip_spaces(data, start[line], end[line], classes) == end[line]:
            found[line] = -1
        if found[line] < 0:
            kept[line] = 0
    return cuts[:count], found


@inlined
def _suffix_begin(data: U8, start: int, end: int, phrase: tuple[U8, U8], literal: bool) -> int:
    """Return where a phrase and three characters, or three dots, begin that end a line; -1 where they do not."""
    at = end
    for _ in range(DOTS):
        if at <= start:
            return -1
        at = before(data, at)
        if literal and data[at] != DOT:
            return -1
    return phrase_begin(data, start, at, phrase[0], phrase[1])


@kernel
def cut_suffix(data: U8, lines: LinesOfText, phrase: tuple[U8, U8], rules: tuple[int, bool], classes: U32) -> int:
    """Cut a phrase and what stands for its three dots from the ends of lines, with one white space before it.

    Args:
        data: uint8, UTF-8.
        lines: start, end and whether kept; lines of which nothing is left are dropped.
        phrase: its letters, and those with variants.
        rules: the greatest number of words of a line that is cut, and whether the dots must be dots.
        classes: uint32 flags by code point.

    Returns:
        How many lines were cut.
    """
    start, end, kept = lines
    count = 0
    for line in range(len(start)):
        if not kept[line] or start[line] == end[line]:
            continue
        begin = _suffix_begin(data, start[line], end[line], phrase, rules[1])
        blank = skip_spaces(data, start[line], end[line], classes) == end[line]
        if (begin < 0 and not blank) or not _is_editable(data, start[line], end[line], rules[0], classes):
            continue
        if begin >= 0:
            end[line] = _before_one_space(data, start[line], begin, classes)
            count += 1
        if skip_spaces(data, start[line], end[line], classes) == end[line]:
            kept[line] = 0
    return count


@kernel
def cut_prefix(data: U8, lines: LinesOfText, phrase: tuple[U8, U8], most: int, classes: U32) -> int:
    """Cut a phrase from the beginnings of lines of at most `most` words, with one white space behind it; as above."""
    start, end, kept = lines
    count = 0
    for line in range(len(start)):
        if not kept[line] or start[line] == end[line]:
            continue
        behind = phrase_end(data, start[line], end[line], phrase[0], phrase[1])
        blank = skip_spaces(data, start[line], end[line], classes) == end[line]
        if (behind < 0 and not blank) or not _is_editable(data, start[line], end[line], most, classes):
            continue
        if behind >= 0:
            start[line] = _behind_one_space(data, behind, end[line], classes)
            count += 1
        if skip_spaces(data, start[line], end[line], classes) == end[line]:
            kept[line] = 0
    return count


@kernel
def count_fasttext_words(data: U8, at: int, stop: int, classes: U32) -> int:
    """Return how many words, split as fastText does, begin with a letter or a digit (`str.isalnum`)."""
    count, inside = 0, False
    while at < stop:
        code, size = decode(data, at)
        space = code <= 32 and code in ASCII_SPACES
        if not space and not inside:
            count += classes[code] & ALNUM != 0
        inside = not space
        at += size
    return count
