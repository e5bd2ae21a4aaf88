"""Plain text files as documents.

In:  an open file of UTF-8 text, plain, gzip or zstd.
Out: raw batches: the file is one document, or one for each piece between separators; ordinals count from 0.
Guaranteed: a piece of white space alone is no record; newlines next to a separator belong to neither document; a piece
that is not UTF-8 is unreadable, and so is the one in which the file breaks off.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from pipelines.sources.batches import BATCH_BYTES, ROW_BYTES, raw_batch, raw_schema, text_array
from pipelines.sources.records import invalid_utf8
from pipelines.sources.streams import BYTE_ORDER_MARK, Problem, chunks
from pipelines.sources.text import Text


def read_documents(source: Text, file: BinaryIO, kind: str) -> Iterator[pa.RecordBatch]:
    """Yield the documents of a text file whose compression is `kind`, as `streams.told` says."""
    count = 0
    for pieces in _groups(_documents(chunks(file, kind), source.separator)):
        yield _batch(raw_schema(source), count, pieces)
        count += len(pieces)


def _documents(stream: Iterable[bytes | Problem], separator: str | None) -> Iterator[bytes | Problem]:
    """Yield the pieces that are documents, without the newlines next to separators."""
    around = b"" if separator is None else b"\r\n"
    pieces = _whole(stream) if separator is None else _pieces(stream, separator.encode())
    for number, piece in enumerate(pieces):
        if isinstance(piece, Problem):
            yield piece
            continue
        text = (piece if number else piece.removeprefix(BYTE_ORDER_MARK)).strip(around)
        if text and not text.isspace():
            yield text


def _whole(stream: Iterable[bytes | Problem]) -> Iterator[bytes | Problem]:
    """Yield all of a stream as one piece, or the problem that broke it."""
    held = list(stream)
    broken = [chunk for chunk in held if isinstance(chunk, Problem)]
    yield broken[0] if broken else b"".join(chunk for chunk in held if isinstance(chunk, bytes))


def _pieces(stream: Iterable[bytes | Problem], separator: bytes) -> Iterator[bytes | Problem]:
    """Yield what stands between separators, and last the problem that broke the stream, if any."""
    held = bytearray()
    for chunk in stream:
        if isinstance(chunk, Problem):
            yield chunk
            return
        searched = max(0, len(held) - len(separator) + 1)
        held += chunk
        while (found := held.find(separator, searched)) >= 0:
            yield bytes(held[:found])
            del held[: found + len(separator)]
            searched = 0
    yield bytes(held)


def _groups(pieces: Iterable[bytes | Problem]) -> Iterator[list[bytes | Problem]]:
    """Yield as many pieces as fit into a batch, at least one."""
    held: list[bytes | Problem] = []
    size = 0
    for piece in pieces:
        more = ROW_BYTES + (0 if isinstance(piece, Problem) else len(piece))
        if held and size + more > BATCH_BYTES:
            yield held
            held, size = [], 0
        held.append(piece)
        size += more
    if held:
        yield held


def _batch(schema: pa.Schema, first: int, pieces: Sequence[bytes | Problem]) -> pa.RecordBatch:
    found = {row: piece if isinstance(piece, Problem) else invalid_utf8(piece) for row, piece in enumerate(pieces)}
    problems = {row: problem for row, problem in found.items() if problem is not None}
    texts = [b"" if row in problems or isinstance(piece, Problem) else piece for row, piece in enumerate(pieces)]
    ordinals = np.arange(first, first + len(pieces), dtype=np.uint64)
    return raw_batch(schema, ordinals, problems, text_array(texts), {})
