"""Reads fastText's model files into arrays: `.bin`, and `.ftz`, whose vectors are quantized.

In:  the bytes of a supervised model with hierarchical softmax or softmax, format version 11 or 12.
Out: its labels, and the arrays of `filters.kernels.fasttext.Model`.
Guaranteed: the numbers that fastText computes with (`FastText::loadModel` in src/fasttext.cc of
     facebookresearch/fastText); quantized vectors are float32 again. What is no such model, ends early or contradicts
     itself is a ValueError.
"""

import struct
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from filters.kernels.fasttext import LABEL, STOP, Model
from filters.kernels.fasttext_ngrams import Ngrams
from filters.kernels.fasttext_words import enter

MAGIC = 793712314
NEWEST = 12
WITHOUT_NGRAMS = 11
"""The version whose supervised models have no n-grams of characters, whatever their options say."""

SUPERVISED, HIERARCHICAL, SOFTMAX = 3, 1, 3
"""Values of the options `model` and `loss` (src/args.h)."""

MOST_CHARACTERS = 64
"""Of an n-gram; fastText's own default is 6."""

MOST_BUCKETS = 1 << 27
"""fastText's own default is 2,000,000."""

CENTROIDS = 256
PREFIX = "__label__"
END = b"</s>"
NEVER_BUILT = 10**15
"""fastText's count of a node of the tree that was not made yet."""

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class FastTextModel:
    """A model at hand.

    Args:
        labels: their names, without `__label__`.
        arrays: what the kernels work with.
    """

    labels: tuple[str, ...]
    arrays: Model


class _Reader:
    """Reads numbers and arrays one behind the other; all are little-endian."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise ValueError("it ends early, or a number in it is wrong")
        self.at += size
        return self.data[self.at - size : self.at]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))

    def array(self, dtype: str, *shape: int) -> npt.NDArray[Any]:
        if min(shape) < 0:
            raise ValueError("a size in it is negative")
        return np.frombuffer(self.take(prod(shape) * np.dtype(dtype).itemsize), dtype).reshape(shape)

    def name(self) -> bytes:
        end = self.data.find(b"\0", self.at)
        return self.take(end + 1 - self.at)[:-1]


@dataclass(frozen=True)
class _Options:
    dim: int
    loss: int
    buckets: int
    shortest: int
    longest: int


@dataclass(frozen=True)
class _Dictionary:
    names: list[bytes]
    counts: list[int]
    words: int
    kept: Integers | None


def read_fasttext(data: bytes) -> FastTextModel:
    """Read a model file.

    Args:
        data: all of its bytes.

    Raises:
        ValueError: it is not a supervised fastText model, ends early, or uses what is not supported.
    """
    try:
        return _read(_Reader(data))
    except (ValueError, IndexError) as wrong:
        raise ValueError(f"not a fastText model that can be used: {wrong}") from wrong


def _read(reader: _Reader) -> FastTextModel:
    options = _read_options(reader)
    dictionary = _read_dictionary(reader)
    (is_quantized,) = reader.numbers("?")
    rows = _read_quantized(reader) if is_quantized else _read_dense(reader)
    (is_output_quantized,) = reader.numbers("?")
    output = _read_quantized(reader) if is_quantized and is_output_quantized else _read_dense(reader)
    labels = tuple(name.decode().removeprefix(PREFIX) for name in dictionary.names[dictionary.words :])
    return FastTextModel(labels, _arrays(options, dictionary, rows, output))


def _read_options(reader: _Reader) -> _Options:
    magic, version = reader.numbers("2i")
    if magic != MAGIC or version > NEWEST:
        raise ValueError("it does not begin as one of version 12 or older does")
    dim, _, _, _, _, word_ngrams, loss, model, buckets, shortest, longest, _, _ = reader.numbers("12id")
    if model != SUPERVISED or loss not in {HIERARCHICAL, SOFTMAX}:
        raise ValueError("only supervised models with hierarchical softmax or softmax give labels here")
    if word_ngrams > 1:
        raise ValueError("n-grams of words are not supported")
    longest = 0 if version == WITHOUT_NGRAMS else max(longest, 0)
    if longest > MOST_CHARACTERS:
        raise ValueError(f"n-grams of {longest} characters are not supported, only of up to {MOST_CHARACTERS}")
    if not (longest == 0 or 0 < buckets <= MOST_BUCKETS):
        raise ValueError(f"it has no buckets for n-grams, or more than {MOST_BUCKETS:,}")
    return _Options(dim, loss, buckets if longest > 0 else 0, max(shortest, 1), longest)


def _read_dictionary(reader: _Reader) -> _Dictionary:
    size, words, labels, _, pruned = reader.numbers("3i2q")
    if not 0 <= words < size or words + labels != size:
        raise ValueError("its dictionary has no labels, or does not add up")
    names, counts = [], []
    for _ in range(size):
        names.append(reader.name())
        counts.append(reader.numbers("qb")[0])
    return _Dictionary(names, counts, words, reader.array("<i4", pruned, 2) if pruned >= 0 else None)


def _read_dense(reader: _Reader) -> Floats:
    rows, dim = reader.numbers("2q")
    return reader.array("<f4", rows, dim)


def _read_quantized(reader: _Reader) -> Floats:
    has_norms, rows, _, size = reader.numbers("?2qi")
    codes = reader.array("u1", size).reshape(rows, -1)
    vectors = _read_quantizer(reader, codes)
    return vectors * _read_quantizer(reader, reader.array("u1", rows, 1)) if has_norms else vectors


def _read_quantizer(reader: _Reader, codes: npt.NDArray[np.uint8]) -> Floats:
    """Read the centroids of a product quantizer; return the vectors that rows of codes stand for."""
    dim, parts, width, last = reader.numbers("4i")
    if codes.shape[1] != parts or width * (parts - 1) + last != dim:
        raise ValueError("its quantized vectors do not add up")
    widths = [width] * (parts - 1) + [last]
    pieces = [reader.array("<f4", CENTROIDS, wide)[codes[:, part]] for part, wide in enumerate(widths)]
    return np.concatenate(pieces, axis=1)


def _arrays(options: _Options, dictionary: _Dictionary, rows: Floats, output: Floats) -> Model:
    """Arrange a model for the kernels: n-grams' rows in the order of their buckets, so that counting finds them."""
    words, labels = dictionary.names[: dictionary.words], dictionary.names[dictionary.words :]
    if rows.shape[1] != options.dim or output.shape != (len(labels), options.dim):
        raise ValueError("its vectors are not as many, or as long, as it says")
    kept, ngram_rows = _kept(options, dictionary, len(rows) - len(words))
    bits, before = _blocks(kept, options.buckets)
    is_tree = options.loss == HIERARCHICAL
    return Model(
        rows=np.concatenate([rows[: len(words)], rows[len(words) :][ngram_rows]]),
        known=_known(words, labels),
        words=len(words),
        kept=bits,
        before=before,
        ngrams=_ngrams(options),
        last=words.index(END) if END in words else -1,
        output=np.array(output),
        children=_tree(dictionary.counts[len(words) :]) if is_tree else np.empty((0, 2), np.int32),
    )


