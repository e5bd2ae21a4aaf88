"""Normalized words, as RedPajama v2 has them: one scan that finds, hashes and measures them.

In:  the UTF-8 bytes of texts.
Out: per word its hash and length; per LF-ended line its words and numeric characters; per text its "lorem ipsum".
Guaranteed: the words of `normalize(text).split()` of RedPajama-Data, app/src/utilities/text/normalization.py: ASCII
     punctuation removed, `str.lower` (with the final sigma), NFD, white space as `str.split` has it. No text is copied
     or built; time grows with the number of bytes, whatever is in them.

NFD also sorts neighbouring combining marks by class, stably. Nothing is sorted here: the hash of a row of marks is a
sum of values that depend on the mark and on how many marks of its class precede it in the row, which is the same for
every order that has the same sorted form. Words of equal normalized form have equal hashes; of different form, but for
chance, different ones.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.flags import BLOCK, NUMERIC, STRIPPED
from filters.kernels.hashing import SEED, WIDTH, add_block, finish
from filters.kernels.unicode import CLASSES, decode

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

COMBINING_CLASS = 0xFF
CASED, CASE_IGNORABLE = 1 << 8, 1 << 9
IS_BLANK, IS_NUMERIC, IS_REMOVED = 1 << 10, 1 << 11, 1 << 12
FORM_BITS = 16
"""Bits of an entry of `CODES`: the canonical combining class, what `str.lower` asks of a sigma's neighbours, white
space as `str.split` has it, `str.isnumeric`, ASCII punctuation; and above them the lower-case NFD form, or minus (place
in `SMALL` << 3 | size)."""

SIZE_BITS = 3
ASCII = 128
HANGUL, HANGUL_END = 0xAC00, 0xD7A4
LEADING, VOWEL, TRAILING = 0x1100, 0x1161, 0x11A7
SYLLABLES, TRAILING_COUNT = 588, 28
CAPITAL_SIGMA, FINAL_SIGMA = 0x3A3, 0x3C2
DOTLESS_I, LONG_S = 0x131, 0x17F

PUNCTUATION = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
REMOVED, BLANK = 0x80, 0x81
"""Marks of `LOWERED` for what is no part of a word: ASCII punctuation, and white space."""

BLOCK_START = np.uint64(1)
BYTE = np.uint64(8)
FULL = np.uint64(56)
"""ASCII characters are hashed seven at a time, behind a 1 that tells how many a block holds."""

SMALL_A, SMALL_Z, CASE = np.uint8(ord("a")), np.uint8(ord("z")), np.uint8(32)
CASES = np.uint64(0x2020202020202020)
BLOCK_SIZE = 7
"""The bit that makes an ASCII letter lower case, in a byte and in eight; letters of a block."""

CHARACTER = np.uint64(1 << 63)
"""Set in the block of a character that is not ASCII, and in that of a row of marks."""

LF, M_SMALL, M_CAPITAL = np.uint8(10), np.uint8(ord("m")), np.uint8(ord("M"))
LOREM_BACKWARDS, IPSUM = tuple(b"merol"), tuple(b"ipsum")
ANY_CASE, EXACT = 1, 2
"""Whether a word is one for `re.IGNORECASE` only, or as written."""

LINE_WORDS, LINE_LETTERS, LINE_NUMERIC, LINE_LISTED = range(4)
"""Columns of what `normalized_words` counts per line."""


def _lowered() -> I32:
    """Return the lower case of each ASCII character, or what it is instead of part of a word."""
    lowered = np.array([ord(chr(code).lower()) for code in range(ASCII)], np.int32)
    lowered[list(PUNCTUATION)] = REMOVED
    lowered[list(b"\t\n\v\f\r\x1c\x1d\x1e\x1f ")] = BLANK
    return lowered


def _tables() -> tuple[I64, I32]:
    stored = np.load(Path(__file__).with_name("normalized.npz"))
    codes, sizes, forms = (stored[name].astype(np.int64) for name in ("codes", "sizes", "forms"))
    starts = np.cumsum(sizes) - sizes
    normal = np.arange(len(CLASSES), dtype=np.int64)
    normal[codes] = np.where(sizes == 1, forms[starts], -((ASCII + starts) << SIZE_BITS | sizes))
    context = stored["blocks"].reshape(-1, BLOCK)[stored["numbers"]].reshape(-1).astype(np.int64)
    context |= np.where(CLASSES & STRIPPED, IS_BLANK, 0) | np.where(CLASSES & NUMERIC, IS_NUMERIC, 0)
    context[list(PUNCTUATION)] |= IS_REMOVED
    return normal << FORM_BITS | context, np.concatenate([_lowered(), forms.astype(np.int32)])


Tables = tuple[I64, I32, I64]
Found = tuple[U64, I32, I32, np.uint64]
CODES, SMALL = _tables()
"""int64 per code point (bits above); int32, 128 lower-case ASCII characters, then the forms of several characters."""


@leaf
def _mark_block(code: int, rank: int) -> np.uint64:
    """Return what a combining mark adds to its row, `rank` marks of its class before it."""
    return finish(add_block(SEED, np.uint64(code)), rank)


@leaf
def _is_passed_over(code: int, codes: I64) -> bool:
    """Whether `str.lower`, once ASCII punctuation is gone, looks past a character beside a capital sigma."""
    return signed(codes[code]) & (CASE_IGNORABLE | IS_REMOVED) != 0


@leaf
def _sigma_is_final(data: U8, begun: int, at: int, stop: int, codes: I64) -> bool:
    """Whether the capital sigma before byte `at` stands behind a cased character and before none."""
    place = at - 2
    code = 0
    while place > begun:
        place -= 1
        while data[place] & 0xC0 == 0x80:
            place -= 1
        code, _ = decode(data, place)
        if not _is_passed_over(code, codes):
            break
    if codes[code] & CASED == 0:
        return False
    while at < stop:
        code, size = decode(data, at)
        if not _is_passed_over(code, codes):
            return signed(codes[code]) & CASED == 0
        at += size
    return True


@leaf
def _ends_in_lorem(data: U8, at: int, begun: int, small: I32) -> bool:
    """Whether the word of bytes `begun` to `at` ends in "lorem"."""
    matched = 0
    while at > begun and matched < 5:
        at -= 1
        low = small[data[at]] if data[at] < ASCII else -1
        if low == REMOVED:
            continue
        if low != LOREM_BACKWARDS[matched]:
            return False
        matched += 1
    return matched == 5


@leaf
def _begins_with_ipsum(data: U8, at: int, stop: int, small: I32) -> int:
    """Return EXACT if a word begins with "ipsum", ANY_CASE if it would for a dotless i or a long s, else 0."""
    matched, exact = 0, True
    while at < stop and matched < 5:
        code, size = decode(data, at)
        at += size
        if code < ASCII and small[code] == REMOVED:
            continue
        if code < ASCII and small[code] == IPSUM[matched]:
            matched += 1
        elif (code == DOTLESS_I and matched == 0) or (code == LONG_S and matched == 2):
            matched += 1
            exact = False
        else:
            return 0
    if matched < 5:
        return 0
    return EXACT if exact else ANY_CASE


@leaf
def _syllable_part(code: int, part: int) -> int:
    """Return part 0, 1 or 2 of a Hangul syllable's canonical decomposition (Unicode 14.0, section 3.12)."""
    index = code - HANGUL
    if part == 0:
        return LEADING + index // SYLLABLES
    if part == 1:
        return VOWEL + index % SYLLABLES // TRAILING_COUNT
    return TRAILING + index % TRAILING_COUNT


