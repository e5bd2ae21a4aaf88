"""Repeated n-grams, n from 2 to 10, all in one go.

In:  per text the hashes and the lengths of its words.
Out: per text and n what the published filters ask of its n-grams.
Guaranteed: the answers of the plain algorithms, in time that grows with the number of words.

An (n + 1)-gram can only occur twice where both n-grams in it do, so each n looks only at places that the one before it
left, side by side. Up to n = 4, "occurs twice" is asked of marks (an n-gram counts at the place that its hash names,
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
from filters.kernels.marking import Marking, mark_levels, room_to_mark
from filters.kernels.numbering import Known, Pairing, number_hashes, number_pairs, room_to_number, room_to_pair

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

Grams = tuple[U64, I64]
"""The hash of each n-gram that is looked at, and the word it begins with, ascending."""

Counting = tuple[Known, I32, U32]
"""Room to number n-grams; the number of each; of each number its occurrences, and `SEEN`."""

Room = tuple[Grams, Grams, Counting, Pairing]
"""Room for n-grams, for those that are counted in earnest, and to count and to lengthen them."""

SEEN = np.uint32(1 << 31)
"""Whether an n-gram was looked at, from left to right."""

LONGEST_TOP = 4
LONGEST = 10
TOP, TOP_COUNT, GREEDY, REPEATED, TOTAL, COVERED = range(6)
"""Places of the answers in the last axis of `ngram_counts`."""


@leaf
def _count_numbers(numbers: I32, count: int, differ: int, states: U32) -> None:
    """Count how often each of `differ` numbers occurs among `numbers[:count]`."""
    for number in range(differ):
        states[number] = 0
    for index in range(count):
        states[np.uint64(numbers[index])] += np.uint32(1)


@leaf
def _count_grams(hashes: U64, count: int, work: Counting) -> int:
    """Number `hashes[:count]`, and count how often each occurs; return how many differ."""
    known, numbers, states = work
    differ = number_hashes(hashes, count, known, numbers)
    _count_numbers(numbers, count, differ, states)
    return differ


@leaf
def _repeated(grams: Grams, count: int, levels: U8) -> int:
    """Keep the n-grams that may occur more than once, and their levels; return how many."""
    hashes, places = grams
    kept = np.uint64(0)
    for index in range(count):
        level = levels[index]
        hashes[kept], places[kept], levels[kept] = hashes[index], places[index], level
        kept += np.uint64(level > 1)
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
def _duplicates(answers: I64, length: int, ends: I64, found: tuple[I64, int], work: Counting) -> int:
    """Answer for one n, and keep the places whose n-gram occurs more than once.

    Args:
        answers: int64, set from GREEDY on.
        length: n.
        ends: int64, characters up to the end of each word, from 0 on.
        found: the words with which n-grams begin, and how many there are; at all others stand n-grams that occur once.
        work: their numbers and occurrences; numbers and places are overwritten by those that are kept.

    Returns:
        how many places were kept.
    """
    places, count = found
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
        places[kept], numbers[kept] = place, numbers[index]
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
def _text_ngrams(answers: I64, words: U64, ends: I64, marking: tuple[Marking, U8], room: Room) -> None:
    """Answer for one text; `marking` (with levels) and `room` have room for its words."""
    (marks, levels), (grams, chosen, work, pairing) = marking, room
    differ = 0
    count = len(words) - 1
    for word in range(count):
        grams[0][word], grams[1][word] = join(words[word], words[word + 1]), word
    for length in range(2, min(LONGEST, len(words)) + 1):
        if 2 < length <= LONGEST_TOP + 1:
            count = _lengthen(grams, count, words, length)
        if length <= LONGEST_TOP:
            highest = mark_levels(grams[0], count, marks, levels)
            count = _repeated(grams, count, levels)
            most, place = _top(grams, count, levels, highest, (chosen, work))
            answers[length, TOP], answers[length, TOP_COUNT] = (ends[place + length] - ends[place]) * most, most
            continue
        if length == LONGEST_TOP + 1:
            differ = _count_grams(grams[0], count, work)
        else:
            count, differ = number_pairs(work[1], grams[1], count, differ, pairing)
            _count_numbers(work[1], count, differ, work[2])
        count = _duplicates(answers[length], length, ends, (grams[1], count), work)


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
    marking = room_to_mark(longest), np.empty(longest, np.uint8)
    grams = np.empty(longest, np.uint64), np.empty(longest, np.int64)
    chosen = np.empty(longest, np.uint64), np.empty(longest, np.int64)
    work = room_to_number(longest), np.empty(longest, np.int32), np.empty(longest, np.uint32)
    answers = np.zeros((len(first) - 1, LONGEST + 1, 6), np.int64)
    ends = np.zeros(longest + 1, np.int64)
    _ngram_counts(answers, first, (hashes, chars), ends, marking, (grams, chosen, work, room_to_pair(longest)))
    return answers


@kernel
def _ngram_counts(
    answers: I64,
    first: I64,
    words: tuple[U64, I32],
    ends: I64,
    marking: tuple[Marking, U8],
    room: Room,
) -> None:
    hashes, chars = words
    for text in range(len(first) - 1):
        begin, stop = first[text], first[text + 1]
        for word in range(stop - begin):
            ends[word + 1] = ends[word] + chars[begin + word]
        _text_ngrams(answers[text], hashes[begin:stop], ends, marking, room)
        _totals(answers[text], ends, stop - begin)
