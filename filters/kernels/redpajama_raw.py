r"""What RedPajama v2 counts in raw text: words as `\w+|[^\w\s]+` splits them, sentences, symbols and lines.

In:  the UTF-8 bytes of texts.
Out: counts per text, and per LF-ended line.
Guaranteed: the counts of RedPajama-Data, app/src/core/quality_signals, where `\w` is `str.isalnum` or "_", and `\s` is
     `str.isspace`; one scan per kernel, in time that grows with the bytes.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.flags import ALNUM, LETTER, LOWER, STRIPPED, UPPER
from filters.kernels.hashing import hash_bytes
from filters.kernels.redpajama_lists import WHOLE, meaning
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

SPACE, WORD, MARK = 0, 1, 2
"""Kinds of character: white space, `\\w`, and all others, which make up words of their own."""

CHARS, WORDS, WITH_ASCII_LETTER, ALL_CAPS, BRACES, SYMBOLS, SENTENCES = range(7)
"""Columns of what `raw_counts` counts per text."""

LINE_CHARS, LINE_UPPER, LINE_TERMINAL, LINE_BULLET, LINE_ELLIPSIS = range(5)
"""Columns of what `raw_counts` counts per line."""

LF, DOT, HASH, UNDERSCORE, LEFT_BRACE, RIGHT_BRACE = map(ord, "\n.#_{}")
ELLIPSIS, CLOSING_QUOTE = 0x2026, 0x201D
ASCII = 128


@leaf
def kind_of(code: int, flags: np.uint32) -> int:
    """Return SPACE, WORD or MARK."""
    if flags & ALNUM or code == UNDERSCORE:
        return WORD
    return SPACE if flags & STRIPPED else MARK


@leaf
def is_title(code: int) -> bool:
    """Whether a character is of category Lt, which keeps a word from being upper case."""
    if code < 0x1F88:
        return code in (0x1C5, 0x1C8, 0x1CB, 0x1F2)
    if code < 0x1FB0:
        return code & 0x8 != 0
    return code in (0x1FBC, 0x1FCC, 0x1FFC)


@leaf
def is_terminator(code: int) -> bool:
    """Whether a character ends a sentence: ".", "!" or "?"."""
    return code in (46, 33, 63)


@leaf
def is_bullet(code: int) -> bool:
    """Whether a character is one of RedPajama's ten bullets; the en dash is among them, "*" and "-" are not."""
    if code < 0x25A0:
        return code in (0x2013, 0x2022, 0x2023)
    return code in (0x25A0, 0x25A1, 0x25AA, 0x25AB, 0x25B6, 0x25C0, 0x25E6)


@leaf
def _word_run(data: U8, at: int, stop: int, classes: U32) -> tuple[int, np.uint32, np.uint32, int, int]:
    r"""Read a run of `\w`.

    Returns:
        where it ends; the flags of its ASCII characters, and those of all, which have LOWER where one is of title case;
        how many are upper case; bytes beyond one per character.
    """
    plain, wide = np.uint32(0), np.uint32(0)
    upper = extra = 0
    while at < stop:
        if data[at] < ASCII:
            flags = classes[data[at]]
            if not (flags & ALNUM or data[at] == UNDERSCORE):
                break
            plain |= flags
            at += 1
        else:
            code, size = decode(data, at)
            flags = classes[code]
            if flags & ALNUM == 0:
                break
            wide |= flags
            if flags & LETTER and is_title(code):
                wide |= np.uint32(LOWER)
            extra += size - 1
            at += size
        upper += flags & UPPER != 0
    return at, plain, plain | wide, upper, extra


@leaf
def _is_caps(flags: np.uint32) -> bool:
    return bool(flags & UPPER != 0 and flags & LOWER == 0)


@leaf
def _end_line(lines: I32, line: int, chars: int, last: int, dots: int) -> None:
    """Set what is known of a line at its end; `last` is its last character that is no white space, or -1."""
    lines[line, LINE_CHARS] = chars
    lines[line, LINE_TERMINAL] = is_terminator(last) or last == CLOSING_QUOTE
    lines[line, LINE_ELLIPSIS] = dots >= 3 or last == ELLIPSIS