@leaf
def _form_size(code: int, entry: int) -> int:
    """Return how many characters a character becomes; `entry` is its own of `CODES`."""
    if HANGUL <= code < HANGUL_END:
        return 2 if (code - HANGUL) % TRAILING_COUNT == 0 else 3
    return 1 if entry >= 0 else -(entry >> FORM_BITS) & ((1 << SIZE_BITS) - 1)


@leaf
def _form_char(code: int, part: int, entry: int, small: I32) -> int:
    """Return one of the characters that a character becomes."""
    if HANGUL <= code < HANGUL_END:
        return _syllable_part(code, part)
    form = entry >> FORM_BITS
    return form if form >= 0 else signed(small[(-form >> SIZE_BITS) + part])


@leaf
def _wide_blank(data: U8, at: int, codes: I64) -> tuple[bool, int]:
    """Return whether the character at a byte, which is not ASCII, is white space, and its size."""
    code, size = decode(data, at)
    return codes[code] & IS_BLANK != 0, size


@leaf
def _count_line_ends(data: U8, begin: int, stop: int) -> int:
    count = 0
    for at in range(begin, stop):
        count += data[at] == 10
    return count


@leaf
def _add_char(state: np.uint64, block: np.uint64, char: int) -> tuple[np.uint64, np.uint64]:
    """Return the state and the block of the hash behind one more character."""
    if char < ASCII:
        block = block << BYTE | np.uint64(char)
        return (state, block) if block >> FULL == 0 else (add_block(state, block), BLOCK_START)
    if block != BLOCK_START:
        state = add_block(state, block)
    return add_block(state, np.uint64(char) | CHARACTER), BLOCK_START


