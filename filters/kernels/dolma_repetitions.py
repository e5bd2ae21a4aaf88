r"""Repetitions of characters, as `re` finds them with Dolma's pattern `(.+?)(\s?\1){3,}`.

In:  the UTF-8 bytes of texts.
Out: per text how many repetitions there are, how often the most repeated unit occurs, and how long they are.
Guaranteed: the matches of `re.finditer`, without its cost, which grows with the square of a line's length.

A match is a *unit*, which holds no LF, and three or more copies of it, each behind at most one white space. The pattern
takes the leftmost match, of those the one of the shortest unit, and of that as many copies as there are. A unit and its
first copy are equal at a distance d of the unit's length, or one more. So, for each d in turn, places a unit's length
apart ("anchors", of which every unit holds one) are compared with what is d behind them, and where they are equal, the
run of equal characters around them tells which units begin there: n/1 + n/2 + n/3 ... comparisons instead of n x n.
Where a shorter unit begins at a place already, longer ones there do not matter; an anchor inside such places moves left
to the next place that is free, since units that hold the one and do not begin in between hold the other.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.flags import STRIPPED
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

LF = 10
LEAST_COPIES = 3
SLOTS = (LEAST_COPIES + 1) ** 2
MATCHES, MOST_UNITS, MOST_CHARS, ALL_CHARS, TEXT_CHARS = range(5)
"""Columns of `repetition_counts`."""

SPACE_BIT = 1 << 30
CODE = SPACE_BIT - 1
"""A character in a decoded text is its code point, with a bit set if it is white space."""

Work = tuple[I32, I32, I32, I64]
"""Per character of a text: the character, the length of the shortest unit that begins there, and a place further left
that may be free (itself, if it is); and what `_stays_equal` knows."""


@leaf
def _decode_text(data: U8, at: int, stop: int, classes: U32, codes: I32) -> int:
    """Set `codes` to the characters of a text; return how many there are."""
    count = 0
    while at < stop:
        code, size = decode(data, at)
        codes[count] = np.int32(code | SPACE_BIT if classes[code] & STRIPPED else code)
        count += 1
        at += size
    return count


@leaf
def _equal(codes: I32, unit: int, place: int, length: int, stop: int) -> bool:
    """Whether the `length` characters at `unit` also stand at `place`, all of them before `stop`."""
    if place + length > stop:
        return False
    step = 0
    while step < length and codes[unit + step] == codes[place + step]:
        step += 1
    return step == length


@leaf
def _copy_ends(codes: I32, unit: int, place: int, length: int, stop: int) -> int:
    """Return where a copy of a unit, perhaps behind a white space, ends that begins at `place`; -1 where there is none.

    Only of a unit of white space alone both can be: then the shortest unit is one character, and `_blank_path` decides.
    """
    if _equal(codes, unit, place, length, stop):
        return place + length
    if place < stop and codes[place] & SPACE_BIT and _equal(codes, unit, place + 1, length, stop):
        return place + 1 + length
    return -1


@leaf
def _blank_step(codes: I32, unit: int, place: int, behind_space: bool, stop: int) -> int:
    """Return where a copy of a unit of one white space ends, with a white space before it or not; -1 for none."""
    at = place + 1 if behind_space else place
    if at >= stop or codes[at] != codes[unit] or not codes[place] & SPACE_BIT:
        return -1
    return at + 1


@leaf
def _blank_path(codes: I32, unit: int, stop: int) -> int:
    """Return where the first three copies of a unit of one white space end; -1 for none.

    As `re` does, each copy first takes a white space before it, and gives it up only if else there are no three copies.
    """
    for choice in range(1 << LEAST_COPIES):
        place = unit + 1
        for copy in range(LEAST_COPIES):
            if place >= 0:
                behind_space = choice >> (LEAST_COPIES - 1 - copy) & 1 == 0
                place = _blank_step(codes, unit, place, behind_space, stop)
        if place >= 0:
            return place
    return -1


@leaf
def _blank_end(codes: I32, unit: int, stop: int) -> int:
    """Return where the copies of a unit of one white space end."""
    place = _blank_path(codes, unit, stop)
    while True:
        behind = _blank_step(codes, unit, place, True, stop) if place < stop else -1
        if behind < 0 and place < stop:
            behind = _blank_step(codes, unit, place, False, stop)
        if behind < 0:
            return place
        place = behind


@leaf
def _stays_equal(codes: I32, unit: int, length: int, distance: int, equal: tuple[I64, int, int]) -> bool:
    """Whether the characters of a unit are those `distance` behind them.

    Args:
        codes: the text.
        unit: where the unit begins; not before the last one that was asked about.
        length: its characters.
        distance: how far behind it a copy is looked for.
        equal: for each distance that is asked about, up to where characters are known to be equal; its place there; and
            where the text ends.
    """
    ends, slot, stop = equal
    end = max(ends[slot], unit)
    while end < unit + length and end + distance < stop and codes[end] == codes[end + distance]:
        end += 1
    ends[slot] = end
    return bool(end >= unit + length)


@leaf
def _is_unit(codes: I32, unit: int, length: int, ends: I64, stop: int) -> bool:
    """Whether three copies follow a unit; `ends` as for `_stays_equal`, 0 before the first unit of a length."""
    if length == 1 and codes[unit] & SPACE_BIT:
        return _blank_path(codes, unit, stop) >= 0
    spaces = 0
    for copy in range(1, LEAST_COPIES + 1):
        distance = copy * length + spaces
        slot = copy * (LEAST_COPIES + 1) + spaces
        if not _stays_equal(codes, unit, length, distance, (ends, slot, stop)):
            if unit + distance >= stop or not codes[unit + distance] & SPACE_BIT:
                return False
            if not _stays_equal(codes, unit, length, distance + 1, (ends, slot + 1, stop)):
                return False
            spaces += 1
    return True


@leaf
def _free_place(left: I32, place: int, begin: int) -> int:
    """Return the next place from `place` to the left, down to `begin`, where no unit begins; or one before `begin`."""
    found = place
    while found >= begin and left[found] != found:
        found = signed(left[found])
    while place > found:
        place, left[place] = signed(left[place]), np.int32(found)
    return found


@leaf
def _try_units(work: Work, length: int, run: tuple[int, int, int], span: tuple[int, int]) -> None:
    """Mark the units of one length that begin in a run of characters.

    Args:
        work: see `Work`.
        length: the characters of the units.
        run: the first place, the last one, and how much white space must stand before the first copy: 0 or 1.
        span: where the line and the text end.
    """
    codes, units, left, ends = work
    first, last, spaces = run
    line_end, stop = span
    last = min(last, line_end - length)
    if last < first:
        return
    for slot in range(len(ends)):
        ends[slot] = 0
    for unit in range(first, last + 1):
        maybe = units[unit] == 0 and (spaces == 0 or codes[unit + length] & SPACE_BIT != 0)
        if maybe and _is_unit(codes, unit, length, ends, stop):
            units[unit], left[unit] = np.int32(length), np.int32(unit - 1)


@leaf
def _at_distance(work: Work, begin: int, distance: int, span: tuple[int, int]) -> None:
    """Mark the units of a line whose first copy is `distance` behind them, or rather the equal characters are."""
    codes, left = work[0], work[2]
    line_end, stop = span
    free = end = begin
    for anchor in range(begin, line_end, max(distance - 1, 1)):
        place = _free_place(left, anchor, begin)
        if place < free or place + distance >= stop or codes[place] != codes[place + distance]:
            continue
        first, end = place, max(place, end)
        while first > max(free, place - distance) and codes[first - 1] == codes[first - 1 + distance]:
            first -= 1
        while end < place + distance and end + distance < stop and codes[end] == codes[end + distance]:
            end += 1
        if distance > 1:
            _try_units(work, distance - 1, (first, min(place, end - distance + 1), 1), span)
        _try_units(work, distance, (first, min(place, end - distance), 0), span)
        free = place + 1


@leaf
def _mark_units(work: Work, begin: int, span: tuple[int, int]) -> None:
    """Set, for each place of a line, the length of the shortest unit that begins there."""
    line_end, stop = span
    longest = min(line_end - begin, (stop - begin) // (LEAST_COPIES + 1))
    for distance in range(1, longest + 2):
        _at_distance(work, begin, distance, span)


@leaf
def _match(codes: I32, unit: int, length: int, stop: int) -> tuple[int, int]:
    """Return where a match ends, and how often its unit occurs in it, without overlap."""
    if length == 1 and codes[unit] & SPACE_BIT:
        end, times = _blank_end(codes, unit, stop), 0
        for place in range(unit, end):
            times += codes[place] == codes[unit]
        return end, times
    end, times = unit + length, 1
    behind = _copy_ends(codes, unit, end, length, stop)
    while behind >= 0:
        end, times = behind, times + 1
        behind = _copy_ends(codes, unit, end, length, stop)
    return end, times


@leaf
def _count_matches(work: Work, begin: int, stop: int, counts: I64) -> None:
    """Add the matches from `begin` to `stop` to the counts of their text."""
    codes, units = work[0], work[1]
    place = begin
    while place < stop:
        if units[place] == 0:
            place += 1
            continue
        end, times = _match(codes, place, signed(units[place]), stop)
        counts[MATCHES] += 1
        counts[MOST_UNITS] = max(counts[MOST_UNITS], times)
        counts[MOST_CHARS] = max(counts[MOST_CHARS], end - place)
        counts[ALL_CHARS] += end - place
        place = end


@leaf
def _text(work: Work, chars: int, apart: bool, counts: I64) -> None:
    """Count in one decoded text."""
    codes, units, left, _ = work
    for place in range(chars):
        units[place], left[place] = np.int32(0), np.int32(place)
    begin = 0
    while begin < chars:
        line_end = begin
        while line_end < chars and codes[line_end] & CODE != LF:
            line_end += 1
        stop = min(line_end + 1, chars) if apart else chars
        _mark_units(work, begin, (line_end, stop))
        if apart:
            _count_matches(work, begin, stop, counts)
        begin = line_end + 1
    if not apart:
        _count_matches(work, 0, chars, counts)


@kernel
def repetition_counts(data: U8, offsets: I64, classes: U32, apart: bool) -> I64:
    """Find the repetitions of texts.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts; text d is `data[offsets[d]:offsets[d + 1]]`.
        classes: uint32 flags by code point.
        apart: whether each LF-ended line is looked at for itself.

    Returns:
        int64[texts, 5]: MATCHES; MOST_UNITS, occurrences of the unit in the match that has most of them; MOST_CHARS,
        code points of the longest match; ALL_CHARS, of all matches; TEXT_CHARS, of the text.
    """
    texts = len(offsets) - 1
    longest = 0
    for text in range(texts):
        longest = max(longest, offsets[text + 1] - offsets[text])
    codes, units, left = np.empty(longest, np.int32), np.empty(longest, np.int32), np.empty(longest, np.int32)
    work = codes, units, left, np.zeros(SLOTS, np.int64)
    counts = np.zeros((texts, 5), np.int64)
    for text in range(texts):
        chars = _decode_text(data, offsets[text], offsets[text + 1], classes, codes)
        counts[text, TEXT_CHARS] = chars
        _text(work, chars, apart, counts[text])
    return counts
