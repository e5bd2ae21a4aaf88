"""C4's rules on lines: which lines fall, by which rule, and what that says of their texts.

In:  UTF-8 bytes, and where the lines lie, without white space at their edges.
Out: per line the rule that it falls by; per text the numbers that C4 judges.
Guaranteed: the rules of `filters/c4.py`, in its order; time grows with the length of the text.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before
from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.flags import DECIMAL
from filters.kernels.sentences import count_sentences
from filters.kernels.spaces import has_longer_word, has_words
from filters.kernels.unicode import decode
from filters.kernels.vectors import STEP, lowest, opening_brackets

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]

KEPT, LONG_WORD, NO_END_MARK, FEW_WORDS, JAVASCRIPT, POLICY = range(6)
"""What becomes of a line: it is kept, or falls by the first rule that it breaks."""

LOREM_IPSUM, JAVASCRIPT_PHRASE, CURLY_BRACKET = 1, 2, 4
"""Bits of the first three phrases; those of all others are policy."""

LINES, SENTENCES, LOREM_IPSUM_LINES, CURLY_BRACKET_LINES = KEPT + 6, KEPT + 7, KEPT + 8, KEPT + 9
"""Columns of `text_counts` behind those of the six fates."""

OPEN, CLOSE = np.uint8(91), np.uint8(93)
BLOCK = int(STEP)


class Lines(NamedTuple):
    """Lines of texts.

    Args:
        data: uint8, UTF-8.
        start: int64, the byte at which each begins.
        end: int64, the byte behind each.
    """

    data: U8
    start: I64
    end: I64


class LineRules(NamedTuple):
    """What a line must not break.

    Args:
        longest_word: a line with a word of more characters falls.
        end_marks: bool by code point; a line must end in one of these, if there are any.
        least_words: the least number of words.
        words_of_citations: whether these are counted before citations are cut.
        javascript: whether a line with that phrase falls.
        policy: whether a line with a phrase of policy falls.
    """

    longest_word: int
    end_marks: BOOL
    least_words: int
    words_of_citations: bool
    javascript: bool
    policy: bool


@kernel
def _bracket_ends(data: U8, at: int, stop: int, names: U8, classes: U32) -> int:
    """Return the end of the citation that begins with the bracket at `at`, or -1."""
    at += 1
    begin = at
    while at < stop:
        code, size = decode(data, at)
        if not classes[code] & DECIMAL:
            break
        at += size
    if at < stop and data[at] == CLOSE:
        return at + 1
    if at > begin:
        return -1
    return _named_end(data, at, stop, names)


@kernel
def _named_end(data: U8, at: int, stop: int, names: U8) -> int:
    """Return the end of the first of the names, each closed by a bracket, that stands at `at`, or -1."""
    place, same = at, True
    for letter in names:
        same = same and place < stop and data[place] == letter
        place += 1
        if letter == CLOSE:
            if same:
                return place
            place, same = at, True
    return -1


@leaf
def _next_bracket(data: U8, at: int, stop: int) -> int:
    """Return the first byte from `at` on, before `stop`, that is an opening bracket; `stop` where there is none."""
    while at + BLOCK <= stop and not opening_brackets(data, np.uint64(at)):
        at += BLOCK
    if at + BLOCK <= len(data):
        return min(at + signed(lowest(opening_brackets(data, np.uint64(at)))), stop)
    while at < stop and data[at] != OPEN:
        at += 1
    return at


@kernel
def find_citations(lines: Lines, names: U8, classes: U32) -> tuple[I64, I64]:
    """Find what C4 cuts out: `[]`, `[12]` and the names; none of them holds another opening bracket.

    Args:
        lines: stripped lines.
        names: uint8, what else may stand behind an opening bracket, with the closing ones: `edit]citation needed]`.
        classes: uint32 flags by code point.

    Returns:
        Start and end of each citation (int64), ascending.
    """
    data, stop = lines.data, lines.end[-1] if len(lines.end) else 0
    begin = lines.start[0] if len(lines.start) else 0
    most, at = 0, _next_bracket(data, begin, stop)
    while at < stop:
        most, at = most + 1, _next_bracket(data, at + 1, stop)
    start, end = np.empty(most, np.int64), np.empty(most, np.int64)
    count, line, at = 0, 0, _next_bracket(data, begin, stop)
    while at < stop:
        while lines.end[line] <= at:
            line += 1
        behind = _bracket_ends(data, at, lines.end[line], names, classes)
        start[count], end[count] = at, behind
        count += behind >= 0
        at = _next_bracket(data, at + 1, stop)
    return start[:count], end[:count]


@leaf
def _ends_well(data: U8, start: int, end: int, end_marks: BOOL) -> bool:
    """Return whether a line ends in an end mark, and not in an ellipsis of three dots."""
    if end == start:
        return False
    code, _ = decode(data, before(data, end))
    if not end_marks[code]:
        return False
    return code != 46 or end - start < 3 or data[end - 2] != 46 or data[end - 3] != 46


@kernel
def form_fates(whole: Lines, lines: Lines, rules: LineRules, classes: U32) -> U8:
    """Return what becomes of each line by its form (uint8): `KEPT`, or the first of these rules that it breaks.

    Args:
        whole: the lines with their citations.
        lines: the same lines without citations.
        rules: what they must not break.
        classes: uint32 flags by code point.
    """
    data, start, end = lines
    fates = np.empty(len(start), np.uint8)
    by_mark = len(rules.end_marks) > 0
    whole_data, whole_start, whole_end = whole
    counted_data, counted_start, counted_end = whole if rules.words_of_citations else lines
    for line in range(len(start)):
        if has_longer_word(whole_data, whole_start[line], whole_end[line], rules.longest_word, classes):
            fates[line] = LONG_WORD
        elif by_mark and not _ends_well(data, start[line], end[line], rules.end_marks):
            fates[line] = NO_END_MARK
        elif not has_words(counted_data, counted_start[line], counted_end[line], rules.least_words, classes):
            fates[line] = FEW_WORDS
        else:
            fates[line] = KEPT
    return fates


@kernel
def phrase_fates(fates: U8, phrases: U32, rules: LineRules) -> U8:
    """Return what becomes of each line (uint8), given its fate by form and the bits of the phrases that it holds."""
    final = fates.copy()
    javascript = np.uint32(JAVASCRIPT_PHRASE if rules.javascript else 0)
    policy = ~np.uint32(LOREM_IPSUM | JAVASCRIPT_PHRASE | CURLY_BRACKET) if rules.policy else np.uint32(0)
    for line in range(len(fates)):
        if fates[line] == KEPT and phrases[line] & (javascript | policy):
            final[line] = JAVASCRIPT if phrases[line] & javascript else POLICY
    return final


@kernel
def text_counts(first: I64, lines: Lines, judged: tuple[U8, U32], marked: U32, leads: BOOL) -> I64:
    """Count, for each text, its lines by fate, and what is judged.

    Args:
        first: int64, one more than texts; the lines of text d are numbers `first[d]` to `first[d + 1]`.
        lines: the lines without citations.
        judged: what becomes of each line, and the phrases that it holds if it does not fall by its form.
        marked: flags by code point, with those of marks (`filters/kernels/sentences.py`).
        leads: bytes that a terminal mark may begin with; none: each kept line is one sentence.

    Returns:
        int64[10, texts]: lines of each of the six fates; all lines; sentences of the lines that are kept; lines that
        come as far as the rule and hold "lorem ipsum"; likewise a curly bracket, unless javascript took them before.
    """
    data, start, end = lines
    fates, phrases = judged
    counts = np.zeros((10, len(first) - 1), np.int64)
    by_model = len(leads) > 0
    for text in range(len(first) - 1):
        for line in range(first[text], first[text + 1]):
            fate = fates[line]
            counts[fate, text] += 1
            counts[LINES, text] += 1
            if fate != KEPT and fate < JAVASCRIPT:
                continue
            counts[LOREM_IPSUM_LINES, text] += phrases[line] & np.uint32(LOREM_IPSUM) != 0
            counts[CURLY_BRACKET_LINES, text] += fate != JAVASCRIPT and phrases[line] & np.uint32(CURLY_BRACKET) != 0
            if fate == KEPT:
                sentences = count_sentences(data, start[line], end[line], marked, leads) if by_model else 1
                counts[SENTENCES, text] += sentences
    return counts
