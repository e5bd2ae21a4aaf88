"""fastText's label for every document, in one pass over the bytes.

In:  texts, a model, and a cache of words, all of them arrays.
Out: per document the number of its most probable label, and its score.
Guaranteed: what fastText predicts (k = 1) for the text with spaces instead of line ends: the same features, the same
     label, a score that differs by the rounding of float32 sums only, for which a word's features are added up first,
     then the words in their order. The cache holds just such a word's sum, so it changes no bit of a result.
"""

import math
from typing import NamedTuple

import numpy as np

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.fasttext_ahead import BEGIN, END, HIGH, LOW, SLOT, look_ahead, room_for_notes
from filters.kernels.fasttext_labels import best_leaf, best_of_all
from filters.kernels.fasttext_ngrams import I32, Ngrams, begin_word, gather, gather_two_to_four, new_scratch, number
from filters.kernels.fasttext_words import I64, U8, U64, ZERO, look_up
from filters.kernels.vectors import F32, LANES, add_lanes

STOP, LABEL, UNKNOWN = -1, -2, -3
"""Instead of a row: the end of a line, what is no word but a label, and a word that the model does not have."""

LABEL_PREFIX = np.frombuffer(b"__label__", np.uint8)

HEAD = 8
"""Float32 places of a slot of the cache before its sum: the two halves of the key, and how many features there are."""


class Model(NamedTuple):
    """A model as arrays.

    Args:
        rows: float32[rows, dim], a vector per known word, then one per kept bucket, in the order of the buckets.
        known: uint64[slots, 3], an open table of words: two halves of a key, and the row, `STOP` or `LABEL`.
        words: rows that are words'.
        kept: uint64[blocks], a bit for each bucket of n-grams that has a row.
        before: int32[blocks], how many buckets were kept before each block of 64.
        ngrams: how n-grams are hashed.
        last: row of the end of the text; -1 where the model has none.
        output: float32[labels, dim], a row per inner node of the tree, or per label.
        children: int32[2 * labels - 1, 2], the tree of hierarchical softmax, -1 at its leaves; empty for softmax.
    """

    rows: F32
    known: U64
    words: int
    kept: U64
    before: I32
    ngrams: Ngrams
    last: int
    output: F32
    children: I32


class Cache(NamedTuple):
    """Words met before, one per slot; a new one takes the place of the old one.

    Args:
        sums: float32[slots, HEAD + width], the sum of a word's rows from `HEAD` on, zeros behind it: `width` is the
            next multiple of `LANES`.
        keys: uint64[slots, ...], the same memory: two halves of a key (0: free) and the number of features or `STOP`.
        scratch: int64, room for one word (`new_scratch`).
        notes: room for the words that are looked at ahead (`room_for_notes`).
    """

    sums: F32
    keys: U64
    scratch: I64
    notes: U64


