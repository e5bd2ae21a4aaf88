"""Tokens beside the text that they spell: which of them lie in stretches of it.

In:  texts, where stretches of them begin and end, tokens, and the bytes of every id.
Out: a mark per token.
Guaranteed: a token is marked if a byte of it lies in a stretch; one that stands for no bytes is marked as the one
    before it in its text, and not where there is none. Of a text that its tokens do not spell, no token is marked. The
    bytes of tokens and the ends of stretches are walked over once.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel

U8 = npt.NDArray[np.uint8]
I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]
Ids = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

Texts: TypeAlias = tuple[U8, I64]
"""Bytes of all texts, where each begins and the last ends."""

Ends: TypeAlias = tuple[I64, I8, I64]
"""Where stretches begin and end in the bytes of all texts, ascending in each text; 1 where one begins and -1 where one
ends; which is the first of each text, and how many there are."""

Tokens: TypeAlias = tuple[Ids, I64, U8]
"""Ids of all texts, where each text's begin and the last one's end, and room for the marks."""

Spelling: TypeAlias = tuple[U8, I64]
"""Bytes of all ids, one behind the other, and where each id's begin and the last one's end."""

BLANK = ord(" ")


@inlined
def _are_same(letters: U8, begin: int, data: U8, at: int, size: int) -> bool:
    for letter in range(size):  # noqa: SIM110 - numba has no generators
        if letters[begin + letter] != data[at + letter]:
            return False
    return True


@inlined
def _lies_inside(at: int, behind: int, state: tuple[int, int], last: int, ends: Ends) -> tuple[bool, int, int]:
    """Return whether a stretch holds one of the bytes [at, behind); and the depth and the next end behind them."""
    where, step, _ = ends
    depth, event = state
    inside = depth > 0 and at < behind and (event == last or where[event] > at)
    while event < last and where[event] < behind:
        place = where[event]
        while event < last and where[event] == place:
            depth += step[event]
            event += 1
        inside |= depth > 0
    return inside, depth, event


@kernel
def _mark_text(text: int, lead: int, texts: Texts, ends: Ends, tokens: Tokens, spelling: Spelling) -> bool:
    """Mark the tokens of one text; False where they do not spell it behind `lead` blanks: then marks are of no use."""
    data, offsets = texts
    ids, bounds, marks = tokens
    letters, places = spelling
    at, depth, event, inside = offsets[text], 0, ends[2][text], False
    for token in range(bounds[text], bounds[text + 1]):
        begin, end = places[ids[token]], places[ids[token] + 1]
        if end > begin:
            if lead == 1 and letters[begin] != BLANK:
                return False
            begin, lead = begin + lead, 0
            behind = at + end - begin
            if behind > offsets[text + 1] or not _are_same(letters, begin, data, at, end - begin):
                return False
            inside, depth, event = _lies_inside(at, behind, (depth, event), ends[2][text + 1], ends)
            at = behind
        marks[token] = inside
    return lead == 0 and at == offsets[text + 1]


@kernel
def mark_tokens(texts: Texts, ends: Ends, tokens: Tokens, spelling: Spelling) -> int:
    """Write 1 for every token that is marked and 0 for the others; return how many texts their tokens do not spell.

    A tokenizer may have put a blank before a text.

    Args:
        texts: see `Texts`.
        ends: see `Ends`.
        tokens: see `Tokens`; the marks, uint8, one per token, are written.
        spelling: see `Spelling`.
    """
    bounds, marks = tokens[1], tokens[2]
    unspelt = 0
    for text in range(len(bounds) - 1):
        if not (
            _mark_text(text, 0, texts, ends, tokens, spelling) or _mark_text(text, 1, texts, ends, tokens, spelling)
        ):
            marks[bounds[text] : bounds[text + 1]] = 0
            unspelt += 1
    return unspelt
