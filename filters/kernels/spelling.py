"""Tokens beside the text that they spell: which of them lie in stretches of it.

In:  texts, where stretches of them begin and end, tokens, and the bytes of every id; and the borders among tokens.
Out: a mark per token.
Guaranteed: a token is marked if a byte of it lies in a stretch; one that stands for no bytes is marked as the one
    before it in its text, and not where there is none. A border is a token that stands for a stretch of the text,
    whatever the bytes of its id. Of a text that its tokens do not spell, no token is marked. The bytes of tokens and
    the ends of stretches are walked over once.
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

Borders: TypeAlias = tuple[I64, I64, I64]
"""Which tokens are borders, ascending; of each the bytes at which the text before it ends, it begins and ends, and the
text behind it begins (int64[borders, 4]); which is the first of each text, and how many there are."""

State: TypeAlias = tuple[bool, int, int]
"""Whether the last token was marked, how many stretches are open, and which end comes next."""

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


@inlined
def _passed(at: int, behind: int, state: State, last: int, ends: Ends) -> State:
    """Return the state behind the bytes [at, behind)."""
    return _lies_inside(at, behind, state[1:], last, ends)


@kernel
def _mark_part(
    part: tuple[int, int, int, int], lead: int, begun: tuple[State, int], held: tuple[Texts, Ends, Tokens, Spelling]
) -> tuple[bool, State]:
    """Mark the tokens between two borders; False where they do not spell the bytes behind `lead` blanks."""
    token, last, at, stop = part
    state, last_end = begun
    (data, _), ends, (ids, _, marks), (letters, places) = held
    for number in range(token, last):
        begin, end = places[ids[number]], places[ids[number] + 1]
        if end > begin:
            if lead == 1 and letters[begin] != BLANK:
                return False, state
            begin, lead = begin + lead, 0
            behind = at + end - begin
            if behind > stop or not _are_same(letters, begin, data, at, end - begin):
                return False, state
            state = _passed(at, behind, state, last_end, ends)
            at = behind
        marks[number] = state[0]
    return lead == 0 and at == stop, state


@kernel
def _mark_either(
    part: tuple[int, int, int, int], begun: tuple[State, int], held: tuple[Texts, Ends, Tokens, Spelling]
) -> tuple[bool, State]:
    """Mark the tokens between two borders, with or without a blank before what they spell."""
    spelt, state = _mark_part(part, 0, begun, held)
    return (spelt, state) if spelt else _mark_part(part, 1, begun, held)


@kernel
def _mark_text(text: int, held: tuple[Texts, Ends, Tokens, Spelling], borders: Borders) -> bool:
    """Mark the tokens of one text; False where they do not spell it: then marks are of no use."""
    offsets, ends, bounds, marks = held[0][1], held[1], held[2][1], held[2][2]
    border_tokens, places, firsts = borders
    token, at, last = bounds[text], offsets[text], ends[2][text + 1]
    state: State = (False, 0, ends[2][text])
    for border in range(firsts[text], firsts[text + 1]):
        stop, begin, behind, resume = places[border]
        spelt, state = _mark_either((token, border_tokens[border], at, stop), (state, last), held)
        if not spelt:
            return False
        state = _passed(begin, behind, _passed(stop, begin, state, last, ends), last, ends)
        marks[border_tokens[border]] = inside = state[0]
        _, depth, event = _passed(behind, resume, state, last, ends)
        token, at, state = border_tokens[border] + 1, resume, (inside, depth, event)
    return _mark_either((token, bounds[text + 1], at, offsets[text + 1]), (state, last), held)[0]


@kernel
def mark_tokens(texts: Texts, ends: Ends, tokens: Tokens, spelling: Spelling, borders: Borders) -> int:
    """Write 1 for every token that is marked and 0 for the others; return how many texts their tokens do not spell.

    A tokenizer may have put a blank before a text, or before what stands behind a border.

    Args:
        texts: see `Texts`.
        ends: see `Ends`.
        tokens: see `Tokens`; the marks, uint8, one per token, are written.
        spelling: see `Spelling`.
        borders: see `Borders`.
    """
    bounds, marks = tokens[1], tokens[2]
    unspelt = 0
    for text in range(len(bounds) - 1):
        if not _mark_text(text, (texts, ends, tokens, spelling), borders):
            marks[bounds[text] : bounds[text + 1]] = 0
            unspelt += 1
    return unspelt
