"""fastText model files made here, with random numbers in them: what fastText itself then reads is the reference.

The format is that of `FastText::saveModel` (src/fasttext.cc of facebookresearch/fastText).
"""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HIERARCHICAL, NEGATIVE_SAMPLING, SOFTMAX = 1, 2, 3
SUPERVISED, SKIPGRAM = 3, 2


@dataclass(frozen=True)
class ModelFile:
    """What a model file says of itself; the vectors follow from `seed`.

    Args:
        words: entries that are words.
        labels: entries that are labels.
        kept: buckets that pruning left; None where the model is not pruned.
        quantized: whether input vectors are written as codes, with norms.
        quantized_output: whether output vectors are, without norms.
    """

    words: tuple[str, ...] = ("</s>", "the", "und", "\u00e9t\u00e9", "mot")
    labels: tuple[str, ...] = ("__label__en", "__label__de", "__label__fr", "__label__x")
    dim: int = 6
    loss: int = HIERARCHICAL
    model: int = SUPERVISED
    version: int = 12
    word_ngrams: int = 1
    shortest: int = 2
    longest: int = 4
    buckets: int = 1000
    kept: tuple[int, ...] | None = None
    quantized: bool = False
    quantized_output: bool = False
    seed: int = 0

    def to_bytes(self) -> bytes:
        """Return the whole file."""
        chance = np.random.default_rng(self.seed)
        ngrams = self.buckets if self.kept is None else len(self.kept)
        rows = len(self.words) + (ngrams if self.longest > 0 else 0)
        return b"".join(
            [
                struct.pack("<2i", 793712314, self.version),
                self._options(),
                self._dictionary(chance),
                struct.pack("<?", self.quantized),
                quantized(chance, rows, self.dim, norms=True) if self.quantized else dense(chance, rows, self.dim),
                struct.pack("<?", self.quantized_output),
                quantized(chance, len(self.labels), self.dim, norms=False)
                if self.quantized_output
                else dense(chance, len(self.labels), self.dim),
            ]
        )

    def _options(self) -> bytes:
        sizes = (self.buckets, self.shortest, self.longest)
        return struct.pack("<12id", self.dim, 5, 5, 1, 5, self.word_ngrams, self.loss, self.model, *sizes, 100, 1e-4)

    def _dictionary(self, chance: np.random.Generator) -> bytes:
        kept = self.kept or ()
        counts = sorted(chance.integers(1, 50, len(self.labels)).tolist(), reverse=True)
        entries = [struct.pack("<qb", 9, 0) for _ in self.words] + [struct.pack("<qb", count, 1) for count in counts]
        names = [name.encode() + b"\0" for name in (*self.words, *self.labels)]
        pairs = zip(kept, chance.permutation(len(kept)).tolist(), strict=True)
        size = -1 if self.kept is None else len(kept)
        return b"".join(
            [
                struct.pack("<3i2q", len(names), len(self.words), len(self.labels), 100, size),
                *(name + entry for name, entry in zip(names, entries, strict=True)),
                *(struct.pack("<2i", *pair) for pair in pairs),
            ]
        )


def dense(chance: np.random.Generator, rows: int, dim: int) -> bytes:
    """Return a matrix as it is written."""
    return struct.pack("<2q", rows, dim) + _floats(chance, rows * dim).tobytes()


def quantized(chance: np.random.Generator, rows: int, dim: int, *, norms: bool) -> bytes:
    """Return a matrix of codes, each of which stands for four numbers, the last one for what is left of `dim`."""
    parts = -(-dim // 4)
    last = dim - 4 * (parts - 1)
    codes = chance.integers(0, 256, rows * parts, np.uint8).tobytes()
    whole = struct.pack("<?2qi", norms, rows, dim, len(codes)) + codes
    whole += struct.pack("<4i", dim, parts, 4, last) + _floats(chance, dim * 256).tobytes()
    if norms:
        whole += chance.integers(0, 256, rows, np.uint8).tobytes()
        whole += struct.pack("<4i", 1, 1, 1, 1) + _floats(chance, 256).tobytes()
    return whole


def _floats(chance: np.random.Generator, count: int) -> npt.NDArray[np.float32]:
    return chance.normal(size=count).astype("<f4")
