"""MinHash signatures of shingles, as datasketch makes them, and their bands.

In:  the hashes of each text's shingles.
Out: per text a signature of `count` numbers, and per band of it a key.
Guaranteed: signatures are, value for value, those of `datasketch.MinHash(count, seed, scheme=scheme, hashfunc=...)`
     whose hash function gives the low 32 bits of a shingle's hash (all 64 for affine64): `permutations` draws the same
     numbers. Two texts with Jaccard similarity s agree in each number with a chance of about s. Equal bands have equal
     keys; keys of different bands, and of different numbers, differ but for chance. A text without shingles has the
     greatest number everywhere, as in datasketch, and so a key; leave it out by `Shingles.counts`.

Schemes of datasketch 2.0.0 (ekzhu/datasketch, datasketch/minhash.py), h the hash, a and b drawn for each number:

    affine32   min of a * f(h) + b mod 2^32, f MurmurHash3's finalizer, a odd; the default
    affine64   the same mod 2^64
    legacy     min of ((a * h + b mod 2^64) mod 2^61 - 1) mod 2^32; the only one before 2.0, and that of RedPajama v2
               (RedPajama-Data, app/src/dedupe, seed 42) and of datatrove with 32 bits of SHA-1 (but for how it draws)

Why minima of this kind estimate similarity: Broder, On the resemblance and containment of documents (1997); why bands:
Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.
"""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf
from filters.kernels.hashing import SEED, add_block, finish
from filters.kernels.shingles import Shingles

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]

Scheme: TypeAlias = Literal["affine32", "affine64", "legacy"]

MERSENNE = np.uint64((1 << 61) - 1)
MERSENNE_BITS = np.uint64(61)
MOST = np.uint32((1 << 32) - 1)
MOST64 = ~np.uint64(0)

BLOCK = 4096
"""Shingles whose numbers are looked at before the next ones are: so many lie in the nearest cache."""

LANES = 32
"""A block is filled up to a multiple of so many with its first shingle, which changes no minimum, so that all of it is
done in vectors."""


def permutations(count: int, seed: int, scheme: Scheme = "affine32") -> tuple[Words, Words]:
    """Return a and b of each number of a signature, as datasketch draws them.

    Args:
        count: numbers of a signature, at least 1.
        seed: as datasketch's; from 0 to 2^32 - 1.
        scheme: see above.

    Returns:
        uint32 arrays for affine32, uint64 arrays for the others.

    Raises:
        ValueError: count is less than 1.
    """
    if count < 1:
        raise ValueError(f"minhash: a signature of {count} numbers; at least one is needed")
    draw = np.random.RandomState(seed)
    if scheme == "legacy":
        high = int(MERSENNE)
        pairs = [(draw.randint(1, high, dtype=np.uint64), draw.randint(0, high, dtype=np.uint64)) for _ in range(count)]
        drawn = np.array(pairs, np.uint64).T
        return np.ascontiguousarray(drawn[0]), np.ascontiguousarray(drawn[1])
    bits, kind = (32, np.uint32) if scheme == "affine32" else (64, np.uint64)
    halves = draw.randint(0, 1 << (bits - 1), count, dtype=kind)
    return halves * kind(2) + kind(1), draw.randint(0, 1 << bits, count, dtype=kind)


def signatures(shingles: Shingles, a: Words, b: Words, scheme: Scheme = "affine32") -> Words:
    """Return the signature of each text.

    Args:
        shingles: of the texts.
        a: of each number, as `permutations` returns it for the same scheme.
        b: likewise.
        scheme: see above.

    Returns:
        uint32[texts, numbers]; uint64 for affine64. All bits are set for a text without shingles.
    """
    kind = np.uint64 if scheme == "affine64" else np.uint32
    out = np.full((len(shingles.first) - 1, len(a)), np.iinfo(kind).max, kind)
    KERNELS[scheme](shingles.first, shingles.hashes, (a, b), np.empty(BLOCK, kind), out)
    return out


def band_keys(signatures: Words, bands: int, rows: int) -> U64:
    """Return the key of each band: a hash of its place and its numbers.

    Args:
        signatures: uint32 or uint64, one row per text.
        bands: how many bands; any more numbers of a signature are not used.
        rows: numbers of a band.

    Returns:
        uint64[texts, bands].

    Raises:
        ValueError: a signature has fewer numbers than the bands ask for, or they ask for none.
    """
    if bands < 1 or rows < 1 or bands * rows > signatures.shape[1]:
        raise ValueError(f"minhash: {bands} bands of {rows} rows from signatures of {signatures.shape[1]} numbers")
    keys = np.empty((len(signatures), bands), np.uint64)
    _band_keys(signatures, rows, keys)
    return keys


