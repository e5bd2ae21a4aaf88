"""Repeated n-grams, n from 2 to 10, all in one go.

In:  per text the hashes and the lengths of its words.
Out: per text and n what the published filters ask of its n-grams.
Guaranteed: the answers of the plain algorithms, in time that grows with the number of words.

An (n + 1)-gram can only occur twice where both n-grams in it do, so each n looks only at places that the one before it
left, side by side. Up to n = 4, "occurs twice" is asked of `marks` (an n-gram counts at the place that its hash names,
whether others count there or not), which may say yes too often and never no: that is quick, and leaves few n-grams to
be counted in earnest.

Per text, in characters (code points without white space), for n from 2 to 4:

    top        characters of the n-gram that occurs most often, the earliest of them, x occurrences; or 0
    top_count  its occurrences

and for n from 5 to 10:

    greedy     duplicates as datatrove counts them for Gopher: from left to right, a place whose n-gram stood at a place
               that was looked at before counts its characters and passes over its n words
    repeated   characters of all n-grams at all places whose n-gram occurs more than once (Dolma, numerator)
    total      characters of the n-grams at all places (Dolma, denominator)
    covered    characters of words that lie in a place whose n-gram occurs more than once, each once (RedPajama v2)
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.hashing import join
from filters.kernels.numbering import Known, number_hashes, room_to_number
from filters.kernels.tables import power_above

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

Grams = tuple[U64, I64]
"""The hash of each n-gram that is looked at, and the word it begins with, ascending."""

Counting = tuple[Known, I32, U32]
"""Room to number n-grams; the number of each; of each number its occurrences, and `SEEN`."""

SEEN = np.uint32(1 << 31)
"""Whether an n-gram was looked at, from left to right."""

LONGEST_TOP = 4
LONGEST = 10
MARKS_PER_WORD = 4
MOST_MARKS = np.uint8(255)
TOP, TOP_COUNT, GREEDY, REPEATED, TOTAL, COVERED = range(6)
"""Places of the answers in the last axis of `ngram_counts`."""


@leaf
def _count_grams(hashes: U64, count: int, work: Counting) -> None:
    """Number `hashes[:count]`, and count how often each occurs."""
    known, numbers, states = work
    differ = number_hashes(hashes, count, known, numbers)
    for number in range(differ):
        states[number] = 0
    for index in range(count):
        states[np.uint64(numbers[index])] += np.uint32(1)


@leaf
def _mark(hashes: U64, count: int, marks: U8) -> int:
    """Count each of `hashes[:count]` at the place in `marks` that it names; return the highest count, at most 255."""
    mask, highest = np.uint64(len(marks) - 1), np.uint8(0)
    marks[:] = 0
    for index in range(count):
        slot = hashes[index] & mask
        mark = marks[slot]
        mark += np.uint8(mark < MOST_MARKS)
        marks[slot] = mark
        highest = max(highest, mark)
    return signed(highest)


@leaf
def _marked(grams: Grams, count: int, marks: U8, levels: U8) -> int:
    """Keep the n-grams that may occur more than once, and set `levels` to their marks; return how many."""
    hashes, places = grams
    mask, kept = np.uint64(len(marks) - 1), np.uint64(0)
    for index in range(count):
        gram = hashes[index]
        mark = marks[gram & mask]
        hashes[kept], places[kept], levels[kept] = gram, places[index], mark
        kept += np.uint64(mark > 1)
    return signed(kept)


@leaf
def _chosen(grams: Grams, count: int, levels: U8, least: int, chosen: Grams) -> int:
    """Copy the n-grams with a mark of at least `least` to `chosen`; return how many."""
    kept = np.uint64(0)
    for index in range(count):
        chosen[0][kept], chosen[1][kept] = grams[0][index], grams[1][index]
        kept += np.uint64(levels[index] >= least)
    return signed(kept)


@leaf
def _most_frequent(grams: Grams, count: int, work: Counting) -> tuple[int, int]:
    """Return the occurrences and the place of the n-gram that occurs most often, the earliest of them; (1, 0) for none.

    Args:
        grams: the n-grams, of which all occurrences are there.
        count: how many there are.
        work: room to count them.
    """
    _count_grams(grams[0], count, work)
    _, numbers, states = work
    most, chosen = 1, 0
    for index in range(count):
        occurrences = signed(states[np.uint64(numbers[index])])
        if occurrences > most:
            most, chosen = occurrences, grams[1][index]
    return most, chosen


@kernel
def _top(grams: Grams, count: int, levels: U8, highest: int, room: tuple[Grams, Counting]) -> tuple[int, int]:
    """Return the same of n-grams that were marked: only those with high marks are counted in earnest.

    An n-gram with a mark below `least` occurs less often than that, and is not the most frequent one if another one
    occurs `least` times.
    """
    chosen, work = room
    least = max(highest - highest // 4, 2)
    while True:
        most, place = _most_frequent(chosen, _chosen(grams, count, levels, least, chosen), work)
        if most >= least or least == 2:
            return most, place
        least = max(most, 2)


@leaf
def _totals(answers: I64, ends: I64, words: int) -> None:
    """Set the characters of all n-grams: the sum of their ends less the sum of their beginnings."""
    behind, before = 0, 0
    for word in range(1, words + 1):
        behind += ends[word]
    for word in range(words):
        before += ends[word]
    for length in range(2, min(LONGEST, words) + 1):
        behind -= ends[length - 1]
        before -= ends[words - length + 1]
        if length > LONGEST_TOP:
            answers[length, TOTAL] = behind - before


@kernel
def _duplicates(answers: I64, length: int, count: int, ends: I64, grams: Grams, work: Counting) -> int:
    """Answer for one n, and keep the places whose n-gram occurs more than once.

    Args:
        answers: int64, set from GREEDY on.
        length: n.
        count: how many places there are; at all others stand n-grams that occur once.
        ends: int64, characters up to the end of each word, from 0 on.
        grams: the n-grams; they are overwritten.
        work: their numbers and occurrences.

    Returns:
        how many places were kept.
    """
    hashes, places = grams
    _, numbers, states = work
    repeated = covered = greedy = kept = 0
    last = passed = 0
    for index in range(count):
        number = np.uint64(numbers[index])
        state = states[number]
        if state & ~SEEN == 1:
            continue
        place = places[index]
        end = ends[place + length]
        repeated += end - ends[place]
        covered += end - ends[max(place, last)]
        last = place + length
        if place >= passed:
            if state & SEEN:
                greedy += end - ends[place]
                passed = last
            states[number] = state | SEEN
        places[kept], hashes[kept] = place, hashes[index]
        kept += 1
    answers[GREEDY], answers[REPEATED], answers[COVERED] = greedy, repeated, covered
    return kept


@leaf
def _lengthen(grams: Grams, count: int, words: U64, length: int) -> int:
    """Make n-grams of `length` words of two side by side that are one shorter; return how many."""
    hashes, places = grams
    kept = np.uint64(0)
    for index in range(count - 1):
        place = places[index]
        hashes[kept], places[kept] = join(hashes[index], words[place + length - 1]), place
        kept += np.uint64(places[index + 1] == place + 1)
    return signed(kept)


@kernel
def _text_ngrams(
    answers: I64, words: U64, ends: I64, marking: tuple[U8, U8], room: tuple[Grams, Grams, Counting]
) -> None:
    """Answer for one text; `marking` (marks and levels) and `room` have room for its words."""
    (marks, levels), (grams, chosen, work) = marking, room
    count = len(words) - 1
    for word in range(count):
        grams[0][word], grams[1][word] = join(words[word], words[word + 1]), word
    for length in range(2, min(LONGEST, len(words)) + 1):
        if length > 2:
            count = _lengthen(grams, count, words, length)
        if length <= LONGEST_TOP:
            part = marks[: power_above(MARKS_PER_WORD * count)]
            highest = _mark(grams[0], count, part)
            count = _marked(grams, count, part, levels)
            most, place = _top(grams, count, levels, highest, (chosen, work))
            answers[length, TOP], answers[length, TOP_COUNT] = (ends[place + length] - ends[place]) * most, most
        elif count:
            _count_grams(grams[0], count, work)
            count = _duplicates(answers[length], length, count, ends, grams, work)


def ngram_counts(first: I64, hashes: U64, chars: I32) -> I64:
    """Answer for every text and n.

    Args:
        first: int64, one more than texts; the words of text d are numbers `first[d]` to `first[d + 1]`.
        hashes: uint64, one per word.
        chars: int32, code points of each word.

    Returns:
        int64[texts, 11, 6]: text, n, and one of the answers from TOP on; 0 where a text has no n-gram.
    """
    longest = max(int(np.diff(first).max(initial=1)), 1)
    marking = np.empty(power_above(MARKS_PER_WORD * longest), np.uint8), np.empty(longest, np.uint8)
    grams = np.empty(longest, np.uint64), np.empty(longest, np.int64)
    chosen = np.empty(longest, np.uint64), np.empty(longest, np.int64)
    work = room_to_number(longest), np.empty(longest, np.int32), np.empty(longest, np.uint32)
    answers = np.zeros((len(first) - 1, LONGEST + 1, 6), np.int64)
    ends = np.zeros(longest + 1, np.int64)
    _ngram_counts(answers, first, (hashes, chars), ends, marking, (grams, chosen, work))
    return answers


@kernel
def _ngram_counts(
    answers: I64,
    first: I64,
    words: tuple[U64, I32],
    ends: I64,
    marking: tuple[U8, U8],
    room: tuple[Grams, Grams, Counting],
) -> None:
    hashes, chars = words
    for text in range(len(first) - 1):
        begin, stop = first[text], first[text + 1]
        for word in range(stop - begin):
            ends[word + 1] = ends[word] + chars[begin + word]
        _text_ngrams(answers[text], hashes[begin:stop], ends, marking, room)
        _totals(answers[text], ends, stop - begin)