def _kept(options: _Options, dictionary: _Dictionary, rows: int) -> tuple[Integers, Integers]:
    """Return the kept buckets, rising, and the row of each among the n-grams' `rows`."""
    if options.longest == 0 or dictionary.kept is None:
        count = options.buckets if options.longest > 0 else 0
        kept = found = np.arange(min(count, rows + 1), dtype=np.int32)
    else:
        kept, found = dictionary.kept[np.argsort(dictionary.kept[:, 0])].T
    if rows < 0 or np.any(np.diff(kept) < 1) or _is_outside(kept, options.buckets) or _is_outside(found, rows):
        raise ValueError("its n-grams do not have a vector each")
    return kept, found


def _is_outside(numbers: Integers, size: int) -> bool:
    return bool(np.any((numbers < 0) | (numbers >= size)))


def _known(words: list[bytes], labels: list[bytes]) -> npt.NDArray[np.uint64]:
    """Return the table of words, where the mark of the end stands before its row."""
    names = [END, *words, *labels]
    table = np.zeros((1 << (2 * len(names)).bit_length(), 3), np.uint64)
    ends = np.array([0, *accumulate(map(len, names))], np.int64)
    values = np.array([STOP, *range(len(words)), *[LABEL] * len(labels)], np.int64)
    enter(table, np.frombuffer(b"".join(names), np.uint8), ends, values)
    return table


def _blocks(kept: Integers, buckets: int) -> tuple[npt.NDArray[np.uint64], Integers]:
    """Return a bit per bucket, and how many were kept before each block of 64."""
    bits = np.zeros((buckets // 64 + 1) * 64, np.uint8)
    bits[kept] = 1
    per_block = bits.reshape(-1, 64).sum(axis=1, dtype=np.int32)
    return np.packbits(bits, bitorder="little").view(np.uint64), np.cumsum(per_block, dtype=np.int32) - per_block


def _ngrams(options: _Options) -> Ngrams:
    buckets = max(options.buckets, 1)
    shift = 30 + buckets.bit_length()
    return Ngrams(buckets, (1 << shift) // buckets, shift, options.shortest, options.longest)


def _tree(counts: list[int]) -> Integers:
    """Return fastText's Huffman tree: the labels are the first nodes, by falling counts; the root is the last node."""
    size = len(counts)
    weights = [*counts, *[NEVER_BUILT] * (size - 1)]
    children = np.full((2 * size - 1, 2), -1, np.int32)
    leaf, node = size - 1, size
    for parent in range(size, 2 * size - 1):
        for side in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                children[parent, side], leaf = leaf, leaf - 1
            else:
                children[parent, side], node = node, node + 1
        if node > parent:
            raise ValueError("its labels are counted wrongly")
        weights[parent] = sum(weights[child] for child in children[parent])
    return children
