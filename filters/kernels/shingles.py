"""Shingles: the different runs of n words of each text, as sorted hashes.

In:  scans of texts, what a word is, n, and a normalization.
Out: per text the hashes of its shingles, ascending, each once; or of all its runs, as they come, for a MinHash
     signature is the same.
Guaranteed: for equal n, definition and normalization, equal runs of words have equal hashes, in whatever text, batch
     and process; different ones different hashes but for chance (64 bits: among the 5 * 10^8 shingles of a million
     pages, less than 1 in 100). A text of fewer than n words, but at least one, has one shingle, that of all its words;
     a text without words has none. Time and memory grow with the number of words; a text on which many hashes fall
     close together is sorted in time n log n.

The hashes are stored where a build is deduplicated against an earlier one: to change them is to change `VERSION`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.hashing import join
from filters.kernels.normalized import find_normalized
from filters.kernels.normalizing import normalized_scans
from filters.kernels.scans import Scans, WordDefinition
from filters.kernels.tables import power_above
from filters.shingling import Normalization

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

VERSION = 1
"""Of the hashes; a stored one may be compared with those of the same version."""

CROWDED = 32
"""Shingles in one bucket from which on a text is sorted by comparison alone."""

BITS = np.uint64(64)


@dataclass(frozen=True)
class Shingles:
    """Shingles of texts.

    Args:
        first: int64, one more than texts; the shingles of text d are numbers `first[d]` to `first[d + 1]`.
        hashes: uint64; of `shingles`, ascending and different within each text.
    """

    first: I64
    hashes: U64

    @property
    def counts(self) -> I64:
        """Shingles of each text; 0 for a text without words, which is a duplicate of nothing."""
        return np.diff(self.first)


def shingles(scans: Scans, definition: WordDefinition, n: int, normalization: Normalization = "none") -> Shingles:
    """Return the shingles of texts.

    Args:
        scans: the texts; words already looked for are not looked for again.
        definition: what a word of the normalized text is.
        n: words of a shingle, at least 1.
        normalization: what is done to a text before (`filters/shingling.py`).

    Raises:
        ValueError: n is less than 1.
    """
    runs = word_runs(scans, definition, n, normalization)
    longest = int(runs.counts.max(initial=1))
    buckets = np.empty(power_above(longest) + 1, np.int32)
    first, hashes = np.zeros(len(runs.first), np.int64), np.empty(len(runs.hashes), np.uint64)
    _sort(runs.first, runs.hashes, buckets, (first, hashes))
    return Shingles(first, hashes[: first[-1]])


def word_runs(scans: Scans, definition: WordDefinition, n: int, normalization: Normalization = "none") -> Shingles:
    """Return the runs of n words of texts, in their order, repeated ones as often as they stand there.

    Args:
        scans: as `shingles` takes them.
        definition: likewise.
        n: words of a run, at least 1.
        normalization: likewise.

    Raises:
        ValueError: n is less than 1.
    """
    if n < 1:
        raise ValueError(f"shingles: n is {n}, and a shingle has at least one word")
    first, words = _words(scans, definition, normalization)
    found, hashes = np.zeros(len(first), np.int64), np.empty(len(words), np.uint64)
    _runs(first, words, n, (found, hashes))
    return Shingles(found, hashes[: found[-1]])


def _words(scans: Scans, definition: WordDefinition, normalization: Normalization) -> tuple[I64, U64]:
    """Return where the words of each text begin, and their hashes."""
    if normalization == "redpajama" and definition == "whitespace":
        words = find_normalized(scans.data, scans.offsets)
        return words.first, words.hashes
    found = normalized_scans(scans, normalization).words(definition)
    return found.first, found.hashes


@leaf
def _grams(words: U64, begin: int, count: int, n: int, out: U64, to: int) -> int:
    """Write the hashes of all runs of n of some words, or of all of them, from `to` on; return the place behind them.

    A run of 13 is joined of runs of 3 and 3 and one word, and of 6 and 6 and one word: the bits of n, from the highest.
    There must be room for as many hashes as words.
    """
    length = min(count, n)
    for word in range(count):
        out[np.uint64(to + word)] = words[np.uint64(begin + word)]
    bit = 0
    while length >> (bit + 1):
        bit += 1
    for lower in range(bit - 1, -1, -1):
        half = length >> (lower + 1)
        for run in range(to, to + count - 2 * half + 1):
            out[np.uint64(run)] = join(out[np.uint64(run)], out[np.uint64(run + half)])
        if length >> lower & 1:
            word = begin + 2 * half - to
            for run in range(to, to + count - 2 * half):
                out[np.uint64(run)] = join(out[np.uint64(run)], words[np.uint64(run + word)])
    return to + count - length + 1


@kernel
def _runs(first: I64, words: U64, n: int, found: tuple[I64, U64]) -> None:
    """Find the runs of all texts.

    Args:
        first: int64, one more than texts.
        words: uint64, the hash of each word.
        n: words of a run.
        found: is filled: first (int64, one more than texts) and hashes (uint64, as many as words).
    """
    begins, out = found
    to = 0
    for text in range(len(first) - 1):
        begin, count = first[text], first[text + 1] - first[text]
        if count > 0:
            to = _grams(words, begin, count, n, out, to)
        begins[text + 1] = to


@leaf
def _scatter(runs: U64, begin: int, count: int, buckets: I32, out: U64, to: int) -> int:
    """Copy hashes to `out` from `to` on, by the highest bits; return how many are in the fullest bucket."""
    size = power_above(count)
    bits = np.uint64(0)
    while np.uint64(1) << bits < np.uint64(size):
        bits += np.uint64(1)
    shift = BITS - bits
    for bucket in range(size + 1):
        buckets[bucket] = 0
    for number in range(begin, begin + count):
        buckets[(runs[np.uint64(number)] >> shift) + np.uint64(1)] += np.int32(1)
    fullest = np.int32(0)
    for bucket in range(size):
        fullest = max(fullest, buckets[bucket + 1])
        buckets[bucket + 1] += buckets[bucket]
    for number in range(begin, begin + count):
        value = runs[np.uint64(number)]
        bucket = value >> shift
        out[np.uint64(to + buckets[bucket])] = value
        buckets[bucket] += np.int32(1)
    return signed(fullest)


@leaf
def _insert(out: U64, begin: int, count: int) -> None:
    """Sort hashes that lie near their places."""
    one, front = np.uint64(1), np.uint64(begin)
    for number in range(begin + 1, begin + count):
        place = np.uint64(number)
        value = out[place]
        while place > front and out[place - one] > value:
            out[place] = out[place - one]
            place -= one
        out[place] = value


@leaf
def _sift(out: U64, begin: int, root: int, count: int) -> None:
    """Let the value at `root` sink to its place in a heap."""
    value = out[begin + root]
    child = 2 * root + 1
    while child < count:
        if child + 1 < count and out[begin + child + 1] > out[begin + child]:
            child += 1
        if out[begin + child] <= value:
            break
        out[begin + root] = out[begin + child]
        root, child = child, 2 * child + 1
    out[begin + root] = value


@leaf
def _heap_sort(out: U64, begin: int, count: int) -> None:
    """Sort hashes, whatever they are."""
    for root in range(count // 2 - 1, -1, -1):
        _sift(out, begin, root, count)
    for last in range(count - 1, 0, -1):
        out[begin], out[begin + last] = out[begin + last], out[begin]
        _sift(out, begin, 0, last)


@leaf
def _once(out: U64, begin: int, count: int) -> int:
    """Move the different ones of sorted hashes to the front; return the place behind them."""
    kept = np.uint64(begin + 1)
    for number in range(begin + 1, begin + count):
        value = out[number]
        differs = value != out[kept - np.uint64(1)]
        out[kept] = value
        kept += np.uint64(differs)
    return signed(kept)


@kernel
def _sort(first: I64, runs: U64, buckets: I32, found: tuple[I64, U64]) -> None:
    """Sort the runs of all texts, and keep each once.

    Args:
        first: int64, one more than texts.
        runs: uint64, hashes.
        buckets: room for the buckets of the longest text.
        found: is filled: first (int64, one more than texts) and hashes (uint64, as many as runs).
    """
    begins, out = found
    to = 0
    for text in range(len(first) - 1):
        begin, count = first[text], first[text + 1] - first[text]
        if count > 0:
            if _scatter(runs, begin, count, buckets, out, to) > CROWDED:
                _heap_sort(out, to, count)
            else:
                _insert(out, to, count)
            to = _once(out, to, count)
        begins[text + 1] = to
