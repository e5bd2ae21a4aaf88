"""Per-token columns, from a part of token runs to records."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.c4 import C4
from pipelines.sources.jsonl import JsonLines
from pipelines.tokens.columns import TOKEN_COLUMNS, columns_of, record_type, token_records
from pipelines.tokens.runs import RUNS_SCHEMA, run_table, runs_schema
from tests.tokens.made_runs import runs_from

DOCUMENTS = st.lists(st.lists(st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 1)), max_size=5), max_size=6)


def table(documents: list[list[tuple[int, int]]], dtype: str, *, masked: bool) -> pa.Table:
    runs = runs_from([[token for token, _ in run] for run in documents], dtype)
    mask = np.array([counts for run in documents for _, counts in run], np.uint8)
    rows = np.arange(len(documents), dtype=np.uint32)
    return run_table(rows, runs, {"loss_mask": mask} if masked else None)


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
@given(DOCUMENTS, st.booleans())
def test_each_token_of_a_record_has_its_id_and_its_column(
    dtype: str,
    documents: list[list[tuple[int, int]]],
    masked: bool,
) -> None:
    kind = record_type(dtype, ["loss_mask"])
    assert kind.itemsize == np.dtype(dtype).itemsize + 1
    records = token_records(table(documents, dtype, masked=masked), dtype, ["loss_mask"])
    found = [[(int(id_), int(counts)) for id_, counts in np.frombuffer(run, kind)] for run in records.to_pylist()]
    assert found == [[(token, counts if masked else 1) for token, counts in run] for run in documents]


@given(DOCUMENTS)
def test_without_columns_records_are_the_stored_ids(documents: list[list[tuple[int, int]]]) -> None:
    held = table(documents, "uint16", masked=False)
    assert held.schema == RUNS_SCHEMA == runs_schema()
    assert token_records(held, "uint16", []).equals(held.column("tokens").combine_chunks())
    assert record_type("uint16", []) == np.dtype("<u2")


def test_a_build_has_a_loss_mask_where_a_source_has_spans_that_count() -> None:
    plain, spans = JsonLines(path="a"), JsonLines(path="a", loss_spans="loss")
    assert columns_of([plain, C4(path="a")]) == ()
    assert columns_of([plain, spans]) == ("loss_mask",)


def test_a_build_has_reference_losses_where_a_source_has_them() -> None:
    both = JsonLines(path="a", ref_loss="scores", loss_spans="loss")
    assert columns_of([JsonLines(path="a", ref_loss="scores")]) == ("ref_loss",)
    assert columns_of([C4(path="a"), both]) == tuple(TOKEN_COLUMNS) == ("loss_mask", "ref_loss")


def test_tokens_of_a_source_without_reference_losses_have_nan() -> None:
    held = table([[(7, 1), (8, 0)]], "uint16", masked=True)
    names = ["loss_mask", "ref_loss"]
    records = token_records(held, "uint16", names).to_pylist()
    (run,) = (np.frombuffer(each, record_type("uint16", names)) for each in records)
    assert run["loss_mask"].tolist() == [1, 0]
    assert np.isnan(run["ref_loss"]).all()
