r"""Where words end within which tokens are merged: state machines over UTF-8.

In:  valid UTF-8 with 64 bytes behind the last text, what is known of characters, and where in a text a word begins.
Out: where it ends.
Guaranteed: equal to the regular expression, on every text, by the classes of the tokenizers' libraries and not those of
     this project; or, for SentencePiece, a place over which nothing can be merged.

    gpt2    '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
    cl100k  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+
            |\s+(?!\S)|\s+

GPT-2's is openai/gpt-2, `src/encoder.py`; the other is openai/tiktoken, `tiktoken_ext/openai_public.py`, and Llama 3's.
Both also with numbers cut one by one, `\p{N}`, and GPT-2's with numbers as cl100k has them, `\p{N}{1,3}`.

SentencePiece merges characters of whole texts. But if no piece has one character before another, no merge ever spans
the two, and the text may be cut between them: before each run of U+2581, which stands for the space; between letters
and other characters of ASCII, in vocabularies whose pieces hold characters of one script; and around most characters
of scripts of which a vocabulary has little more than the characters.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.unicode import decode
from filters.kernels.vectors import STEP, ascii_letters, lowest

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

OTHER, LETTER, NUMBER, BLANK, NEWLINE = 0, 1, 2, 3, 4
"""Classes of code points: none of the others; letters; numbers; white space but newlines; newlines, "\r" and "\n"."""

GPT2, CL100K, MARKED = 0, 1, 2
GPT2_ONES, GPT2_THREES, CL100K_ONES = 3, 4, 5
"""Numbers of the machines: MARKED is SentencePiece's; ONES and THREES say of how many numbers a word has at most."""

SPACE, QUOTE, ASCII = 0x20, 0x27, 0x80
LONG_S = 0x17F
"""What folds to `s`, and so ends a contraction where case does not count."""

MARK = 0x2581
"""What SentencePiece takes a space for."""

LINK_BITS = 22
MIX, OTHER_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
LINK_SHIFT, WORD_BITS, BIT = np.uint64(64 - LINK_BITS), np.uint64(6), np.uint64(63)
ONE = np.uint64(1)

Known = tuple[U8, U64]
"""Class of each code point; and of each pair of characters, by a hash, a bit: 0 where nothing merges over the two."""


def code_classes() -> U8:
    """Return the class of each code point: uint8[0x110000], from `pretokens.npy` (see `make_pretokens.py`)."""
    stored = np.load(Path(__file__).with_name("pretokens.npy"))
    starts, kinds = stored >> np.uint32(3), (stored & np.uint32(7)).astype(np.uint8)
    return np.repeat(kinds, np.diff(np.append(starts, 0x110000)))


@leaf
def class_at(data: U8, at: int, classes: U8) -> tuple[int, int]:
    """Return the class of the character at a place, and its number of bytes."""
    byte = data[np.uint64(at)]
    if byte < ASCII:
        return signed(classes[byte]), 1
    code, size = decode(data, at)
    return signed(classes[code]), size


@leaf
def letters_end(data: U8, at: int, stop: int, classes: U8) -> int:
    """Return where a run of letters ends that goes on at `at`, `stop` at the latest."""
    while at < stop:
        run = lowest(~ascii_letters(data, np.uint64(at)))
        at += signed(run)
        if run == STEP:
            continue
        kind = LETTER
        while at < stop and data[np.uint64(at)] >= ASCII and kind == LETTER:
            kind, size = class_at(data, at, classes)
            at += size if kind == LETTER else 0
        if at >= stop or kind != LETTER or classes[data[np.uint64(at)]] != LETTER:
            break
    return min(at, stop)


@leaf
def run_end(data: U8, at: int, stop: int, classes: U8, wanted: int) -> int:
    """Return where a run of characters of one class ends that goes on at `at`."""
    going = True
    while going and at < stop:
        kind, size = class_at(data, at, classes)
        going = kind == wanted
        at += size if going else 0
    return at


@leaf
def numbers_end(data: U8, at: int, stop: int, classes: U8, most: int) -> int:
    """Return where at most so many numbers end that begin at `at`."""
    count, going = 0, True
    while going and at < stop and count < most:
        kind, size = class_at(data, at, classes)
        going = kind == NUMBER
        at += size if going else 0
        count += 1
    return at


@leaf
def blanks_end(data: U8, at: int, stop: int, classes: U8) -> tuple[int, int, int]:
    """Return of a run of white space where it ends, where its last character begins, and where its last newline ends.

    The last is 0 where there is none.
    """
    last, line, going = at, 0, True
    while going and at < stop:
        kind, size = class_at(data, at, classes)
        going = kind >= BLANK
        if going:
            last = at
            at += size
            line = at if kind == NEWLINE else line
    return at, last, line


@leaf
def _contraction(data: U8, at: int, stop: int) -> int:
    """Return how many bytes `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` has that begins at `at`, else 0."""
    if at + 1 >= stop:
        return 0
    first = data[np.uint64(at + 1)]
    if first in (0x73, 0x74, 0x6D, 0x64):
        return 2
    if at + 2 >= stop:
        return 0
    second = data[np.uint64(at + 2)]
    if (first in (0x72, 0x76) and second == 0x65) or (first == 0x6C and second == 0x6C):
        return 3
    return 0


