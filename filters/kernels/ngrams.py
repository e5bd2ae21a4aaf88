"""Repeated n-grams, n from 2 to 10, all in one go.

In:  per text the hashes and the lengths of its words.
Out: per text and n what the published filters ask of its n-grams.
Guaranteed: the answers of the plain algorithms, in time that grows with the number of words.

An (n + 1)-gram can only occur twice where its first n words do, so each n looks only at the places that the one before
it found more than once: in prose few are left behind n = 3, and the nine passes cost little more than the first.

Per text and n, in characters (code points without white space):

    top        characters of the n-gram that occurs most often, the earliest of them, x occurrences; or 0
    top_count  its occurrences
    greedy     duplicates as datatrove counts them for Gopher: from left to right, a place whose n-gram stood at a place
               that was looked at before counts its characters and passes over its n words
    repeated   characters of all n-grams at all places whose n-gram occurs more than once (Dolma, numerator)
    total      characters of the n-grams at all places (Dolma, denominator)
    covered    characters of words that lie in a place whose n-gram occurs more than once, each once (RedPajama v2)
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, signed
from filters.kernels.hashing import join
from filters.kernels.tables import power_above

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

Work = tuple[U64, I64, I32]
"""Of every n-gram that is looked at: its hash, the word it begins with, and its pair in the table of occurrences."""

OCCURRENCES = np.uint64(0xFFFFFFFF)
SEEN = np.uint64(1 << 32)
"""Parts of the second number of a pair: how often the n-gram occurs; whether it was looked at, from left to right."""

LONGEST = 10
MARKS_PER_WORD = 8
TOP, TOP_COUNT, GREEDY, REPEATED, TOTAL, COVERED = range(6)
"""Places of the answers in the last axis of `ngram_counts`."""


@kernel
def _count_grams(grams: U64, count: int, table: U64, entries: I32) -> None:
    """Count how often each of `grams[:count]` occurs.

    Args:
        grams: uint64, hashes of n-grams.
        count: how many there are.
        table: uint64, zeros: pairs of a hash and its occurrences, a power of 2 of at least twice `count` pairs.
        entries: int32, set to the pair of each n-gram.
    """
    mask = np.uint64(len(table) // 2 - 1)
    for index in range(count):
        gram = max(grams[index], np.uint64(1))  # 0 is an empty pair
        entry = gram & mask
        while True:
            held = table[entry * np.uint64(2)]
            if held == gram:
                break
            if held == 0:
                table[entry * np.uint64(2)] = gram
                break
            entry = (entry + np.uint64(1)) & mask
        table[entry * np.uint64(2) + np.uint64(1)] += np.uint64(1)
        entries[index] = signed(entry)


@kernel
def _maybe_repeated(grams: U64, count: int, marks: U8, places: I64) -> int:
    """Keep the 2-grams that may occur more than once, and set `places` to where they stand; return how many.

    Every n-gram counts at the place in `marks` that its hash names, without asking whether others count there, too:
    that is quick, and leaves few places to look at in earnest.
    """
    mask = np.uint64(len(marks) - 1)
    marks[:] = 0
    for place in range(count):
        slot = grams[place] & mask
        marks[slot] += np.uint8(marks[slot] < 2)
    kept = 0
    for place in range(count):
        gram = grams[place]
        places[kept], grams[kept] = place, gram
        kept += signed(marks[gram & mask] > 1)
    return kept


@kernel
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
        answers[length, TOTAL] = behind - before


@kernel
def _of_length(answers: I64, length: int, count: int, ends: I64, table: U64, work: Work) -> int:
    """Answer for one n, and keep the places where longer n-grams may occur more than once.

    Args:
        answers: int64, set from TOP to COVERED.
        length: n.
        count: how many places there are; at all others stand n-grams that occur once.
        ends: int64, characters up to the end of each word, from 0 on.
        table: pairs of a hash and its occurrences.
        work: hash, place and pair in `table` of each n-gram; the first two are overwritten.

    Returns:
        how many places were kept.
    """
    grams, places, entries = work
    most, chosen = 1, 0
    repeated = covered = greedy = kept = 0
    last = passed = 0
    for index in range(count):
        pair = np.uint64(2) * np.uint64(entries[index]) + np.uint64(1)
        state = table[pair]
        occurrences = signed(state & OCCURRENCES)
        if occurrences == 1:
            continue
        place = places[index]
        end = ends[place + length]
        repeated += end - ends[place]
        covered += end - ends[max(place, last)]
        last = place + length
        if occurrences > most:
            most, chosen = occurrences, place
        if place >= passed:
            if state & SEEN:
                greedy += end - ends[place]
                passed = last
            table[pair] = state | SEEN
        places[kept], grams[kept] = place, grams[index]
        kept += 1
    answers[TOP], answers[TOP_COUNT] = (ends[chosen + length] - ends[chosen]) * most, most
    answers[GREEDY], answers[REPEATED], answers[COVERED] = greedy, repeated, covered
    return kept


@kernel
def _lengthen(grams: U64, places: I64, count: int, hashes: U64, length: int) -> int:
    """Make n-grams of `length` words of those that are one shorter, where there is one more word; return how many."""
    while count > 0 and places[count - 1] + length > len(hashes):
        count -= 1
    for index in range(count):
        grams[index] = join(grams[index], hashes[places[index] + length - 1])
    return count


@kernel
def _text_ngrams(answers: I64, hashes: U64, ends: I64, marks: U8, table: U64, work: Work) -> None:
    """Answer for one text; the arrays of `work`, `marks` and `table` have room for its words."""
    grams, places, entries = work
    words = len(hashes)
    for word in range(words - 1):
        grams[word] = join(hashes[word], hashes[word + 1])
    count = _maybe_repeated(grams, words - 1, marks[: power_above(MARKS_PER_WORD * words)], places)
    for length in range(2, min(LONGEST, words) + 1):
        if length > 2:
            count = _lengthen(grams, places, count, hashes, length)
        part = table[: 2 * power_above(2 * count)]
        part[:] = 0
        _count_grams(grams, count, part, entries)
        count = _of_length(answers[length], length, count, ends, part, work)


@kernel
def ngram_counts(first: I64, hashes: U64, chars: I32) -> I64:
    """Answer for every text and n.

    Args:
        first: int64, one more than texts; the words of text d are numbers `first[d]` to `first[d + 1]`.
        hashes: uint64, one per word.
        chars: int32, code points of each word.

    Returns:
        int64[texts, 11, 6]: text, n, and one of the answers from TOP on; 0 where a text has no n-gram.
    """
    texts = len(first) - 1
    longest = 1
    for text in range(texts):
        longest = max(longest, first[text + 1] - first[text])
    marks = np.empty(power_above(MARKS_PER_WORD * longest), np.uint8)
    table = np.empty(2 * power_above(2 * longest), np.uint64)
    work = (np.empty(longest, np.uint64), np.empty(longest, np.int64), np.empty(longest, np.int32))
    ends = np.zeros(longest + 1, np.int64)
    answers = np.zeros((texts, LONGEST + 1, 6), np.int64)
    for text in range(texts):
        begin, stop = first[text], first[text + 1]
        for word in range(stop - begin):
            ends[word + 1] = ends[word] + chars[begin + word]
        _text_ngrams(answers[text], hashes[begin:stop], ends, marks, table, work)
        _totals(answers[text], ends, stop - begin)
    return answers