@leaf
def _behind_marks(state: np.uint64, block: np.uint64, marks: np.uint64, row: I64, run: int) -> np.uint64:
    """Return the state behind a row of marks, whose ranks are forgotten; the next block is a new one."""
    if run > 0:
        row[run] = 0
    else:
        for sort in range(len(row)):
            row[sort] = 0
    return add_block(add_block(state, block), marks | CHARACTER)


@leaf
def _ascii_run(
    data: U8, at: int, stop: int, small: I32, state: np.uint64, block: np.uint64
) -> tuple[int, np.uint64, np.uint64, int, int]:
    """Read ASCII characters of a word, up to white space or another character.

    Returns:
        where they end, the state and the block of the hash behind them, how many characters there were, and how many of
        them digits.
    """
    length, digits = 0, 0
    while at < stop and data[at] < ASCII:
        low = signed(small[data[at]])
        if low == BLANK:
            break
        at += 1
        if low == REMOVED:
            continue
        block = block << BYTE | np.uint64(low)
        if block >> FULL:
            state, block = add_block(state, block), BLOCK_START
        length += 1
        digits += 48 <= low <= 57
    return at, state, block, length, digits


@leaf
def _wide_run(
    data: U8, begun: int, span: tuple[int, int], tables: Tables, hashed: tuple[np.uint64, np.uint64]
) -> tuple[int, np.uint64, np.uint64, int, int]:
    """Read other characters of a word, up to white space or an ASCII character; results as for `_ascii_run`.

    Args:
        data: uint8, all texts.
        begun: where the word begins.
        span: where to begin to read, and where the text ends.
        tables: as for `_word`.
        hashed: state and block of the hash.
    """
    codes, small, row = tables
    at, stop = span
    state, block = hashed
    length = numeric = run = 0
    marks = np.uint64(0)
    while at < stop:
        code, size = decode(data, at)
        entry = codes[code]
        if entry & IS_BLANK or (code < ASCII and entry & IS_REMOVED == 0):
            break
        at += size
        if code < ASCII:
            continue
        if code == CAPITAL_SIGMA and _sigma_is_final(data, begun, at, stop, codes):
            code, entry = FINAL_SIGMA, codes[FINAL_SIGMA]
        for part in range(_form_size(code, entry)):
            char = _form_char(code, part, entry, small)
            length += 1
            numeric += codes[char] & IS_NUMERIC != 0
            sort = codes[char] & COMBINING_CLASS
            if sort > 0:
                marks += _mark_block(char, row[sort])
                row[sort] += 1
                run = sort if run in (0, sort) else -1
                continue
            if run != 0:
                state, block = _behind_marks(state, block, marks, row, run), BLOCK_START
                run, marks = 0, np.uint64(0)
            state, block = _add_char(state, block, char)
    if run != 0:
        state, block = _behind_marks(state, block, marks, row, run), BLOCK_START
    return at, state, block, length, numeric


@leaf
def _letters_end(data: U8, at: int, stop: int) -> int:
    """Return where a run of ASCII letters ends."""
    while at < stop and SMALL_A <= data[at] | CASE <= SMALL_Z:
        at += 1
    return at


