"""Shingles, signatures and bands in plain Python: what the kernels must equal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from uniseg.wordbreak import words as uniseg_words

from filters.kernels.minhash import Scheme
from filters.kernels.scans import WordDefinition
from filters.shingling import NORMALIZATIONS, Normalization, shingles_of
from filters.words import words

MASK32, MASK64, MERSENNE = (1 << 32) - 1, (1 << 64) - 1, (1 << 61) - 1
SEED, MIX, TURN = 0xCBF29CE484222325, 0x9E3779B97F4A7C15, 29


def plain_words(text: str, definition: WordDefinition) -> list[str]:
    """Return the words of a text."""
    if definition == "whitespace":
        return words(text)
    return [word for word in uniseg_words(text) if any(map(str.isalnum, word))]


def plain_shingles(text: str, definition: WordDefinition, n: int, normalization: Normalization) -> set[tuple[str, ...]]:
    """Return the shingles of a text, as words."""
    return shingles_of(plain_words(NORMALIZATIONS[normalization](text), definition), n)


def jaccard(left: set[Any], right: set[Any]) -> float:
    """Return how many shingles are in both, of those in either; 1 where there are none."""
    return len(left & right) / len(left | right) if left | right else 1.0


def add_block(state: int, block: int) -> int:
    """Return the state of a hash behind one more block."""
    mixed = (state ^ block) * MIX & MASK64
    return mixed ^ mixed >> TURN


def hash_word(word: str) -> int:
    """Return the hash of a word."""
    data, state = word.encode(), SEED
    for at in range(0, len(data), 8):
        state = add_block(state, int.from_bytes(data[at : at + 8], "little"))
    return add_block(state, len(data))


def join(left: int, right: int) -> int:
    """Return the hash of two rows, one behind the other."""
    return add_block((left << TURN | left >> (64 - TURN)) & MASK64, right)


def hash_shingle(shingle: Sequence[str]) -> int:
    """Return the hash of a run of words: of its two equal halves, and of the word that is left where it is odd."""
    if len(shingle) == 1:
        return hash_word(shingle[0])
    half = len(shingle) // 2
    pair = join(hash_shingle(shingle[:half]), hash_shingle(shingle[half : 2 * half]))
    return join(pair, hash_word(shingle[-1])) if len(shingle) % 2 else pair


def fmix(value: int, shifts: Sequence[int], factors: Sequence[int], mask: int) -> int:
    """Return what MurmurHash3's finalizer makes of a number."""
    value ^= value >> shifts[0]
    value = value * factors[0] & mask
    value ^= value >> shifts[1]
    value = value * factors[1] & mask
    return value ^ value >> shifts[2]


def affine32(value: int, a: int, b: int) -> int:
    """Return one permutation of datasketch's affine32."""
    mixed = fmix(value & MASK32, (16, 13, 16), (0x85EBCA6B, 0xC2B2AE35), MASK32)
    return (a * mixed + b) & MASK32


def affine64(value: int, a: int, b: int) -> int:
    """Return one permutation of datasketch's affine64."""
    mixed = fmix(value, (33, 33, 33), (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53), MASK64)
    return (a * mixed + b) & MASK64


def legacy(value: int, a: int, b: int) -> int:
    """Return one permutation of datasketch before 2.0."""
    return ((a * (value & MASK32) + b) & MASK64) % MERSENNE & MASK32


PERMUTATIONS = {"affine32": affine32, "affine64": affine64, "legacy": legacy}
GREATEST = {"affine32": MASK32, "affine64": MASK64, "legacy": MASK32}


def plain_signature(hashes: Sequence[int], a: npt.NDArray[Any], b: npt.NDArray[Any], scheme: Scheme) -> list[int]:
    """Return the signature of a text whose shingles have these hashes."""
    permuted, greatest = PERMUTATIONS[scheme], GREATEST[scheme]
    numbers = zip(a.tolist(), b.tolist(), strict=True)
    return [min((permuted(value, x, y) for value in hashes), default=greatest) for x, y in numbers]


def sharing_a_band(similarity: float, bands: int, rows: int) -> float:
    """Return the chance that two texts of a Jaccard similarity share a band."""
    return float(1 - (1 - np.float64(similarity) ** rows) ** bands)
