import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tokens.runs import RUNS_SCHEMA, run_table, runs_of
from tests.tokens.made_runs import runs_from

DTYPES = {"uint16": 2**16 - 1, "uint32": 2**32 - 1}


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_runs_come_back_from_a_table_a_slice_and_a_file(dtype: str, data: st.DataObject) -> None:
    documents = data.draw(st.lists(st.lists(st.integers(0, DTYPES[dtype]))))
    table = run_table(np.arange(len(documents), dtype=np.uint32), runs_from(documents, dtype))
    assert table.schema == RUNS_SCHEMA
    assert table["length"].to_pylist() == list(map(len, documents))
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2)
    first = data.draw(st.integers(0, len(documents)))
    for column in (table.column("tokens"), pq.read_table(sink).column("tokens")):
        back = runs_of(column.slice(first), dtype)
        assert back.ids.dtype == np.dtype(dtype)
        assert [back[document].tolist() for document in range(len(back))] == documents[first:]


def test_ids_are_stored_little_endian_and_nothing_else() -> None:
    table = run_table(np.array([7], np.uint32), runs_from([[1, 258]], "uint16"))
    assert table.to_pylist() == [{"row": 7, "length": 2, "tokens": b"\x01\x00\x02\x01"}]


def test_lengths_and_number_of_documents_follow_the_offsets() -> None:
    runs = runs_from([[1, 2], [], [3]], "uint32")
    assert len(runs) == 3
    assert runs.lengths.tolist() == [2, 0, 1]


def test_no_documents_are_an_empty_table() -> None:
    table = run_table(np.empty(0, np.uint32), runs_from([], "uint16"))
    assert len(runs_of(table.column("tokens"), "uint16")) == 0
    assert len(runs_of(pa.chunked_array([], pa.large_binary()), "uint16")) == 0