@leaf
def _block(data: U8, at: int, size: int) -> np.uint64:
    """Return the block of 0 to 7 ASCII letters, as `_ascii_run` makes it; eight bytes must be there."""
    place = np.uint64(at)
    high = (
        np.uint64(data[place]) << np.uint64(56)
        | np.uint64(data[place + np.uint64(1)]) << np.uint64(48)
        | np.uint64(data[place + np.uint64(2)]) << np.uint64(40)
        | np.uint64(data[place + np.uint64(3)]) << np.uint64(32)
    )
    low = (
        np.uint64(data[place + np.uint64(4)]) << np.uint64(24)
        | np.uint64(data[place + np.uint64(5)]) << np.uint64(16)
        | np.uint64(data[place + np.uint64(6)]) << np.uint64(8)
        | np.uint64(data[place + np.uint64(7)])
    )
    held = BYTE * np.uint64(size)
    return ((high | low | CASES) >> BYTE) >> (FULL - held) | BLOCK_START << held if size else BLOCK_START


@leaf
def _letters_hash(data: U8, at: int, end: int) -> np.uint64:
    """Return the hash of a word of ASCII letters alone, as `_word` has it; eight bytes behind it must be there."""
    state, length = SEED, end - at
    while at + BLOCK_SIZE <= end:
        state = add_block(state, _block(data, at, BLOCK_SIZE))
        at += BLOCK_SIZE
    return finish(add_block(state, _block(data, at, end - at)), length)


@leaf
def _plain_word(data: U8, at: int, stop: int, small: I32) -> tuple[int, int]:
    """Return where a word ends, punctuation behind it, and where its letters do; -1 if it is not of ASCII letters."""
    end = _letters_end(data, at, stop)
    behind = end
    while behind < stop and data[behind] < ASCII and small[data[behind]] == REMOVED:
        behind += 1
    ended = behind == stop or (data[behind] < ASCII and small[data[behind]] == BLANK)
    return (behind, end) if ended and at < end and end + WIDTH <= len(data) else (-1, end)


@leaf
def _word(data: U8, at: int, stop: int, tables: Tables) -> tuple[int, np.uint64, int, int]:
    """Read on to the next white space.

    Args:
        data: uint8, all texts.
        at: where to begin.
        stop: where the text ends.
        tables: `CODES`, `SMALL`, and int64[256], zeros, and left so, for counting the marks of each class in a row.

    Returns:
        where the word ends, its hash, its characters (0 where all were removed), and its numeric characters.
    """
    behind, end = _plain_word(data, at, stop, tables[1])
    if behind >= 0:
        return behind, _letters_hash(data, at, end), end - at, 0
    begun, state, block = at, SEED, BLOCK_START
    length = numeric = 0
    while at < stop:
        before = at
        if data[at] < ASCII:
            at, state, block, more, numbers = _ascii_run(data, at, stop, tables[1], state, block)
        else:
            at, state, block, more, numbers = _wide_run(data, begun, (at, stop), tables, (state, block))
        if at == before:
            break
        length += more
        numeric += numbers
    return at, finish(add_block(state, block), length), length, numeric


@leaf
def _lorem(data: U8, begun: int, at: int, small: I32, behind: bool) -> tuple[int, bool]:
    """Return what a word is behind one that ends in "lorem" or not, and whether it ends in it itself."""
    ipsum = _begins_with_ipsum(data, begun, at, small) if behind else 0
    maybe = data[at - 1] in (M_SMALL, M_CAPITAL) or (data[at - 1] < ASCII and small[data[at - 1]] == REMOVED)
    return ipsum, maybe and _ends_in_lorem(data, at, begun, small)


