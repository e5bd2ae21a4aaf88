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

Work = tuple[U64, I64, I32, I32, I32]

LONGEST = 10
MARKS_PER_WORD = 8
TOP, TOP_COUNT, GREEDY, REPEATED, TOTAL, COVERED = range(6)
"""Places of the answers in the last axis of `ngram_counts`."""


@kernel
def _classes(grams: U64, places: I64, count: int, table: I32, kinds: I32, found: I32) -> int:
    """Number the different n-grams at `places[:count]` in the order of their first occurrence.

    Args:
        grams: uint64 hash of the n-gram that begins at each word.
        places: int64, words.
        count: how many places.
        table: int32, a power of 2 of at least twice `count` entries, filled with -1.
        kinds: int32, set to the number of the n-gram at each place, by index into `places`.
        found: int32, set to the occurrences of each n-gram, by its number.

    Returns:
        how many n-grams differ.
    """
    mask = len(table) - 1
    firsts = 0
    for index in range(count):
        gram = grams[places[index]]
        slot = signed(gram) & mask
        while True:
            held = table[slot]
            if held < 0:
                table[slot] = index
                kinds[index] = firsts
                found[firsts] = 1
                firsts += 1
                break
            if grams[places[held]] == gram:
                kinds[index] = kinds[held]
                found[kinds[held]] += 1
                break
            slot = (slot + 1) & mask
    return firsts


@kernel
def _greedy(places: I64, count: int, kinds: I32, ends: I64, length: int, seen: I32) -> int:
    """Return the characters of places whose n-gram was seen before, passing over the words of each."""
    chars = 0
    free = 0
    for index in range(count):
        place = places[index]
        if place < free:
            continue
        if seen[kinds[index]] == length:
            chars += ends[place + length] - ends[place]
            free = place + length
        else:
            seen[kinds[index]] = length
    return chars


@kernel
def _keep_repeated(places: I64, count: int, kinds: I32, found: I32, last: int) -> int:
    """Keep the places up to `last` whose n-gram occurs more than once; return how many."""
    kept = 0
    for index in range(count):
        if found[kinds[index]] > 1 and places[index] <= last:
            places[kept] = places[index]
            kept += 1
    return kept


@kernel
def _maybe_repeated(grams: U64, words: int, marks: U8, places: I64) -> int:
    """Set `places` to where a 2-gram stands that may occur more than once; return how many.

    Every n-gram counts at the place in `marks` that its hash names, without asking whether others count there, too:
    that is quick, and leaves few places to look at in earnest.
    """
    mask = np.uint64(len(marks) - 1)
    marks[:] = 0
    for place in range(words - 1):
        slot = signed(grams[place] & mask)
        marks[slot] += np.uint8(marks[slot] < 2)
    count = 0
    for place in range(words - 1):
        places[count] = place
        count += signed(marks[signed(grams[place] & mask)] > 1)
    return count


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
def _of_length(answers: I64, length: int, count: int, ends: I64, work: Work) -> None:
    """Answer for one n: the first `count` places are all whose n-gram may occur more than once."""
    _, places, kinds, found, seen = work
    most, chosen = np.int32(1), 0
    repeated = covered = free = 0
    for index in range(count):
        occurrences, place = found[kinds[index]], places[index]
        if occurrences > 1:
            repeated += ends[place + length] - ends[place]
            covered += ends[place + length] - ends[max(place, free)]
            free = place + length
        if occurrences > most:
            most, chosen = occurrences, place
    answers[TOP] = (ends[chosen + length] - ends[chosen]) * most
    answers[TOP_COUNT] = most
    answers[GREEDY] = _greedy(places, count, kinds, ends, length, seen)
    answers[REPEATED], answers[COVERED] = repeated, covered


@kernel
def _text_ngrams(answers: I64, hashes: U64, ends: I64, marks: U8, table: I32, work: Work) -> None:
    """Answer for one text; the arrays of `work` have room for its words."""
    grams, places, kinds, found, seen = work
    words = len(hashes)
    seen[:words] = 0
    for word in range(words - 1):
        grams[word] = join(hashes[word], hashes[word + 1])
    count = _maybe_repeated(grams, words, marks[: power_above(MARKS_PER_WORD * words)], places)
    for length in range(2, min(LONGEST, words) + 1):
        if length > 2:
            count = _keep_repeated(places, count, kinds, found, words - length)
            for index in range(count):
                place = places[index]
                grams[place] = join(grams[place], hashes[place + length - 1])
        part = table[: power_above(2 * count)]
        part[:] = -1
        _classes(grams, places, count, part, kinds, found)
        _of_length(answers[length], length, count, ends, work)


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
    table = np.empty(power_above(2 * longest), np.int32)
    work = (
        np.empty(longest, np.uint64),
        np.empty(longest, np.int64),
        np.empty(longest, np.int32),
        np.empty(longest, np.int32),
        np.empty(longest, np.int32),
    )
    ends = np.zeros(longest + 1, np.int64)
    answers = np.zeros((texts, LONGEST + 1, 6), np.int64)
    for text in range(texts):
        begin, stop = first[text], first[text + 1]
        for word in range(stop - begin):
            ends[word + 1] = ends[word] + chars[begin + word]
        _text_ngrams(answers[text], hashes[begin:stop], ends, marks, table, work)
        _totals(answers[text], ends, stop - begin)
    return answers
