"""Streams of bytes cut into blocks of whole lines.

In:  chunks of a stream, or a byte range of a plain file.
Out: blocks: as many whole lines as fit into `BLOCK_BYTES`, at least one; a line longer than that is a block alone.
Guaranteed: the cuts depend on the bytes alone, not on how they arrive; a range owns the lines that begin in it, so
the ranges of a file together give each line once. A long line is searched and copied once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pipelines.sources.streams import READ_BYTES, Problem

BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class Block:
    """Whole lines: `data[begin:end]`, with newlines; only the last line of a stream may lack its own.

    Args:
        data: bytes that hold the block, not copied out of what was read.
        begin: where the block begins in `data`.
        end: where it ends.
        start: position of its first byte in the (decompressed) stream.
    """

    data: bytes
    begin: int
    end: int
    start: int


def line_blocks(chunks: Iterable[bytes | Problem], start: int = 0) -> Iterator[Block | Problem]:
    """Cut a stream that begins at byte `start` into blocks; a line that a problem breaks off belongs to the problem."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        if isinstance(chunk, Problem):
            yield from _blocks(_whole_lines(b"".join(held)), start, final=True)
            yield chunk
            return
        held.append(chunk)
        before, size = size, size + len(chunk)
        if _is_due(before, chunk):
            data, done = b"".join(held), 0
            for block in _blocks(data, start, final=False):
                yield block
                done = block.end
            held, size, start = [data[done:]], size - done, start + done
    yield from _blocks(b"".join(held), start, final=True)


def _is_due(before: int, chunk: bytes) -> bool:
    """Tell whether a block can be cut; the bytes before the last chunk either are too few or have no newline."""
    return before + len(chunk) >= BLOCK_BYTES and (before < BLOCK_BYTES or b"\n" in chunk)


def _whole_lines(data: bytes) -> bytes:
    return data[: data.rfind(b"\n") + 1]


def _blocks(data: bytes, start: int, *, final: bool) -> Iterator[Block]:
    """Yield the blocks of `data`, without the last one unless it is `final`."""
    begin = 0
    while (end := _block_end(data, begin, final=final)) > begin:
        yield Block(data, begin, end, start + begin)
        begin = end


def _block_end(data: bytes, begin: int, *, final: bool) -> int:
    """Return where the block that begins at `begin` ends, or 0 where that cannot be told yet."""
    full = begin + BLOCK_BYTES
    if len(data) < full:
        return len(data) if final else 0
    found = data.rfind(b"\n", begin, full) + 1 or data.find(b"\n", full) + 1
    return found or (len(data) if final else 0)


def range_blocks(file: BinaryIO, start: int, end: int) -> Iterator[Block]:
    """Yield the lines of a plain file that begin in the byte range [start, end); `end` -1 is the end of the file."""
    first = _line_start(file, start, end)
    if first < 0:
        return
    last = -1 if end < 0 else _line_start(file, end, -1)
    for block in line_blocks(_range_chunks(file, first, last), first):
        if isinstance(block, Block):
            yield block


def _line_start(file: BinaryIO, at: int, before: int) -> int:
    """Return where the first line at or after byte `at` begins, or -1 if there is none (before byte `before`)."""
    if at == 0:
        return 0
    file.seek(at - 1)
    position = at - 1
    while chunk := file.read(READ_BYTES):
        found = chunk.find(b"\n")
        if found >= 0:
            line = position + found + 1
            return line if before < 0 or line < before else -1
        position += len(chunk)
        if 0 <= before <= position:
            break
    return -1


def _range_chunks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    position = start
    while chunk := file.read(READ_BYTES if end < 0 else min(READ_BYTES, end - position)):
        position += len(chunk)
        yield chunk
