"""Long and hostile documents: the cost of a filter must grow with a text's length, and with nothing else.

In:  real text to make long documents of.
Out: documents of 1, 10 and 100 MB, and texts that break what is quadratic somewhere; UTF-8.
"""

from collections.abc import Callable, Iterator

MEGABYTE = 1_000_000

HOSTILE: dict[str, Callable[[int], bytes]] = {
    "a million newlines": lambda scale: b"\n" * (MEGABYTE // scale),
    "one word of 50 MB": lambda scale: b"x" * (50 * MEGABYTE // scale),
    "50 MB of digits": lambda scale: b"0123456789" * (5 * MEGABYTE // scale),
    "50 MB of combining marks": lambda scale: "\u0301".encode() * (25 * MEGABYTE // scale),
    "50 MB of one word again and again": lambda scale: b"word " * (10 * MEGABYTE // scale),
}
"""Name -> a text, its length divided by a scale for tests."""


def long_texts(real: bytes, scale: int = 1) -> Iterator[tuple[str, bytes]]:
    """Yield (name, document): real text of 1, 10 and 100 MB, the last also as one line and as repetition; the hostile.

    Args:
        real: real text; where it is too short it comes again and again.
        scale: divides all lengths.
    """
    for megabytes in (1, 10, 100):
        yield f"a document of {megabytes} MB", cut(real, megabytes * MEGABYTE // scale)
    yield "one line of 100 MB", cut(real, 100 * MEGABYTE // scale).replace(b"\n", b" ")
    yield "100 MB: the same 1 MB a hundred times", cut(cut(real, MEGABYTE // scale), 100 * MEGABYTE // scale)
    for name, make in HOSTILE.items():
        yield name, make(scale)


def cut(text: bytes, size: int) -> bytes:
    """Return the first `size` bytes of a text that is repeated, without half a character at the end."""
    return (text * (size // max(len(text), 1) + 1))[:size].decode(errors="ignore").encode()
