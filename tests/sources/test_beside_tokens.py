"""What sources say of tokens, in every format that has a place for it."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipelines.sources.formats import SOURCES
from pipelines.sources.options import LOSS_SPANS, REF_LOSS
from tests.sources.helpers import lines, rows_of, source_of

SAID = {"answers": [[0, 2], [3, 4]], "scores": [0.5, None, 3]}
ASKED = {"loss_spans": "answers", "ref_loss": "scores"}
SEEN = ([0, 2, 3, 4], [0.5, None, 3.0])
LINES = [name for name, kind in SOURCES.items() if "lines" in kind.containers]
PARQUET = [name for name, kind in SOURCES.items() if "parquet" in kind.containers]


def text_of(kind: str) -> dict[str, Any]:
    """Return a record of a format with its text alone; a dotted place is an object."""
    return {source_of(kind).layout.text: "abcd"}


def seen(row: dict[str, Any]) -> tuple[list[int], list[float | None]]:
    losses = [None if number != number else float(number) for number in row[REF_LOSS]]  # noqa: PLR0124 - NaN
    return row[LOSS_SPANS], losses


def parquet(record: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([record]), out)
    return out.getvalue()


@pytest.mark.parametrize("kind", LINES)
def test_json_lines_of_any_format_carry_spans_and_losses(kind: str) -> None:
    (row,) = rows_of(source_of(kind, **ASKED), lines({**text_of(kind), **SAID}))
    assert row["problem"] is None
    assert seen(row) == SEEN


@pytest.mark.parametrize("kind", [name for name in LINES if source_of(name).layout.metadata])
def test_they_are_found_in_the_metadata_too(kind: str) -> None:
    metadata = source_of(kind).layout.metadata or ""
    (row,) = rows_of(source_of(kind, **ASKED), lines({**text_of(kind), metadata: SAID}))
    assert seen(row) == SEEN


@pytest.mark.parametrize("kind", PARQUET)
def test_parquet_of_any_format_carries_them(kind: str) -> None:
    (row,) = rows_of(source_of(kind, **ASKED), parquet({**text_of(kind), **SAID}))
    assert row["problem"] is None
    assert seen(row) == SEEN


def test_a_flat_list_in_parquet_is_no_spans() -> None:
    record = pa.table({"text": ["abcd"], "answers": pa.array([[0, 2]], pa.list_(pa.uint32()))})
    out = io.BytesIO()
    pq.write_table(record, out)
    (row,) = rows_of(source_of("parquet", loss_spans="answers"), out.getvalue())
    assert row["problem"] == "type: 'loss:spans' is no list of [start, end]"


def test_a_record_without_them_has_null_and_a_source_that_does_not_ask_has_no_column() -> None:
    (row,) = rows_of(source_of("c4", **ASKED), lines({"text": "abcd"}))
    assert (row[LOSS_SPANS], row[REF_LOSS], row["problem"]) == (None, None, None)
    (plain,) = rows_of(source_of("c4"), lines({"text": "abcd", **SAID}))
    assert {LOSS_SPANS, REF_LOSS}.isdisjoint(plain)


@pytest.mark.parametrize("option", ["loss_spans", "ref_loss"])
def test_plain_text_has_no_place_for_them(option: str) -> None:
    with pytest.raises(
        ValidationError, match=f"{option}: plain text has nothing beside the text; write `format: jsonl`"
    ):
        source_of("text", **{option: "answers"})


def test_they_cannot_lie_inside_the_text() -> None:
    with pytest.raises(ValidationError, match="lies inside the text"):
        source_of("jsonl", ref_loss="text.scores")
