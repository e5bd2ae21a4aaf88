"""What a batch says of its tokens, beside loops over lists."""

from itertools import accumulate

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import RequestError
from pipelines.loader.batch import IGNORED, Batch, as_models_take, batch_of
from pipelines.mix.shards import shard_schema

PAD = 9999


@st.composite
def rows_of_documents(draw: st.DrawFn) -> tuple[list[list[int]], int, int]:
    """Draw the lengths of the documents of each row, the inputs of a row, and how many more ids are stored."""
    length, more = draw(st.integers(1, 12)), draw(st.sampled_from([0, 1]))
    row = st.lists(st.integers(1, length + more), min_size=1, max_size=6)
    rows = draw(st.lists(row, max_size=5))
    return [_fitting(lengths, length + more) for lengths in rows], length, more


def _fitting(lengths: list[int], width: int) -> list[int]:
    ends = [min(end, width) for end in accumulate(lengths)]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False) if end > begin]


def table_of(rows: list[list[int]], width: int) -> pa.Table:
    """Return rows whose ids count up from 1."""
    ids = [[*range(1, sum(lengths) + 1), *[PAD] * (width - sum(lengths))] for lengths in rows]
    schema = shard_schema(np.uint16)
    columns = {name: [[7] * len(lengths) for lengths in rows] for name in schema.names}
    columns.update(input_ids=ids, doc_lengths=rows)
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema)


def made(rows: list[list[int]], length: int, more: int) -> Batch:
    return batch_of(table_of(rows, length + more), 3, 100, length)


def stretches(lengths: list[int], length: int) -> list[int]:
    """Return the lengths of a row's stretches within its inputs, and of its padding."""
    whole = _fitting(lengths, length)
    return [*whole, length - sum(whole)] if sum(whole) < length else whole


@given(rows_of_documents())
def test_inputs_and_documents_are_those_of_the_rows(drawn: tuple[list[list[int]], int, int]) -> None:
    rows, length, more = drawn
    batch = made(*drawn)
    table = table_of(rows, length + more)
    assert batch.input_ids.tolist() == [ids[:length] for ids in table["input_ids"].to_pylist()]
    assert batch.input_ids.shape == (len(rows), length) == (len(batch), length)
    assert [batch.documents_of(row)["doc_lengths"].tolist() for row in range(len(rows))] == rows
    assert [batch.documents_of(row)["doc_uids"].tolist() for row in range(len(rows))] == table["doc_uids"].to_pylist()
    assert (batch.step, batch.first) == (3, 100)


@given(rows_of_documents())
def test_borders_and_positions_are_those_of_the_stretches(drawn: tuple[list[list[int]], int, int]) -> None:
    rows, length, _ = drawn
    batch, sizes = made(*drawn), [size for row in rows for size in stretches(row, length)]
    assert batch.cu_seqlens.tolist() == [0, *accumulate(sizes)]
    assert batch.cu_seqlens.dtype == np.int32
    assert batch.max_seqlen == max(sizes, default=0)
    assert batch.position_ids.reshape(-1).tolist() == [place for size in sizes for place in range(size)]
    assert batch.position_ids.shape == batch.segment_ids.shape == (len(rows), length)


@given(rows_of_documents())
def test_segments_count_from_one_in_each_row_and_padding_is_zero(drawn: tuple[list[list[int]], int, int]) -> None:
    rows, length, _ = drawn
    expected = []
    for lengths in rows:
        numbered = [number for number, size in enumerate(_fitting(lengths, length), 1) for _ in range(size)]
        expected.append(numbered + [0] * (length - len(numbered)))
    batch = made(*drawn)
    assert batch.segment_ids.tolist() == expected
    assert batch.attention_mask.tolist() == [[number > 0 for number in row] for row in expected]


