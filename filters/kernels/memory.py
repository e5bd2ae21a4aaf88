"""Memory of workers: what one batch has freed is kept for the next.

In:  nothing.
Out: a setting of this process, where the C library is glibc; elsewhere nothing changes.
Guaranteed: at most `KEPT` bytes that are free stay with the process.

Every batch makes arrays of the same sizes. glibc hands large ones back to the system at once and asks for them anew,
page by page, which takes nearly as long as the scan that fills them (measured: words at 135 MB/s, 240 with this).
"""

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of the settings in glibc's malloc.h."""

KEPT = 512 * 1024 * 1024
LARGEST = 32 * 1024 * 1024
"""Arrays of more bytes than this are still handed back at once; glibc allows no more."""


def keep_freed_memory() -> None:
    """Keep freed memory in this process."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, KEPT)
        mallopt(MMAP_THRESHOLD, LARGEST)
