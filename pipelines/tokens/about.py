"""About a vocabulary: what its file says beside ids, and what was changed in it.

In:  what the loaders of `tokens/` read.
Out: an `About`.
Guaranteed: an id that `dead` names comes from no text; of one that it does not name, nothing is claimed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Edits:
    """What a manifest changed in a vocabulary.

    Args:
        removed: ids of the file that are gone, ascending.
        names: what each of them was called; "" of a gap.
        added: special token -> id, behind all that stayed.
        padding: ids behind all tokens that stand for nothing, up to the size that was asked for.
    """

    removed: tuple[int, ...]
    names: tuple[str, ...]
    added: Mapping[str, int]
    padding: int


@dataclass(frozen=True)
class About:
    """What a file says of its vocabulary beside ids.

    Args:
        specials: special token -> id.
        normalizer: what changes texts before they are cut, in words; "none".
        words: how texts are cut into words, in words.
        obstacle: why kernels of our own cannot encode with it; "" where they can.
        normalized: a text as the normalizer leaves it, spaces as spaces.
        dead: finds the ids that no text becomes.
        edits: what the manifest changed; None where it says nothing of that.
        lstrip: special tokens that take the white space before them where they stand in a text.
        rstrip: likewise, behind them.
    """

    specials: Mapping[str, int]
    normalizer: str
    words: str
    obstacle: str
    normalized: Callable[[str], str]
    dead: Callable[[], frozenset[int]]
    edits: Edits | None = None
    lstrip: frozenset[str] = frozenset()
    rstrip: frozenset[str] = frozenset()


def gaps(size: int, taken: Mapping[int, object]) -> frozenset[int]:
    """Return the ids below `size` that are no token's."""
    return frozenset(range(size)) - taken.keys()


def as_it_is(text: str) -> str:
    """Return the text: what a vocabulary without normalizer does to it."""
    return text
