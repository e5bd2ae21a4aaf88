"""JSON lines of one source, as raw batches.

In:  lines that are not blank, with their ordinals.
Out: one raw batch, a row per line, in order.
Guaranteed: a row is unreadable where its line is no JSON object, is not UTF-8, has no string for a text, or holds a
declared field of another type than declared.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.sources.batches import NAMING, columns_of, raw_batch, raw_schema, text_array
from pipelines.sources.chats import write_all
from pipelines.sources.options import LOSS_SPANS, TEMPLATE_SPANS, SourceOptions
from pipelines.sources.records import Shape, decode_lines, gather, shape_of
from pipelines.sources.streams import Problem
from pipelines.sources.values import column_of, first_present, without_blanks

Values = dict[str, list[Any]]


def is_utf8(data: bytes, begin: int, end: int) -> bool:
    """Tell whether `data[begin:end]` is valid UTF-8, several times faster than by decoding it."""
    offsets = pa.py_buffer(np.array([begin, end], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(data)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def text_shape(source: SourceOptions, paths: Iterable[str]) -> Shape:
    """Return the shape that reads the text, or the messages that it is written from, and the values at `paths`."""
    return shape_of(source.layout.text, paths, str if source.layout.chat is None else Any)


class TextReader:
    """Reads the texts of lines alone.

    Args:
        source: where the text stands.
    """

    def __init__(self, source: SourceOptions) -> None:
        self._layout = source.layout
        self._shape = text_shape(source, [])

    def texts(self, lines: Sequence[memoryview], wanted: npt.NDArray[np.bool_]) -> pa.LargeStringArray:
        """Return the text of each line that is `wanted` and can be read, and "" for the others.

        A text is UTF-8 or no text; whether the whole line is was seen when it was read before, or it is not wanted.
        """
        places = np.flatnonzero(wanted).tolist()
        records, problems = decode_lines(self._shape, [lines[place] for place in places], checked=True)
        found = gather(self._shape, records)[self._layout.text]
        if self._layout.chat is not None:
            found, *_ = write_all(self._layout.chat, found, problems)
        texts = [b""] * len(lines)
        for place, text in zip(places, found, strict=True):
            texts[place] = b"" if text is None else text.encode()
        return text_array(texts)


class RowReader:
    """Reads lines of one file.

    Args:
        source: where the source keeps its values.
        name: path of the file; the ids of some corpora are made of it.
    """

    def __init__(self, source: SourceOptions, name: str) -> None:
        self._schema = raw_schema(source)
        self._layout = source.layout
        self._columns = columns_of(source)
        self._shape = text_shape(source, [path for column in self._columns.values() for path in column.paths])
        self._shard = "/".join(name.split("/")[-3:])

    def batch(self, lines: Sequence[memoryview], ordinals: npt.NDArray[np.uint64], *, checked: bool) -> pa.RecordBatch:
        """Return the raw batch of `lines`; `checked` says that they are known to be UTF-8."""
        records, problems = decode_lines(self._shape, lines, checked=checked)
        values = gather(self._shape, records)
        columns = {name: self._column(name, values, problems) for name in self._columns}
        if self._layout.numbered:
            columns["id"] = pa.array([f"{self._shard}/{ordinal}" for ordinal in ordinals], pa.string())
        found = values[self._layout.text]
        if self._layout.chat is not None:
            found, columns[LOSS_SPANS], columns[TEMPLATE_SPANS] = write_all(self._layout.chat, found, problems)
        text = self._text(found, problems)
        return raw_batch(self._schema, ordinals, problems, text, columns)

    def _column(self, name: str, values: Values, problems: dict[int, Problem]) -> pa.Array:
        column = self._columns[name]
        found = [values[path] for path in column.paths]
        found = [without_blanks(each) for each in found] if name in NAMING else found
        array, wrong = column_of(first_present(found, len(values[self._layout.text])), column.type)
        for row, other in wrong.items():
            problems.setdefault(row, Problem("type", f"{name!r} is {other}"))
        return array

    def _text(self, values: list[str | None], problems: dict[int, Problem]) -> pa.LargeStringArray:
        for row, value in enumerate(values):
            if value is None:
                problems.setdefault(row, Problem("missing", f"no field {self._layout.text!r}"))
        broken = problems.keys()
        return text_array([b"" if row in broken or text is None else text.encode() for row, text in enumerate(values)])
