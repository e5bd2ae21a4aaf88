"""How a file of a source is cut into splits, and how a split is read.

In:  a source as the manifest says it, an open file, and its path.
Out: the ranges that one task each can read; of a range, raw batches (see `batches.raw_schema`).
Guaranteed: what a file is, is told by its content, never by its name. The ranges of a file together give each of its
records once, in order. What is wrong with a file or a record is a row with a `problem`; only the file's own OSError is
raised.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.sources.batches import raw_schema, unreadable
from pipelines.sources.documents import read_documents
from pipelines.sources.lines import read_line_texts, read_lines, read_stream
from pipelines.sources.options import SourceOptions
from pipelines.sources.row_groups import read_row_groups, row_group_extents
from pipelines.sources.streams import Problem, told
from pipelines.sources.text import Text

WHOLE = (0, -1)


def extents(source: SourceOptions, file: BinaryIO, size: int, name: str, split_bytes: int) -> list[tuple[int, int]]:  # noqa: ARG001 - `name` is part of the contract
    """Return the splits of a file.

    Args:
        source: the manifest's entry.
        file: the file, open for reading.
        size: its size in bytes.
        name: its path.
        split_bytes: what a split should hold at most: bytes of a plain file, uncompressed bytes of row groups.

    Returns:
        Byte ranges of plain lines, ranges of row groups of Parquet; `[(0, -1)]`, the whole, for what is compressed,
        plain text, empty, or unreadable from the start.
    """
    kind = told(file)
    if kind == "parquet" and "parquet" in source.containers:
        return row_group_extents(source, file, split_bytes)
    if kind == "plain" and "lines" in source.containers and size > 0:
        return [(start, min(start + split_bytes, size)) for start in range(0, size, split_bytes)]
    return [WHOLE]


def read(source: SourceOptions, file: BinaryIO, start: int, end: int, name: str) -> Iterator[pa.RecordBatch]:
    """Yield the raw batches of one split.

    Args:
        source: the manifest's entry.
        file: the file, open for reading.
        start: first byte or row group, as `extents` gave it.
        end: end of the range, exclusive; -1 is the end of the file.
        name: path of the file below the source's folder; its last three parts are in RedPajama v2's ids.
    """
    kind = told(file)
    if isinstance(source, Text):
        yield from read_documents(source, file, kind)
    elif kind == "parquet" and "parquet" in source.containers:
        yield from read_row_groups(source, file, start, end)
    elif "lines" not in source.containers:
        yield unreadable(raw_schema(source), 0, Problem("parquet", f"the file is {kind}, not Parquet"))
    elif kind == "plain":
        yield from read_lines(source, file, start, end, name)
    else:
        yield from read_stream(source, file, kind, name)


def read_texts(
    source: SourceOptions, file: BinaryIO, extent: tuple[int, int], name: str, wanted: npt.NDArray[np.bool_]
) -> Iterator[pa.LargeStringArray]:
    """Yield the texts of one split again, in the order of its records; what is not needed is not decoded.

    Args:
        source: the manifest's entry.
        file: the file, open for reading.
        extent: start and end of the split, as `read` takes them.
        name: path of the file below the source's folder.
        wanted: bool, one per record. The text of a record that is not wanted may be "".
    """
    kind = told(file)
    if kind != "parquet" and "lines" in source.containers:
        yield from read_line_texts(source, file, kind, extent, wanted)
    else:
        for batch in read(source, file, *extent, name):
            yield batch.column("text")
