"""Columns of a companion that is a Parquet file, row group by row group.

In:  an open file, and the names of columns, the first of which holds ids.
Out: a batch for each row group that can be read, and what is wrong with the others.
Guaranteed: only the file's own OSError is raised; a column that is not there is null, and without ids there is nothing.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.row_groups import ERRORS, WatchedFile
from pipelines.sources.streams import Problem


def column_groups(file: BinaryIO, names: Sequence[str]) -> Iterator[pa.RecordBatch | Problem]:
    """Yield the columns of each row group, the ids as strings, or the problem of one that cannot be read."""
    watched = WatchedFile(file)
    try:
        parquet = pq.ParquetFile(watched, page_checksum_verification=True)
        kinds = {field.name: field.type for field in parquet.schema_arrow}
    except ERRORS as error:
        yield _problem(watched, error)
        return
    yield from (Problem("parquet", f"no column {name!r}") for name in names if name not in kinds)
    if names[0] not in kinds or not _is_text(kinds[names[0]]):
        yield Problem("parquet", f"the ids, {names[0]!r}, are no strings")
        return
    for group in range(parquet.num_row_groups):
        try:
            table = parquet.read_row_group(group, [name for name in names if name in kinds], use_threads=False)
        except ERRORS as error:
            yield _problem(watched, error)
        else:
            yield _batch(table, names)


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return value in {pa.string(), pa.large_string(), pa.string_view()}


def _batch(table: pa.Table, names: Sequence[str]) -> pa.RecordBatch:
    given = {name: table.column(name).combine_chunks() for name in table.column_names}
    columns = [given.get(name, pa.nulls(len(table))) for name in names]
    return pa.RecordBatch.from_arrays([columns[0].cast(pa.string()), *columns[1:]], names=list(names))


def _problem(file: WatchedFile, error: Exception) -> Problem:
    """Return what pyarrow says of a corrupt file, in one line; what the file itself raised is raised again."""
    if file.failure is not None:
        raise file.failure
    return Problem("parquet", " ".join(str(error).split()))
