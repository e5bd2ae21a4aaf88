"""Sizes of hash tables."""

from filters.kernels.compiled import kernel


@kernel
def power_above(least: int) -> int:
    """Return the least power of 2 that is at least `least` and at least 16."""
    size = 16
    while size < least:
        size *= 2
    return size