@given(rows_of_documents())
def test_targets_are_what_follows_and_labels_are_what_stands_there(drawn: tuple[list[list[int]], int, int]) -> None:
    rows, length, _ = drawn
    batch = made(*drawn)
    follows = [[place + 2 if place + 2 <= sum(row) else IGNORED for place in range(length)] for row in rows]
    stands = [[place + 1 if place + 1 <= sum(row) else IGNORED for place in range(length)] for row in rows]
    assert batch.targets.tolist() == follows
    assert batch.labels.tolist() == stands
    assert batch.loss_mask.tolist() == [[target != IGNORED for target in row] for row in follows]


def test_a_small_batch_reads_as_the_docstrings_say() -> None:
    batch = made([[3, 2], [2]], 5, 0)
    assert batch.input_ids.tolist() == [[1, 2, 3, 4, 5], [1, 2, PAD, PAD, PAD]]
    assert batch.targets.tolist() == [[2, 3, 4, 5, -100], [2, -100, -100, -100, -100]]
    assert batch.labels.tolist() == [[1, 2, 3, 4, 5], [1, 2, -100, -100, -100]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 0, 1], [0, 1, 0, 1, 2]]
    assert batch.segment_ids.tolist() == [[1, 1, 1, 2, 2], [1, 1, 0, 0, 0]]
    assert batch.cu_seqlens.tolist() == [0, 3, 5, 7, 10]
    assert batch.max_seqlen == 3


def test_with_next_tokens_every_input_of_a_full_row_has_a_target() -> None:
    batch = made([[3, 3]], 5, 1)
    assert batch.input_ids.tolist() == [[1, 2, 3, 4, 5]]
    assert batch.targets.tolist() == [[2, 3, 4, 5, 6]]
    assert batch.cu_seqlens.tolist() == [0, 3, 5]
    assert made([[5, 1]], 5, 1).cu_seqlens.tolist() == [0, 5]  # the second document is a target, and no input


def test_a_loss_mask_of_the_shard_takes_tokens_out_of_targets_and_labels() -> None:
    mask = pa.array([[0, 0, 1, 1, 1], [1, 0, 1, 1, 1]], pa.list_(pa.uint8()))
    batch = batch_of(table_of([[3, 2], [2]], 5).append_column("loss_mask", mask), 0, 0, 5)
    assert batch.targets.tolist() == [[-100, 3, 4, 5, -100], [-100] * 5]
    assert batch.labels.tolist() == [[-100, -100, 3, 4, 5], [1, -100, -100, -100, -100]]
    assert batch.tokens["loss_mask"].shape == (2, 5)


def test_reference_losses_stand_beside_targets() -> None:
    losses = pa.array([[None, 1.5, 2.5, 3.5, 4.5], [None, 0.5, 9.0, 9.0, 9.0]], pa.list_(pa.float16()))
    table = table_of([[3, 2], [2]], 5).append_column("ref_loss", losses)
    mask = pa.array([[1, 1, 0, 1, 1]] * 2, pa.list_(pa.uint8()))
    for each, second in ((table, 2.5), (table.append_column("loss_mask", mask), np.nan)):
        batch = batch_of(each, 0, 0, 5)
        expected = [[1.5, second, 3.5, 4.5, np.nan], [0.5, *[np.nan] * 4]]
        assert np.array_equal(batch.ref_loss, np.array(expected, np.float32), equal_nan=True)
        assert as_models_take(batch, "ref_loss").dtype == np.float32
    with pytest.raises(RequestError, match="no ref_loss"):
        _ = batch_of(table_of([[5]], 5), 0, 0, 5).ref_loss


def test_long_batches_do_not_mix_rows_up() -> None:
    rng = np.random.default_rng(5)
    rows = [_fitting(rng.integers(1, 90, 20).tolist(), 512) for _ in range(64)]
    batch = made(rows, 512, 0)
    assert batch.cu_seqlens.tolist() == [0, *accumulate(size for row in rows for size in stretches(row, 512))]
    assert batch.input_ids[batch.attention_mask].tolist() == [token for row in rows for token in range(1, sum(row) + 1)]
