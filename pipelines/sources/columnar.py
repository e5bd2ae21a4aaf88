"""Columns of a companion that is a Parquet file.

In:  an open file, and the names of columns.
Out: the columns of all row groups that can be read, and what is wrong with the file.
Guaranteed: only the file's own OSError is raised; a column that is not there is null.
"""

from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.row_groups import ERRORS, WatchedFile


def read_columns(file: BinaryIO, names: list[str]) -> tuple[pa.RecordBatch, str]:
    """Return the columns, the first one as strings, and a problem in one line, or ""."""
    watched = WatchedFile(file)
    try:
        parquet = pq.ParquetFile(watched, page_checksum_verification=True)
        schema = parquet.schema_arrow
    except ERRORS as error:
        return _batch([pa.nulls(0) for _ in names], names), _problem(watched, error)
    missing = [name for name in names if schema.get_field_index(name) < 0]
    table, problem = _read(watched, parquet, [name for name in names if name not in missing])
    columns = [pa.nulls(len(table)) if name in missing else _whole(table.column(name)) for name in names]
    if missing:
        problem = f"no column {missing[0]!r}"
    if not _is_text(columns[0].type):
        problem, columns[0] = f"{names[0]!r} is {columns[0].type}, not a string", pa.nulls(len(table))
    return _batch(columns, names), problem


def _read(file: WatchedFile, parquet: pq.ParquetFile, names: list[str]) -> tuple[pa.Table, str]:
    """Return the row groups that can be read, and what is wrong with the first other one."""
    tables, problem = [], ""
    for group in range(parquet.num_row_groups):
        try:
            tables.append(parquet.read_row_group(group, names, use_threads=False))
        except ERRORS as error:
            problem = problem or _problem(file, error)
    empty = parquet.schema_arrow.empty_table().select(names)
    return pa.concat_tables([empty, *tables]), problem


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return value in {pa.string(), pa.large_string(), pa.string_view(), pa.null()}


def _batch(columns: list[pa.Array], names: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([columns[0].cast(pa.string()), *columns[1:]], names=names)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _problem(file: WatchedFile, error: Exception) -> str:
    """Return what pyarrow says of a corrupt file, in one line; what the file itself raised is raised again."""
    if file.failure is not None:
        raise file.failure
    return f"parquet: {' '.join(str(error).split())}"