@leaf
def _text(data: U8, span: tuple[int, int], classes: U32, counts: I64, lines: I32, line: int) -> int:
    """Count in one text.

    Args:
        data: uint8, all texts.
        span: where the text begins and ends.
        classes: uint32 flags by code point.
        counts: int64[7], zeros, to be set.
        lines: int32[lines, 5], zeros, to be set from `line` on.
        line: how many lines there are already.

    Returns:
        how many lines there are now.
    """
    at, stop = span
    begun, extra, all_extra = at, 0, 0
    last, dots = -1, 0
    gap = sentence = in_marks = False
    marks = np.uint32(0)
    while at < stop:
        code, size = decode(data, at)
        flags = classes[code]
        kind = kind_of(code, flags)
        if in_marks and kind != MARK:
            counts[ALL_CAPS] += _is_caps(marks)
            marks, in_marks = np.uint32(0), False
        if kind == WORD:
            at, plain, held, upper, more = _word_run(data, at, stop, classes)
            counts[WORDS] += 1
            counts[WITH_ASCII_LETTER] += plain & LETTER != 0
            counts[ALL_CAPS] += _is_caps(held)
            counts[SENTENCES] += not sentence
            lines[line, LINE_UPPER] += np.int32(upper)
            extra += more
            last, dots, gap, sentence = UNDERSCORE, 0, False, True
            continue
        at += size
        extra += size - 1
        if kind == MARK:
            counts[WORDS] += not in_marks
            counts[BRACES] += code in (LEFT_BRACE, RIGHT_BRACE)
            dots = 0 if code != DOT else 1 if gap else dots + 1
            counts[SYMBOLS] += code in (HASH, ELLIPSIS) or (code == DOT and dots % 3 == 0)
            lines[line, LINE_UPPER] += flags & UPPER != 0
            if last < 0:
                lines[line, LINE_BULLET] = is_bullet(code)
            marks |= flags
            last, gap, in_marks, sentence = code, False, True, sentence and not is_terminator(code)
            continue
        gap = True
        if code == LF:
            _end_line(lines, line, at - begun - extra, last, dots)
            line += 1
            all_extra += extra
            begun, extra, last, dots = at, 0, -1, 0
    counts[ALL_CAPS] += _is_caps(marks)
    if begun < stop:
        _end_line(lines, line, stop - begun - extra, last, dots)
        line += 1
    counts[CHARS] = stop - span[0] - all_extra - extra
    return line


@kernel
def raw_counts(data: U8, offsets: I64, classes: U32, lines: int) -> tuple[I64, I32]:
    r"""Count in raw text; a line ends behind each LF, and at the end of a text that does not end in one.

    A sentence is what `\b[^.!?]+[.!?]*` finds: a longest run of other characters than ".!?" in which a `\w` stands.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        classes: uint32 flags by code point.
        lines: how many lines the texts have.

    Returns:
        int64[texts, 7]: code points; words; those with one of a-z and A-Z; those for which `str.isupper` holds; "{" and
        "}"; "#", "..." without overlap, and U+2026; sentences.
        int32[lines, 5]: code points, the LF among them; upper-case ones; and whether the line ends, but for white
        space, in one of ".!?" and U+201D, begins, but for white space, with a bullet, and ends in an ellipsis ("..." or
        U+2026).
    """
    texts = len(offsets) - 1
    counts, found = np.zeros((texts, 7), np.int64), np.zeros((lines, 5), np.int32)
    line = 0
    for text in range(texts):
        line = _text(data, (offsets[text], offsets[text + 1]), classes, counts[text], found, line)
    return counts, found


@leaf
def _listed(data: U8, span: tuple[int, int], classes: U32, slots: U64, place: tuple[int, int]) -> int:
    """Count the listed words of one text; `place` is where the list begins in `slots`, and its mask."""
    at, stop = span
    begun, hits = -1, 0
    while at < stop:
        flags, size = classes[data[at]], 1
        code = signed(data[at])
        if code >= ASCII:
            code, size = decode(data, at)
            flags = classes[code]
        if flags & ALNUM or code == UNDERSCORE:
            begun = at if begun < 0 else begun
        elif begun >= 0:
            hits += meaning(slots, place[0], place[1], hash_bytes(data, begun, at)) & WHOLE
            begun = -1
        at += size
    if begun >= 0:
        hits += meaning(slots, place[0], place[1], hash_bytes(data, begun, stop)) & WHOLE
    return hits


@kernel
def listed_words(data: U8, offsets: I64, classes: U32, lists: I64, starts: I64, slots: U64) -> I64:
    r"""Count the words of raw text, those of `\w`, that stand in the list of the text's language.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts.
        classes: uint32 flags by code point.
        lists: int64, the number of each text's list, -1 for none.
        starts: int64, one more than lists; list l has `slots[starts[l]:starts[l + 1]]`.
        slots: uint64, tables of `filters/kernels/redpajama_lists.py`.

    Returns:
        int64 per text: occurrences of listed words; -1 where the text has no list.
    """
    texts = len(offsets) - 1
    counts = np.full(texts, -1, np.int64)
    for text in range(texts):
        if lists[text] >= 0:
            place = starts[lists[text]], starts[lists[text] + 1] - starts[lists[text]] - 1
            counts[text] = _listed(data, (offsets[text], offsets[text + 1]), classes, slots, place)
    return counts