@leaf
def _text(
    data: U8, span: tuple[int, int], tables: Tables, found: Found, counted: tuple[int, int]
) -> tuple[int, int, int]:
    """Find the words and lines of one text.

    Args:
        data: uint8, all texts.
        span: where the text begins and ends.
        tables: as for `_word`.
        found: where to put the hashes and the characters of words, and the counts of lines; the hash to count.
        counted: how many words and lines there are already.

    Returns:
        how many words and lines there are now, and how often "lorem ipsum" occurs.
    """
    (at, stop), (words, lines) = span, counted
    hashes, chars, counts, listed = found
    lorem, exact, behind_lorem = 0, False, False
    while at < stop:
        byte = data[at]
        blank, size = (tables[1][byte] == BLANK, 1) if byte < ASCII else _wide_blank(data, at, tables[0])
        if not blank:
            begun = at
            at, value, length, numeric = _word(data, at, stop, tables)
            size = 0
            if length > 0:
                hashes[words], chars[words] = value, np.int32(length)
                words += 1
                counts[lines, LINE_WORDS] += np.int32(1)
                counts[lines, LINE_LETTERS] += np.int32(length)
                counts[lines, LINE_NUMERIC] += np.int32(numeric)
                counts[lines, LINE_LISTED] += np.int32(value == listed)
                ipsum, behind_lorem = _lorem(data, begun, at, tables[1], behind_lorem)
                lorem += ipsum > 0
                exact |= ipsum == EXACT
        at += size
        lines += byte == LF or at == stop
    return words, lines, lorem if exact else 0


@leaf
def _texts(data: U8, offsets: I64, tables: Tables, found: Found, firsts: tuple[I64, I64, I64]) -> tuple[int, int]:
    """Find the words and lines of all texts; return how many there are."""
    words = lines = 0
    for text in range(len(offsets) - 1):
        span = offsets[text], offsets[text + 1]
        words, lines, firsts[2][text] = _text(data, span, tables, found, (words, lines))
        firsts[0][text + 1], firsts[1][text + 1] = words, lines
    return words, lines


@kernel
def normalized_words(
    data: U8, offsets: I64, codes: I64, small: I32, listed: np.uint64
) -> tuple[I64, U64, I32, I64, I32, I64]:
    """Find the normalized words of texts, and what stands in their lines.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        codes: `CODES`.
        small: `SMALL`.
        listed: hash of a word that is counted in each line.

    Returns:
        first (int64, one more than texts) and per word hashes (uint64) and chars (int32, code points);
        line_first (int64, one more than texts) and int32[lines, 4]: LINE_WORDS, LINE_LETTERS, LINE_NUMERIC,
        LINE_LISTED; lorem (int64 per text).
    """
    texts = len(offsets) - 1
    most_words = (offsets[texts] - offsets[0] + texts) // 2 + 1
    most_lines = _count_line_ends(data, offsets[0], offsets[texts]) + texts
    hashes, chars = np.empty(most_words, np.uint64), np.empty(most_words, np.int32)
    counts = np.zeros((most_lines + 1, 4), np.int32)
    firsts = np.zeros(texts + 1, np.int64), np.zeros(texts + 1, np.int64), np.zeros(texts, np.int64)
    tables = codes, small, np.zeros(256, np.int64)
    words, lines = _texts(data, offsets, tables, (hashes, chars, counts, listed), firsts)
    return firsts[0], hashes[:words], chars[:words], firsts[1], counts[:lines], firsts[2]


@dataclass(frozen=True)
class Normalized:
    """Normalized words of texts, in order, and what stands in their LF-ended lines.

    Args:
        first: int64, one more than texts; the words of text d are numbers `first[d]` to `first[d + 1]`.
        hashes: uint64 per word.
        chars: int32 per word, code points.
        line_first: int64, one more than texts; the lines of text d are numbers `line_first[d]` to `line_first[d + 1]`.
        lines: int32[lines, 4], its columns LINE_WORDS, LINE_LETTERS (code points in words), LINE_NUMERIC (characters
            for which `str.isnumeric` holds) and LINE_LISTED (words "javascript").
        lorem: int64 per text, occurrences of "lorem ipsum", in any case, in the words joined by one space; 0 where it
            does not occur in lower case.
    """

    first: I64
    hashes: U64
    chars: I32
    line_first: I64
    lines: I32
    lorem: I64


def find_normalized(data: U8, offsets: I64) -> Normalized:
    """Find the normalized words of texts; the arguments are those of `Scans`."""
    return Normalized(*normalized_words(data, offsets, CODES, SMALL, np.uint64(javascript_hash())))


@cache
def javascript_hash() -> int:
    """Return the hash of the word "javascript"."""
    text = np.frombuffer(b"javascript", np.uint8)
    return int(normalized_words(text, np.array([0, len(text)]), CODES, SMALL, SEED)[1][0])
