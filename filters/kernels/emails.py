r"""E-mail addresses: where the regular expressions of Dolma and of FineWeb find them.

In:  the UTF-8 bytes of texts, and the stretches of them that are searched one by one.
Out: where each match begins and ends, in order.
Guaranteed: the matches of `re.finditer` with the patterns below, in time that grows with the length of the text,
     whatever it holds; the patterns themselves need quadratic time on one long word.

    dolma     P*([^\s@]+@D+?)P?\s        P: [.\s@,?!;:)(]   D: [^\s@,?!;:)(]
              (allenai/dolma, python/dolma/taggers/pii.py)
    fineweb   \bA+(\.A+)*@((L\.)+L|\[address\])        A: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]   L: a label of a domain
              (huggingface/datatrove, src/datatrove/pipeline/formatters/pii.py)

Why no engine is needed: each '@' has one stretch before it and one behind it that can belong to it. What is left open
is only which '@' a run of marks before an address leads to; the expression tries the last one first.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before, is_space, is_word
from filters.kernels.compiled import inlined, kernel
from filters.kernels.numbers import _last_octet_end, _octet_end
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
Spans = tuple[int, I64, I64]

NEWLINE, OPEN, CLOSE, DASH, DOT, COLON, AT, LEFT, RIGHT = 10, 40, 41, 45, 46, 58, 64, 91, 93


@inlined
def _is_mark(code: int) -> bool:
    """Whether a character is one of `@,?!;:)(`."""
    return code in (64, 44, 63, 33, 59, 58, 41, 40)


@inlined
def _surrounds(code: int, classes: U32) -> bool:
    """Whether a character is in P."""
    return code == DOT or _is_mark(code) or is_space(code, classes)


@kernel
def _behind_at(data: U8, at: int, stop: int, classes: U32) -> tuple[int, int]:
    """Return where the domain behind an '@' ends, and where its match ends; -1 and -1 where there is no match."""
    place, last, count = at, at, 0
    while place < stop:
        code, size = decode(data, place)
        if _is_mark(code) or is_space(code, classes):
            break
        last, count = place, count + 1
        place += size
    if count == 0 or place >= stop:
        return -1, -1
    code, size = decode(data, place)
    blank = is_space(code, classes)
    if blank and count > 1 and data[last] == DOT:
        return last, place + size
    if place + size < stop:
        code, width = decode(data, place + size)
        if is_space(code, classes):
            return place, place + size + width
    return (place, place + size) if blank else (-1, -1)


@kernel
def _run_start(data: U8, at: int, low: int, classes: U32) -> int:
    """Return where the characters before `at` begin that are neither white space nor '@'."""
    while at > low:
        place = before(data, at)
        code, _ = decode(data, place)
        if code == AT or is_space(code, classes):
            break
        at = place
    return at


@kernel
def _marks_start(data: U8, at: int, low: int, classes: U32) -> int:
    """Return where the characters of P before `at` begin."""
    while at > low:
        place = before(data, at)
        code, _ = decode(data, place)
        if not _surrounds(code, classes):
            break
        at = place
    return at


@kernel
def _marks_end(data: U8, at: int, stop: int, classes: U32) -> int:
    while at < stop:
        code, size = decode(data, at)
        if not _surrounds(code, classes):
            break
        at += size
    return at


@kernel
def _next_at(data: U8, at: int, stop: int, classes: U32) -> int:
    """Return the '@' behind at least one character that is neither that nor white space; -1 for none."""
    begun = at
    while at < stop:
        code, size = decode(data, at)
        if code == AT:
            return at if at > begun else -1
        if is_space(code, classes):
            return -1
        at += size
    return -1


@kernel
def _chosen(data: U8, start: int, stop: int, classes: U32) -> tuple[int, int]:
    """Return where the name begins and the '@' of the match from `start`: the last one that a run of P leads to."""
    edge = _marks_end(data, start, stop, classes)
    sign = _next_at(data, edge, stop, classes)
    if sign >= 0 and _behind_at(data, sign + 1, stop, classes)[1] >= 0:
        return edge, sign
    place, sign = edge, -1
    while place > start:
        place = before(data, place)
        code, _ = decode(data, place)
        if code == AT:
            sign = place
        elif is_space(code, classes):
            sign = -1
        elif sign >= 0:
            if _behind_at(data, sign + 1, stop, classes)[1] >= 0:
                return place, sign
            sign = -1
    return -1, -1


@kernel
def _has_dot(data: U8, start: int, end: int) -> bool:
    """Whether there is a '.' before the next '@' or the end."""
    for at in range(start, end):
        if data[at] == AT:
            return False
        if data[at] == DOT:
            return True
    return False


@kernel
def _is_lone_bracket(data: U8, start: int, end: int, classes: U32) -> bool:
    """Whether a name is nothing but a '(' and white space around it."""
    brackets = 0
    while start < end:
        code, size = decode(data, start)
        if code == OPEN:
            brackets += 1
        elif not is_space(code, classes):
            return False
        start += size
    return brackets == 1


@kernel
def _plausible(data: U8, start: int, end: int, classes: U32) -> bool:
    """Whether what stands before the first '@' is a name, and what stands behind it has a dot."""
    sign = start
    while data[sign] != AT:
        sign += 1
    return not _is_lone_bracket(data, start, sign, classes) and _has_dot(data, sign + 1, end)


@kernel
def dolma_emails(data: U8, stretches: tuple[I64, I64], classes: U32, by_line: bool, most: int) -> Spans:
    """Find the e-mail addresses of Dolma's taggers.

    Args:
        data: uint8, all texts.
        stretches: starts and ends (int64) of what is searched.
        classes: uint32 flags by code point.
        by_line: whether each line (up to and with its U+000A) is searched alone, and a match is judged by the address
            in it (`pii_regex_with_counts_fast_v2`) and not by all that was matched (`pii_regex_v1`).
        most: matches for which room is made.

    Returns:
        The number of matches, and the starts and ends (int64) of the first `most`.
    """
    start, end = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for number in range(len(stretches[0])):
        at, stop = stretches[0][number], stretches[1][number]
        low, edge = at, (at if by_line else stop)
        while at < stop:
            if data[at] != AT:
                at += 1
                continue
            if at >= edge:
                begun = at
                while begun > edge and data[begun - 1] != NEWLINE:
                    begun -= 1
                low, edge = begun, at
                while edge < stop and data[edge] != NEWLINE:
                    edge += 1
                edge = min(edge + 1, stop)
            if _run_start(data, at, max(low, at - 4), classes) == at or _behind_at(data, at + 1, edge, classes)[1] < 0:
                at += 1
                continue
            first = _marks_start(data, _run_start(data, at, low, classes), low, classes)
            name, sign = _chosen(data, first, edge, classes)
            domain_end, low = _behind_at(data, sign + 1, edge, classes)
            if _plausible(data, name, domain_end, classes) if by_line else _plausible(data, first, low, classes):
                if count < most:
                    start[count], end[count] = first, low
                count += 1
            at = low
    return count, start[:count], end[:count]


@inlined
def _is_alnum(byte: np.uint8) -> bool:
    return bool(48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122)


@inlined
def _is_atom(byte: np.uint8) -> bool:
    """Whether a byte is in A."""
    if _is_alnum(byte):
        return True
    return byte in (33, 35, 36, 37, 38, 39, 42, 43, 45, 47, 61, 63, 94, 95, 96, 123, 124, 125, 126)


@inlined
def _is_inner_dot(data: U8, at: int, low: int) -> bool:
    """Whether a dot with an atom before it stands at `at`."""
    return data[at] == DOT and at > low and _is_atom(data[at - 1])


@kernel
def _name_start(data: U8, at: int, low: int) -> int:
    """Return where the longest name of atoms and single dots before an '@' begins; `at` itself for none."""
    place = at
    while place > low:
        if not _is_atom(data[place - 1]) and (place == at or not _is_inner_dot(data, place - 1, low)):
            break
        place -= 1
    return place


@kernel
def _word_edge(data: U8, at: int, low: int, classes: U32) -> bool:
    r"""Whether `\b` holds before the ASCII character at `at`; `low` is the start of the whole text."""
    left = False
    if at > low:
        code, _ = decode(data, before(data, at))
        left = is_word(code, classes)
    return left != is_word(int(data[at]), classes)


@kernel
def _label_end(data: U8, at: int, stop: int) -> tuple[int, int]:
    """Return where the label at `at` ends, and where its letters, digits and dashes do; both `at` for none."""
    if at >= stop or not _is_alnum(data[at]):
        return at, at
    place = last = at
    while place < stop and (_is_alnum(data[place]) or data[place] == DASH):
        if data[place] != DASH:
            last = place
        place += 1
    return last + 1, place


@kernel
def _domain_end(data: U8, at: int, stop: int) -> int:
    """Return where the longest domain of two labels or more ends; -1 for none."""
    labels, end = 0, -1
    while True:
        label, run = _label_end(data, at, stop)
        if label == at:
            return end if labels > 1 else -1
        end, labels = label, labels + 1
        if label != run or run >= stop or data[run] != DOT:
            return end if labels > 1 else -1
        at = run + 1


@kernel
def _literal_end(data: U8, at: int, stop: int) -> int:
    """Return where an address in square brackets ends; -1 for none."""
    if at >= stop or data[at] != LEFT:
        return -1
    at += 1
    for _ in range(3):
        at = _octet_end(data, at, stop)
        if at < 0:
            return -1
    end = _last_octet_end(data, at, stop)
    if 0 <= end < stop and data[end] == RIGHT:
        return end + 1
    while at < stop and (_is_alnum(data[at]) or data[at] == DASH):
        at += 1
    tagged = at + 1 < stop and data[at] == COLON and _is_alnum(data[at - 1]) and data[at + 1] == RIGHT
    return at + 2 if tagged else -1


@kernel
def fineweb_emails(data: U8, stretches: tuple[I64, I64], classes: U32, most: int) -> Spans:
    """Find the e-mail addresses of FineWeb's formatter; arguments and result as for `dolma_emails`."""
    start, end = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for number in range(len(stretches[0])):
        begun, stop = stretches[0][number], stretches[1][number]
        at = low = begun
        while at < stop:
            if data[at] != AT:
                at += 1
                continue
            first = _name_start(data, at, low)
            while first < at and (data[first] == DOT or not _word_edge(data, first, begun, classes)):
                first += 1
            found = -1
            if first < at:
                found = _domain_end(data, at + 1, stop)
                if found < 0:
                    found = _literal_end(data, at + 1, stop)
            if found < 0:
                at += 1
                continue
            if count < most:
                start[count], end[count] = first, found
            count += 1
            at = low = found
    return count, start[:count], end[:count]