@kernel
def _band_keys(signatures: Words, rows: int, keys: U64) -> None:
    """Fill the keys of all texts."""
    texts, bands = keys.shape
    for text in range(texts):
        for band in range(bands):
            state = add_block(SEED, np.uint64(band))
            for row in range(band * rows, (band + 1) * rows):
                state = add_block(state, np.uint64(signatures[text, row]))
            keys[text, band] = finish(state, rows)


@leaf
def _mixed32(value: np.uint64) -> np.uint32:
    """Return the low half of a hash behind MurmurHash3's finalizer of 32 bits (`fmix32`, aappleby/smhasher)."""
    mixed = np.uint32(value)
    mixed = np.uint32((mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    mixed = np.uint32((mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(mixed ^ (mixed >> np.uint32(16)))


@leaf
def _mixed64(value: np.uint64) -> np.uint64:
    """Return a hash behind MurmurHash3's finalizer of 64 bits (`fmix64`, aappleby/smhasher)."""
    mixed = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return mixed ^ (mixed >> np.uint64(33))


@leaf
def _padded(block: Any, count: int) -> int:  # noqa: ANN401 - an array of either kind
    """Fill a block up to whole vectors; return how many it holds."""
    filled = min((count + LANES - 1) // LANES * LANES, len(block))
    for number in range(count, filled):
        block[number] = block[0]
    return filled


@leaf
def _least32(block: U32, count: int, a: np.uint32, b: np.uint32) -> np.uint32:
    """Return the least value of affine32."""
    least = MOST
    for number in range(count):
        least = min(least, np.uint32(a * block[number] + b))
    return least


@leaf
def _least64(block: U64, count: int, a: np.uint64, b: np.uint64) -> np.uint64:
    """Return the least value of affine64."""
    least = MOST64
    for number in range(count):
        least = min(least, a * block[number] + b)
    return least


@leaf
def _least_legacy(block: U32, count: int, a: np.uint64, b: np.uint64) -> np.uint32:
    """Return the least value of legacy; the remainder of 2^61 - 1 is a sum of bits, since 2^61 leaves 1."""
    least = MOST
    for number in range(count):
        value = a * np.uint64(block[number]) + b
        value = (value & MERSENNE) + (value >> MERSENNE_BITS)
        value = value - MERSENNE if value >= MERSENNE else value
        least = min(least, np.uint32(value))
    return least


@kernel
def _affine32(first: I64, hashes: U64, ab: tuple[U32, U32], block: U32, out: U32) -> None:
    """Fill the signatures of all texts.

    Args:
        first: int64, one more than texts.
        hashes: uint64, all shingles.
        ab: a and b of each number.
        block: room for some shingles.
        out: one row per text, of greatest values at first.
    """
    a, b = ab
    for text in range(len(first) - 1):
        for begin in range(first[text], first[text + 1], BLOCK):
            count = min(first[text + 1] - begin, BLOCK)
            for number in range(count):
                block[number] = _mixed32(hashes[np.uint64(begin + number)])
            filled = _padded(block, count)
            for place in range(len(a)):
                out[text, place] = min(out[text, place], _least32(block, filled, a[place], b[place]))


@kernel
def _affine64(first: I64, hashes: U64, ab: tuple[U64, U64], block: U64, out: U64) -> None:
    """Fill the signatures of all texts; arguments as for `_affine32`."""
    a, b = ab
    for text in range(len(first) - 1):
        for begin in range(first[text], first[text + 1], BLOCK):
            count = min(first[text + 1] - begin, BLOCK)
            for number in range(count):
                block[number] = _mixed64(hashes[np.uint64(begin + number)])
            filled = _padded(block, count)
            for place in range(len(a)):
                out[text, place] = min(out[text, place], _least64(block, filled, a[place], b[place]))


@kernel
def _legacy(first: I64, hashes: U64, ab: tuple[U64, U64], block: U32, out: U32) -> None:
    """Fill the signatures of all texts; arguments as for `_affine32`."""
    a, b = ab
    for text in range(len(first) - 1):
        for begin in range(first[text], first[text + 1], BLOCK):
            count = min(first[text + 1] - begin, BLOCK)
            for number in range(count):
                block[number] = np.uint32(hashes[np.uint64(begin + number)])
            filled = _padded(block, count)
            for place in range(len(a)):
                out[text, place] = min(out[text, place], _least_legacy(block, filled, a[place], b[place]))


KERNELS: dict[Scheme, Any] = {"affine32": _affine32, "affine64": _affine64, "legacy": _legacy}
"""What computes the signatures of each scheme."""
