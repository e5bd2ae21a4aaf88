"""Packing token by token: what every sequence holds, as plain lists."""

from collections.abc import Sequence

from tests.filters.references.best_fit import bins_of

Stretch = tuple[int, int, int]
"""A fragment, tokens of it before the stretch, tokens of the stretch."""


def packed(method: str, lengths: Sequence[int], sequence_length: int, overlap: int) -> list[list[Stretch]]:
    """Return the stretches of each sequence."""
    row = sequence_length + overlap
    if method == "pad_truncate":
        return [[(fragment, 0, min(length, row))] for fragment, length in enumerate(lengths) if length]
    if method == "concat":
        tokens = [(fragment, token) for fragment, length in enumerate(lengths) for token in range(length)]
        return [_stretches(tokens[at : at + row]) for at in _starts(len(tokens), sequence_length, overlap)]
    cut = [
        (fragment, at, min(length - at, row))
        for fragment, length in enumerate(lengths)
        for at in _starts(length, sequence_length, overlap)
    ]
    bins = sorted(bins_of([length for _, _, length in cut], row), key=lambda places: _mixed(places[0]))
    return [[cut[place] for place in sorted(places)] for places in bins]


def _mixed(number: int) -> int:
    """fmix64 of MurmurHash3."""
    mixed = number + 1
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        mixed = (mixed ^ mixed >> 33) * factor & 0xFFFFFFFFFFFFFFFF
    return mixed ^ mixed >> 33


def _starts(tokens: int, sequence_length: int, overlap: int) -> list[int]:
    """Where sequences begin, of which each but the first must bring something new."""
    starts = [0] if tokens else []
    while starts and starts[-1] + sequence_length + overlap < tokens:
        starts.append(starts[-1] + sequence_length)
    return starts


def _stretches(sequence: Sequence[tuple[int, int]]) -> list[Stretch]:
    fragments = sorted({fragment for fragment, _ in sequence})
    held = {fragment: [token for owner, token in sequence if owner == fragment] for fragment in fragments}
    return [(fragment, tokens[0], len(tokens)) for fragment, tokens in held.items()]
