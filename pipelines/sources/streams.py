"""Files as streams of bytes, decompressed, with what is wrong with them as a value.

In:  an open binary file.
Out: chunks of its (decompressed) bytes in order; where the stream is broken, a `Problem` comes last.
Guaranteed: compression is told by the first bytes, never by the name; the chunks hold all that could be decompressed
before the problem; memory is bounded however well the file compresses; only the file's own OSError is raised.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import zstandard
from isal import igzip_lib

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
READ_BYTES = 1 << 20
GZIP_OUTPUT_BYTES = 1 << 15
"""What a step gives at most, and so what is lost before the place where a file is corrupt."""

ZSTD_INPUT_BYTES = 1 << 12
"""A zstd block takes 4 bytes or more and gives at most 128 KiB, so a piece of input never gives more than 128 MiB."""

ZSTD_WINDOW_BYTES = 1 << 31

MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    *((bytes([0x50 + number]) + b"\x2a\x4d\x18", "zstd") for number in range(16)),  # skippable frames, as pzstd writes
    (b"PAR1", "parquet"),
    *((b"BZh%d1AY&SY" % level, "bzip2") for level in range(1, 10)),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
)
"""First bytes of a file -> what it is; anything else is "plain"."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file or a record: one line, kind and detail."""

    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


class Member(Protocol):
    """A decompressor of one gzip member or zstd frame."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes:
        """Return what `data` decompresses to."""


@dataclass(frozen=True)
class Codec:
    """A compression: how a member is opened and fed, and what may stand between members."""

    name: str
    open: Callable[[], Member]
    feed: Callable[[Member, bytes], Iterator[bytes]]
    input_bytes: int
    padding: bytes
    error: type[Exception]


class _Input:
    """A file read in large pieces and handed out in small ones; what was not needed can be given back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held = b""
        self._next = 0
        self.position = 0

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, or fewer at the end of the file, without taking them."""
        while len(self._held) - self._next < size and (more := self._file.read(READ_BYTES)):
            self._held, self._next = self._held[self._next :] + more, 0
        return self._held[self._next : self._next + size]

    def take(self, size: int) -> bytes:
        """Return between 1 and `size` bytes, or none at the end of the file."""
        piece = self.peek(1) and self._held[self._next : self._next + size]
        self._move(len(piece))
        return piece

    def give_back(self, size: int) -> None:
        """Undo the last `size` bytes of the last `take`."""
        self._move(-size)

    def _move(self, size: int) -> None:
        self._next += size
        self.position += size


def told(file: BinaryIO) -> str:
    """Return what the file is by its first bytes: "gzip", "zstd", "parquet", another name in `MAGICS`, or "plain"."""
    file.seek(0)
    head = file.read(16)
    return next((name for magic, name in MAGICS if head.startswith(magic)), "plain")


def chunks(file: BinaryIO, kind: str) -> Iterator[bytes | Problem]:
    """Yield the whole file's bytes, decompressed where `kind`, as `told`, is a compression we read."""
    file.seek(0)
    if kind == "plain":
        while chunk := file.read(READ_BYTES):
            yield chunk
    elif kind in CODECS:
        yield from _members(_Input(file), CODECS[kind])
    else:
        yield Problem("format", f"the file is {kind}, which is not read here")


def _members(source: _Input, codec: Codec) -> Iterator[bytes | Problem]:
    while magic := source.peek(4):
        if magic[:1] == codec.padding:
            _skip_padding(source, codec.padding)
        elif not any(start.startswith(magic[: len(start)]) for start, name in MAGICS if name == codec.name):
            yield Problem(codec.name, f"garbage after the last member, at byte {source.position}")
            return
        else:
            for chunk in _member(source, codec):
                yield chunk
                if isinstance(chunk, Problem):
                    return


def _member(source: _Input, codec: Codec) -> Iterator[bytes | Problem]:
    member = codec.open()
    while not member.eof:
        start = source.position
        piece = source.take(codec.input_bytes)
        if not piece:
            yield Problem(codec.name, f"truncated after {start} bytes")
            return
        try:
            yield from codec.feed(member, piece)
        except codec.error as error:
            yield Problem(codec.name, f"corrupt after byte {start} ({error})")
            return
    source.give_back(len(member.unused_data))


def _skip_padding(source: _Input, padding: bytes) -> None:
    piece = source.take(READ_BYTES)
    source.give_back(len(piece.lstrip(padding)))


def _feed_gzip(member: Member, data: bytes) -> Iterator[bytes]:
    decompressor = cast("igzip_lib.IgzipDecompressor", member)
    yield decompressor.decompress(data, GZIP_OUTPUT_BYTES)
    while not decompressor.eof and not decompressor.needs_input:
        yield decompressor.decompress(b"", GZIP_OUTPUT_BYTES)


def _feed_zstd(member: Member, data: bytes) -> Iterator[bytes]:
    yield member.decompress(data)


def _open_gzip() -> Member:
    return cast("Member", igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP))


def _open_zstd() -> Member:
    return cast("Member", zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES).decompressobj())


_GZIP_ERROR = cast("type[Exception]", igzip_lib.IsalError)
CODECS = {
    "gzip": Codec("gzip", _open_gzip, _feed_gzip, READ_BYTES, b"\0", _GZIP_ERROR),
    "zstd": Codec("zstd", _open_zstd, _feed_zstd, ZSTD_INPUT_BYTES, b"", zstandard.ZstdError),
}
"""The compressions we read."""