def new_cache(most: int, model: Model) -> Cache:
    """Return an empty cache for a model, of at most so many bytes; its slots are a power of two, at least one.

    Of a model of 16 dimensions a slot never lies across three cache lines.
    """
    width = HEAD + -(-model.rows.shape[1] // LANES) * LANES
    slots = 1 << max((most // (4 * width)).bit_length() - 1, 0)
    memory = np.zeros(slots * width + 16, np.float32)
    first = -memory.ctypes.data % 64 // 4
    sums = memory[first : first + slots * width].reshape(slots, width)
    return Cache(sums, sums.view(np.uint64), new_scratch(model.ngrams.longest), room_for_notes())


@leaf
def set_row(sums: F32, slot: int, rows: F32, row: int) -> None:
    """Begin the sum of a slot with a row, or with 0 where there is none."""
    for column in range(rows.shape[1]):
        sums[slot, HEAD + column] = rows[row, column] if row >= 0 else 0


@leaf
def add_rows(sums: F32, slot: int, rows: F32, first: int, scratch: I64, count: int) -> None:
    """Add the rows that `scratch` numbers, from row `first` on, to the sum of a slot."""
    for number_of_row in range(count):
        row = first + scratch[number_of_row]
        for column in range(rows.shape[1]):
            sums[slot, HEAD + column] += rows[row, column]


@leaf
def is_label(data: U8, start: int, end: int) -> bool:
    """Return whether fastText takes a word that it does not know for a label."""
    if end - start < len(LABEL_PREFIX):
        return False
    for at in range(len(LABEL_PREFIX)):  # noqa: SIM110 - a kernel has loops, no generators
        if data[start + at] != LABEL_PREFIX[at]:
            return False
    return True


@leaf
def row_of(known: U64, low: np.uint64, high: np.uint64) -> int:
    """Return the row of a word, `STOP`, `LABEL`, or `UNKNOWN`."""
    found = look_up(known, low, high)
    return signed(known[found, 2]) if known[found, 0] | known[found, 1] != ZERO else UNKNOWN


@leaf
def learn(data: U8, start: int, end: int, slot: int, model: Model, cache: Cache) -> int:
    """Put what the model says of a word into a slot that has its key; return how many features it has, or `STOP`."""
    sums, keys, scratch, ngrams = cache.sums, cache.keys, cache.scratch, model.ngrams
    row = row_of(model.known, keys[slot, 0], keys[slot, 1])
    set_row(sums, slot, model.rows, row)
    if row == STOP:
        return STOP
    if row == LABEL or (row == UNKNOWN and is_label(data, start, end)):
        return 0
    features = 1 if row >= 0 else 0
    begin_word(scratch, ngrams.longest)
    at = start if ngrams.longest > 0 else end + 1
    while at <= end:
        if ngrams.shortest == 2 and ngrams.longest == 4:
            at, gathered = gather_two_to_four(data, at, end, model.kept, ngrams, scratch)
        else:
            at, gathered = gather(data, at, end, model.kept, ngrams, scratch)
        number(scratch, gathered, model.kept, model.before)
        add_rows(sums, slot, model.rows, model.words, scratch, gathered)
        features += gathered
    return features


@leaf
def meet(data: U8, row: np.uint64, model: Model, cache: Cache) -> int:
    """Return how many features the word of a note has, or `STOP`; its sum is in its slot from now on."""
    keys, notes = cache.keys, cache.notes
    slot, low, high = notes[row, SLOT], notes[row, LOW], notes[row, HIGH]
    if keys[slot, 0] != low or keys[slot, 1] != high:
        keys[slot, 0], keys[slot, 1] = low, high
        begin, end = signed(notes[row, BEGIN]), signed(notes[row, END])
        keys[slot, 2] = np.uint64(learn(data, begin, end, signed(slot), model, cache))
    return signed(keys[slot, 2])


@leaf
def add_sum(total: F32, sums: F32, slot: np.uint64) -> None:
    """Add the sum of a slot to a total of the same width."""
    first = slot * np.uint64(sums.shape[1]) + np.uint64(HEAD)
    for column in range(0, len(total), LANES):
        add_lanes(total, np.uint64(column), sums, first + np.uint64(column))


@leaf
def sum_document(data: U8, start: int, stop: int, model: Model, cache: Cache, total: F32) -> int:
    """Add up the features of `data[start:stop]` in `total`; return how many there are."""
    count, at = 0, start
    while at < stop:
        at, words = look_ahead(data, at, stop, cache.keys, cache.notes)
        for word in range(words):
            row = np.uint64(word)
            features = meet(data, row, model, cache)
            if features == STOP:
                at = stop
                break
            add_sum(total, cache.sums, cache.notes[row, SLOT])
            count += features
    if model.last >= 0:
        for column in range(model.rows.shape[1]):
            total[column] += model.rows[model.last, column]
        count += 1
    return count


@kernel
def label_documents(data: U8, spans: I64, model: Model, cache: Cache) -> tuple[I64, F32]:
    """Label documents.

    Args:
        data: uint8, the texts.
        spans: int64[documents, 2], where each begins and ends in `data`.
        model: the model.
        cache: a cache for this model; what is in it is replaced as words come.

    Returns:
        int64[documents], numbers of labels, -1 where a document has no feature at all.
        float32[documents], the scores, there 0.
    """
    labels = np.full(len(spans), -1, np.int64)
    scores = np.zeros(len(spans), np.float32)
    mean = np.empty(cache.sums.shape[1] - HEAD, np.float32)
    for document in range(len(spans)):
        mean[:] = 0
        count = sum_document(data, spans[document, 0], spans[document, 1], model, cache, mean)
        if count == 0:
            continue
        mean *= np.float32(1 / count)
        labels[document], score = (
            best_leaf(mean, model.output, model.children)
            if len(model.children) > 0
            else best_of_all(mean, model.output)
        )
        scores[document] = math.exp(score) if labels[document] >= 0 else 0
    return labels, scores


@kernel
def spans_of(data: U8, offsets: I64, characters: int) -> I64:
    """Return where each text begins and ends, int64[texts, 2], or where its first `characters` end (-1: all)."""
    spans = np.empty((len(offsets) - 1, 2), np.int64)
    for text in range(len(spans)):
        at, end = offsets[text], offsets[text + 1]
        spans[text, 0] = at
        if characters >= 0:
            left = characters
            while at < end and left >= 0:
                left -= 1 if data[at] & 0xC0 != 0x80 else 0
                at += 1 if left >= 0 else 0
            end = at
        spans[text, 1] = end
    return spans
