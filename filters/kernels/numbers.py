r"""Phone numbers and IPv4 addresses: where Dolma's regular expressions find them.

In:  the UTF-8 bytes of texts, and the stretches of them that are searched one by one.
Out: where each match begins and ends, in order.
Guaranteed: the matches of `re.finditer` with the patterns below, in time that grows with the length of the text,
     whatever it holds; the patterns themselves need quadratic time on long white space.

    phone   \s+\(?(\d{3})\)?[-\. ]*(\d{3})[-. ]?(\d{4})
    ip      (?:octet\.){3}octet    octet: 25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?

Patterns: allenai/dolma, python/dolma/taggers/pii.py. Why no engine is needed: behind the white space at most one way of
reading a phone number is possible, and an octet that a dot follows is the one to three digits before that dot.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before, is_space
from filters.kernels.compiled import inlined, kernel, leaf
from filters.kernels.flags import DECIMAL
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
Spans = tuple[int, I64, I64]

NEWLINE, SPACE, HASH, OPEN, CLOSE, DASH, DOT, ZERO = 10, 32, 35, 40, 41, 45, 46, 48


@inlined
def _separates(byte: np.uint8) -> bool:
    return byte in (DASH, DOT, SPACE)


@kernel
def _decimals(data: U8, at: int, stop: int, wanted: int, classes: U32) -> int:
    """Return the place behind `wanted` decimal digits of any script; -1 where there are fewer."""
    for _ in range(wanted):
        if at < 0 or at >= stop:
            return -1
        code, size = decode(data, at)
        if classes[code] & DECIMAL == 0:
            return -1
        at += size
    return at


@kernel
def _phone_end(data: U8, at: int, stop: int, classes: U32) -> int:
    """Return the end of the phone number that begins at `at`, behind its white space; -1 for none."""
    at = _decimals(data, at + 1 if data[at] == OPEN else at, stop, 3, classes)
    if at < 0:
        return -1
    if at < stop and data[at] == CLOSE:
        at += 1
    while at < stop and _separates(data[at]):
        at += 1
    at = _decimals(data, at, stop, 3, classes)
    if 0 <= at < stop and _separates(data[at]):
        at += 1
    return _decimals(data, at, stop, 4, classes)


@inlined
def _is_digit(byte: np.uint8) -> bool:
    return bool(ZERO <= byte <= ZERO + 9)


@leaf
def _number_ahead(data: U8, at: int, stop: int, classes: U32) -> int:
    """Return where the next decimal digit or '(' stands; `stop` for none."""
    while at < stop:
        byte = data[at]
        if _is_digit(byte) or byte == OPEN:
            return at
        if byte < 0x80:
            at += 1
            continue
        code, size = decode(data, at)
        if classes[code] & DECIMAL:
            return at
        at += size
    return stop


@kernel
def _blank_start(data: U8, at: int, low: int, classes: U32, by_line: bool) -> int:
    """Return where the white space before `at` begins; `at` itself for none."""
    while at > low:
        place = before(data, at)
        code, _ = decode(data, place)
        if not is_space(code, classes) or (by_line and code == NEWLINE):
            break
        at = place
    return at


@kernel
def phones(data: U8, stretches: tuple[I64, I64], classes: U32, by_line: bool, most: int) -> Spans:
    """Find phone numbers; a match begins with the white space before the number.

    Args:
        data: uint8, all texts.
        stretches: starts and ends (int64) of what is searched.
        classes: uint32 flags by code point.
        by_line: whether white space before a line end is not part of a match.
        most: matches for which room is made.

    Returns:
        The number of matches, and the starts and ends (int64) of the first `most`.
    """
    start, end = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for number in range(len(stretches[0])):
        low, stop = stretches[0][number], stretches[1][number]
        at = _number_ahead(data, low, stop, classes)
        while at < stop:
            found = -1
            if at > low and is_space(decode(data, before(data, at))[0], classes):
                found = _phone_end(data, at, stop, classes)
            blank = _blank_start(data, at, low, classes, by_line) if found >= 0 else at
            if blank < at:
                if count < most:
                    start[count], end[count] = blank, found
                count += 1
                at = low = found
            else:
                at += decode(data, at)[1]
            at = _number_ahead(data, at, stop, classes)
    return count, start[:count], end[:count]


@kernel
def _digits_end(data: U8, at: int, stop: int) -> int:
    while at < stop and _is_digit(data[at]):
        at += 1
    return at


@kernel
def _number(data: U8, at: int, stop: int) -> int:
    """Return the number that the digits from `at` to `stop` write."""
    value = 0
    for place in range(at, stop):
        value = value * 10 + int(data[place]) - ZERO
    return value


@kernel
def _octet_end(data: U8, at: int, stop: int) -> int:
    """Return the place behind an octet and the dot that follows it; -1 where they are not there."""
    end = _digits_end(data, at, min(stop, at + 4))
    if end == at or end > at + 3 or end >= stop or data[end] != DOT:
        return -1
    return end + 1 if _number(data, at, end) <= 255 else -1


@kernel
def _last_octet_end(data: U8, at: int, stop: int) -> int:
    """Return the place behind the last octet, which takes as many digits as it can; -1 where there is none."""
    end = _digits_end(data, at, min(stop, at + 3))
    if end == at:
        return -1
    return end if end < at + 3 or _number(data, at, end) <= 255 else at + 2


@kernel
def _address_end(data: U8, at: int, stop: int) -> int:
    """Return the end of the three octets that begin at `at`; -1 where they are not there."""
    for _ in range(2):
        at = _octet_end(data, at, stop)
        if at < 0:
            return -1
    return _last_octet_end(data, at, stop)


@kernel
def addresses(data: U8, stretches: tuple[I64, I64], most: int) -> Spans:
    """Find IPv4 addresses; arguments and result as for `phones`."""
    start, end = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for number in range(len(stretches[0])):
        at, stop = stretches[0][number], stretches[1][number]
        while at < stop:
            if not _is_digit(data[at]):
                at += 1
                continue
            dot = _digits_end(data, at, stop)
            found = -1
            if dot < stop and data[dot] == DOT:
                found = _address_end(data, dot + 1, stop)
            if found < 0:
                at = dot
                continue
            first = max(at, dot - 3)
            if _number(data, first, dot) > 255:
                first += 1
            if count < most:
                start[count], end[count] = first, found
            count += 1
            at = found
    return count, start[:count], end[:count]


@kernel
def _is_public(value: int) -> bool:
    """Whether an IPv4 address is globally reachable (IANA IPv4 Special-Purpose Address Registry)."""
    high, middle, low = value >> 24, value >> 16, value >> 8
    if high in (0, 10, 127) or high >= 240:
        return False
    if middle in (0xA9FE, 0xC0A8) or 0xAC10 <= middle <= 0xAC1F:
        return False
    if 0x6440 <= middle <= 0x647F or middle in (0xC612, 0xC613):
        return False
    if low == 0xC00000:
        return value in (0xC0000009, 0xC000000A)
    return low not in (0xC00002, 0xC63364, 0xCB0071)


@kernel
def public(data: U8, start: I64, end: I64) -> npt.NDArray[np.bool_]:
    """Tell of each address whether it is globally reachable; one with a leading zero in an octet is no address."""
    answers = np.zeros(len(start), np.bool_)
    for number in range(len(start)):
        value, octet, digits, whole = 0, 0, 0, True
        for at in range(start[number], end[number]):
            if data[at] == DOT:
                value, octet, digits = value << 8 | octet, 0, 0
                continue
            whole = whole and not (digits > 0 and octet == 0)
            octet = octet * 10 + int(data[at]) - ZERO
            digits += 1
        answers[number] = whole and _is_public(value << 8 | octet)
    return answers


@inlined
def _spells(data: U8, at: int, stop: int, word: bytes) -> bool:
    if at + len(word) > stop:
        return False
    for place in range(len(word)):  # noqa: SIM110 - numba compiles no generator
        if data[at + place] != word[place]:
            return False
    return True


@kernel
def counted(data: U8, start: I64, end: I64, byte: int) -> I64:
    """Return how often an ASCII byte stands in each stretch."""
    counts = np.zeros(len(start), np.int64)
    for number in range(len(start)):
        count = 0
        for at in range(start[number], end[number]):
            count += data[at] == byte
        counts[number] = count
    return counts


@kernel
def in_books(data: U8, span: tuple[int, int], bounds: tuple[int, int], window: int) -> bool:
    """Whether "isbn", "doi" or "#" stands in a span or within `window` characters of it.

    Args:
        data: uint8, all texts.
        span: start and end of what was found.
        bounds: start and end of its text.
        window: characters on either side.
    """
    low, high = span
    for _ in range(window):
        low = before(data, low) if low > bounds[0] else low
        high += decode(data, high)[1] if high < bounds[1] else 0
    for at in range(low, high):
        if data[at] == HASH or _spells(data, at, high, b"isbn") or _spells(data, at, high, b"doi"):
            return True
    return False


@kernel
def outside_books(data: U8, spans: tuple[I64, I64], offsets: I64, window: int) -> npt.NDArray[np.bool_]:
    """Tell of each span whether it is free of the neighbours that `in_books` looks for.

    Args:
        data: uint8, all texts.
        spans: starts and ends (int64), in order.
        offsets: int64, one more than texts.
        window: characters on either side.
    """
    answers = np.zeros(len(spans[0]), np.bool_)
    text = 0
    for number in range(len(spans[0])):
        while offsets[text + 1] <= spans[0][number]:
            text += 1
        bounds = (offsets[text], offsets[text + 1])
        answers[number] = not in_books(data, (spans[0][number], spans[1][number]), bounds, window)
    return answers
