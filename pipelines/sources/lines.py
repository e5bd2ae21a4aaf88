r"""JSON lines: what all line corpora share.

In:  an open file of JSON lines, plain, gzip or zstd, and the byte range to read (plain) or the whole.
Out: raw batches. The ordinal is the byte at which a line begins (plain) or the number of the record (compressed).
Guaranteed: each line that is not blank is one record, readable or not, whatever stands in the others; "\r\n" ends a
line too, and a byte order mark at the beginning of the file is no part of it.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.sources.batches import raw_schema, unreadable
from pipelines.sources.blocks import Block, line_blocks, range_blocks
from pipelines.sources.options import SourceOptions
from pipelines.sources.rows import RowReader, TextReader, is_utf8
from pipelines.sources.streams import BYTE_ORDER_MARK, Problem, chunks

BLANK = b" \t\r\n"


def read_lines(source: SourceOptions, file: BinaryIO, start: int, end: int, name: str) -> Iterator[pa.RecordBatch]:
    """Yield the records of plain JSON lines that begin in the byte range [start, end); `end` -1 is the file's end."""
    reader = RowReader(source, name)
    for block in range_blocks(file, start, end):
        lines, starts = _lines_of(block)
        if lines:
            yield reader.batch(lines, starts, checked=is_utf8(block.data, block.begin, block.end))


def read_stream(source: SourceOptions, file: BinaryIO, kind: str, name: str) -> Iterator[pa.RecordBatch]:
    """Yield the records of a whole file of JSON lines whose compression is `kind`, as `streams.told` says."""
    reader = RowReader(source, name)
    count = 0
    for block in line_blocks(chunks(file, kind)):
        if isinstance(block, Problem):
            yield unreadable(raw_schema(source), count, block)
            return
        lines, _ = _lines_of(block)
        if lines:
            ordinals = np.arange(count, count + len(lines), dtype=np.uint64)
            yield reader.batch(lines, ordinals, checked=is_utf8(block.data, block.begin, block.end))
        count += len(lines)


def read_line_texts(
    source: SourceOptions, file: BinaryIO, kind: str, extent: tuple[int, int], wanted: npt.NDArray[np.bool_]
) -> Iterator[pa.LargeStringArray]:
    """Yield the texts of the records that `read_lines` or `read_stream` give; only lines that are `wanted` are decoded.

    Args:
        source: where the text stands.
        file: plain or compressed lines.
        kind: which, as `streams.told` says.
        extent: start and end of the split.
        wanted: bool, one per record; the text of others is "", and so is that of a record that cannot be read.
    """
    reader = TextReader(source)
    first = 0
    for block in range_blocks(file, *extent) if kind == "plain" else line_blocks(chunks(file, kind)):
        if isinstance(block, Problem):
            yield pa.array([""], pa.large_string())
            return
        lines, _ = _lines_of(block)
        chosen = wanted[first : first + len(lines)]
        if lines:
            yield reader.texts(lines, chosen)
        first += len(lines)


def _lines_of(block: Block) -> tuple[list[memoryview], npt.NDArray[np.uint64]]:
    """Return the lines of a block that are not blank, uncopied, and the byte at which each begins."""
    view, data = memoryview(block.data), block.data
    marked = block.start == 0 and data.startswith(BYTE_ORDER_MARK, block.begin)
    lines, starts = [], []
    begin = block.begin
    while begin < block.end:
        end = data.find(b"\n", begin, block.end)
        end = end if end >= 0 else block.end
        first = begin + len(BYTE_ORDER_MARK) if marked and begin == block.begin else begin
        if not _is_blank(data, first, end):
            lines.append(view[first:end])
            starts.append(block.start + begin - block.begin)
        begin = end + 1
    return lines, np.array(starts, np.uint64)


def _is_blank(data: bytes, begin: int, end: int) -> bool:
    return begin == end or (data[begin] in BLANK and not data[begin:end].strip(BLANK))
