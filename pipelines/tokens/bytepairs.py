"""Byte pairs: our own back-end for byte-level BPE and for SentencePiece's BPE.

In:  which pairs of tokens merge, how words begin, and by which rule texts are cut into words.
Out: a `BytePairs`.
Guaranteed: ids equal those of `tokenizers`, tiktoken and `sentencepiece`; what was encoded before changes no id. Of the
     three rules, GPT-2's and cl100k's are regular expressions (`patterns.py`), the third is SentencePiece's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain, pairwise
from threading import Lock
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels.bpe import Pairs, pairs_of, pairs_of_bytes, room_for_long, room_for_small
from filters.kernels.copying import bytes_of
from filters.kernels.encoding import Model, Tools, encode, room_ahead, with_slack
from filters.kernels.firsts import NO_TOKEN, Firsts
from filters.kernels.hashing import WIDTH
from filters.kernels.pretokens import (
    ASCII,
    CL100K,
    CL100K_ONES,
    GPT2,
    GPT2_ONES,
    GPT2_THREES,
    code_classes,
    link_bits,
)
from filters.kernels.tables import power_above
from filters.kernels.whole_words import Whole, whole_words
from filters.kernels.wordcache import FEW, TOKEN_BITS, empty_cache
from pipelines.tokens import patterns
from pipelines.tokens.backends import Frame
from pipelines.tokens.runs import Runs

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
Token = TypeVar("Token", bytes, str)

MACHINES = {
    patterns.GPT2: GPT2,
    patterns.CL100K: CL100K,
    patterns.pattern_of("gpt2", "individual"): GPT2_ONES,
    patterns.pattern_of("gpt2", "groups_of_three"): GPT2_THREES,
    patterns.pattern_of("cl100k", "individual"): CL100K_ONES,
}
"""Regular expression -> the machine that finds the same words."""

MOST_TOKENS = 1 << TOKEN_BITS
"""Ids that the cache can hold are below this."""

FIRST_ROOM, MOST_ROOM = 1 << 16, 1 << 22
"""Bytes of a word for which there is room at first, and for which it is kept; 28 bytes of memory each."""


@dataclass
class BytePairs:
    """Encodes with kernels of our own; what they work with is made when the first text comes.

    Args:
        machine: where words end (`filters/kernels/pretokens.py`).
        make_model: makes what says how words begin, and what merges.
        spaced: a space is put before each text.
    """

    machine: int
    make_model: Callable[[], Model]
    spaced: bool = False
    name: str = "gristmill"
    _lock: Lock = field(default_factory=Lock, repr=False)

    @cached_property
    def tools(self) -> Tools:
        """The model, the cache of words, and room to merge."""
        return self.make_model(), empty_cache(), (room_for_small(), room_for_long(FIRST_ROOM), room_ahead())

    def encode(self, texts: pa.LargeStringArray, frame: Frame) -> Runs:
        """Return the ids of each text, framed; one thread at a time."""
        data, offsets = bytes_of(texts)
        held = with_slack(data, offsets, self.spaced)
        most = int(held[1][-1]) + len(texts) * sum(map(len, frame)) + FEW
        ids, bounds = np.empty(most, np.uint32), np.zeros(len(offsets), np.int64)
        with self._lock:
            while more := encode(self.machine, held, self.tools, frame, (ids, bounds)):
                self._make_room(more + more // 4)
            if len(self.tools[2][1][0]) > MOST_ROOM:
                self._make_room(FIRST_ROOM)
        return Runs(ids[: bounds[-1]], bounds)

    def _make_room(self, count: int) -> None:
        """Make room for words of so many bytes."""
        model, cache, (small, _, ahead) = self.tools
        self.tools = (model, cache, (small, room_for_long(count), ahead))


@cache
def _classes() -> U8:
    return code_classes()


NO_LINKS = np.zeros(1, np.uint64)
NO_CODES = np.empty(0, np.uint32)


def byte_level(of_bytes: Sequence[int], pairs: Pairs, whole: Mapping[bytes, int]) -> Model:
    """Return the model of a byte-level BPE.

    Args:
        of_bytes: the token of each byte.
        pairs: which tokens merge.
        whole: words that are one token, whatever merges.
    """
    return (_classes(), NO_LINKS), _firsts(of_bytes, NO_CODES, pairs), pairs, _whole(whole)


def marked(of_bytes: Sequence[int], of_codes: Mapping[int, int], pieces: Iterable[str], pairs: Pairs) -> Model:
    """Return the model of SentencePiece's BPE.

    Args:
        of_bytes: the piece of each byte.
        of_codes: the piece of each code point that has one.
        pieces: all that merges end in.
        pairs: which pieces merge.
    """
    table = np.full(0x110000, NO_TOKEN, np.uint32)
    table[list(of_codes)] = list(of_codes.values())
    links = sorted({pair for piece in pieces for pair in pairwise(map(ord, piece))})
    left, right = (np.array([link[side] for link in links], np.uint32) for side in (0, 1))
    return (np.zeros(1, np.uint8), link_bits(left, right)), _firsts(of_bytes, table, pairs), pairs, _whole({})


def _firsts(of_bytes: Sequence[int], of_codes: U32, pairs: Pairs) -> Firsts:
    """Return how words begin."""
    alone = np.array(of_bytes, np.uint32)
    ascii_codes = of_codes[:ASCII]
    begun = alone.copy()
    begun[: len(ascii_codes)] = np.where(ascii_codes == NO_TOKEN, alone[: len(ascii_codes)], ascii_codes)
    return alone, of_codes, pairs_of_bytes(begun, pairs)


def merges(entries: Iterable[tuple[int, int, int, int]]) -> Pairs:
    """Return the table of pairs, given (left, right, rank, token) of each."""
    columns = np.fromiter(chain.from_iterable(entries), np.uint64).reshape(-1, 4).T
    return pairs_of(*(np.ascontiguousarray(column) for column in columns))


def splits(tokens: Mapping[Token, int], ranks: Mapping[Token, int]) -> Iterable[tuple[int, int, int, int]]:
    """Yield each way in which a token is two others, as `merges` takes it: whatever pair gives it has its rank."""
    for token, number in tokens.items():
        for cut in range(1, len(token)):
            left, right = tokens.get(token[:cut]), tokens.get(token[cut:])
            if left is not None and right is not None:
                yield left, right, ranks[token], number


def _whole(words: Mapping[bytes, int]) -> Whole:
    """Return the table of words that are one token."""
    if not words:
        return (
            np.zeros(1, np.uint64),
            np.zeros(1, np.uint64),
            np.frombuffer(bytes(WIDTH), np.uint8),
            np.zeros(1, np.int64),
        )
    by_number = {number: word for word, number in words.items()}
    lengths = [len(by_number.get(number, b"")) for number in range(max(by_number) + 1)]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    data = np.frombuffer(b"".join(by_number[number] for number in sorted(by_number)) + bytes(WIDTH), np.uint8)
    table = np.zeros(power_above(2 * len(words)), np.uint64)
    known = np.zeros(len(table) // 16, np.uint64)
    whole_words(data, starts, np.array(sorted(by_number), np.uint32), known, table)
    return known, table, data, starts