@leaf
def _any_contraction(data: U8, at: int, stop: int) -> int:
    """Return the same of contractions in letters of either case."""
    if at + 1 >= stop:
        return 0
    first = data[np.uint64(at + 1)]
    if first >= ASCII:
        code, size = decode(data, at + 1)
        return 1 + size if code == LONG_S else 0
    first |= 0x20
    if first in (0x73, 0x74, 0x6D, 0x64):
        return 2
    if at + 2 >= stop:
        return 0
    second = data[np.uint64(at + 2)] | 0x20
    if (first in (0x72, 0x76) and second == 0x65) or (first == 0x6C and second == 0x6C):
        return 3
    return 0


@leaf
def gpt2_end(data: U8, at: int, stop: int, classes: U8, most: int) -> int:
    """Return where GPT-2's word ends that begins at `at`, before `stop`.

    A word has at most `most` numbers, and then no space before them; 0: any number of them.
    """
    if data[np.uint64(at)] == QUOTE:
        size = _contraction(data, at, stop)
        if size:
            return at + size
    kind, size = class_at(data, at, classes)
    first = at
    if data[np.uint64(at)] == SPACE and at + 1 < stop:
        after, _ = class_at(data, at + 1, classes)
        if after < BLANK and (most == 0 or after != NUMBER):
            kind, first = after, at + 1
    if kind == LETTER:
        return letters_end(data, first, stop, classes)
    if kind == NUMBER and most:
        return numbers_end(data, at, stop, classes, most)
    if kind < BLANK:
        return run_end(data, first, stop, classes, kind)
    end, last, _ = blanks_end(data, at, stop, classes)
    return last if last > at and end < stop else end


@leaf
def cl100k_end(data: U8, at: int, stop: int, classes: U8, most: int) -> int:
    """Return where cl100k's word ends that begins at `at`, before `stop`; a word has at most `most` numbers."""
    byte = data[np.uint64(at)]
    short = _any_contraction(data, at, stop) if byte == QUOTE else 0
    kind, size = class_at(data, at, classes)
    if short:
        return at + short
    if kind == LETTER:
        return letters_end(data, at, stop, classes)
    if kind == NUMBER:
        return numbers_end(data, at, stop, classes, most)
    after = BLANK
    if kind != NEWLINE and at + size < stop:
        after, _ = class_at(data, at + size, classes)
    if after == LETTER:
        return letters_end(data, at + size, stop, classes)
    if kind == OTHER or (byte == SPACE and after == OTHER):
        end = run_end(data, at + size if byte == SPACE else at, stop, classes, OTHER)
        return run_end(data, end, stop, classes, NEWLINE)
    end, last, line = blanks_end(data, at, stop, classes)
    whole = last == at or end == stop
    return line or (end if whole else last)


@leaf
def _link(left: int, right: int) -> np.uint64:
    """Return the number of the bit of two characters."""
    return (np.uint64(left) * OTHER_MIX ^ np.uint64(right)) * MIX >> LINK_SHIFT


@kernel
def link_bits(left: U32, right: U32) -> U64:
    """Return bits that are 1 for some pairs of code points, and by chance for a few others."""
    bits = np.zeros(1 << (LINK_BITS - 6), np.uint64)
    for number in range(len(left)):
        bit = _link(left[number], right[number])
        bits[bit >> WORD_BITS] |= ONE << (bit & BIT)
    return bits


@leaf
def _merges(left: int, right: int, bits: U64) -> bool:
    """Return whether something may merge over two characters."""
    bit = _link(left, right)
    return bool(bits[bit >> WORD_BITS] >> (bit & BIT) & ONE)


@leaf
def _marks_end(data: U8, at: int, stop: int) -> int:
    """Return where a run of spaces and of U+2581 ends that begins at `at`."""
    going = True
    while going and at < stop:
        byte, size = data[np.uint64(at)], 1
        if byte >= ASCII:
            code, size = decode(data, at)
            going = code == MARK
        else:
            going = byte == SPACE
        at += size if going else 0
    return at


@leaf
def marked_end(data: U8, at: int, stop: int, bits: U64) -> int:
    """Return where a word ends that begins at `at`: spaces, if any, and what may merge with them and with itself.

    A run of letters is one step: it is not cut inside, wherever that could be.
    """
    begun = _marks_end(data, at, stop)
    code = MARK if begun > at else 0
    at = begun
    while at < stop:
        after, size = signed(data[np.uint64(at)]), max(signed(lowest(~ascii_letters(data, np.uint64(at)))), 1)
        if after >= ASCII:
            after, size = decode(data, at)
        if after in (SPACE, MARK) or (code != 0 and not _merges(code, after, bits)):
            break
        at += size
        code = after if after >= ASCII else signed(data[np.uint64(at - 1)])
    return min(at, stop)


@leaf
def word_end(machine: int, data: U8, at: int, stop: int, known: Known) -> int:
    """Return where a word ends that begins at `at`, by one of the machines."""
    classes, bits = known
    if machine == MARKED:
        return marked_end(data, at, stop, bits)
    if machine in (CL100K, CL100K_ONES):
        return cl100k_end(data, at, stop, classes, 3 if machine == CL100K else 1)
    most = 0 if machine == GPT2 else 1 if machine == GPT2_ONES else 3
    return gpt2_end(data, at, stop, classes, most)
