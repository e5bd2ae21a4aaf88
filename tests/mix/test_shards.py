import io
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mix import shards
from pipelines.mix.contents import Contents
from pipelines.mix.packed import Counts
from pipelines.mix.shards import Origin, Packing, plan_shard, shard_info, shard_tables, write_shard
from pipelines.mixture import Method

ORIGIN = Origin("a" * 32, "b" * 32, 17, "web", ("dolma", "pile"), ("code", "everything"))
METHODS: tuple[Method, ...] = get_args(Method)


def _contents(lengths: list[int], dtype: type[np.unsignedinteger] = np.uint16) -> Contents:
    """Fragments whose ids count up from 0, so that an id names its own place (modulo the dtype's range)."""
    count, numbers = len(lengths), np.arange(len(lengths), dtype=np.uint64)
    return Contents(
        t=numbers,
        pool=(numbers % 2).astype(np.uint16),
        uid=numbers + np.uint64(2**63),
        piece=np.zeros(count, np.uint32),
        epoch=np.full(count, 254, np.int64),
        start=np.arange(count) * 1000,
        address=numbers << np.uint64(32),
        source=(numbers % 2).astype(np.uint16),
        length=np.array(lengths, np.int64),
        ids=np.arange(sum(lengths), dtype=np.int64).astype(dtype),
    )


def _written(contents: Contents, packing: Packing) -> tuple[bytes, Counts]:
    out = io.BytesIO()
    counts = write_shard(out, contents, packing, ORIGIN)
    return out.getvalue(), counts


def _table(contents: Contents, packing: Packing) -> pa.Table:
    return pq.read_table(io.BytesIO(_written(contents, packing)[0]))


def test_a_small_shard_reads_as_it_was_specified() -> None:
    table = _table(_contents([3, 4, 2]), Packing("concat", 4, 99))
    assert table.to_pydict() == {
        "input_ids": [[0, 1, 2, 3], [4, 5, 6, 7], [8, 99, 99, 99]],
        "doc_lengths": [[3, 1], [3, 1], [1]],
        "doc_uids": [[2**63, 2**63 + 1], [2**63 + 1, 2**63 + 2], [2**63 + 2]],
        "doc_addresses": [[0, 1 << 32], [1 << 32, 2 << 32], [2 << 32]],
        "doc_starts": [[0, 1000], [1001, 2000], [2001]],
        "doc_epochs": [[254, 254], [254, 254], [254]],
        "source_ids": [[0, 1], [1, 0], [0]],
        "doc_pools": [[0, 1], [1, 0], [0]],
    }


def test_pad_truncate_cuts_pads_and_counts() -> None:
    contents, packing = _contents([3, 6, 4]), Packing("pad_truncate", 4, 99)
    table = _table(contents, packing)
    assert table["input_ids"].to_pylist() == [[0, 1, 2, 99], [3, 4, 5, 6], [9, 10, 11, 12]]
    assert table["doc_lengths"].to_pylist() == [[3], [4], [4]]
    assert _written(contents, packing)[1] == Counts(sequences=3, real=11, padded=1, lost=2)


@pytest.mark.parametrize(("dtype", "stored"), [(np.uint16, pa.uint16()), (np.uint32, pa.uint32())])
def test_column_types_are_the_format(dtype: type[np.unsignedinteger], stored: pa.DataType) -> None:
    schema = _table(_contents([3], dtype), Packing("concat", 4, 0)).schema
    types = [stored, pa.int32(), pa.uint64(), pa.uint64(), pa.uint32(), pa.uint8(), pa.uint16(), pa.uint16()]
    assert [field.type.value_type for field in schema] == types
    assert not any(field.nullable or field.type.value_field.nullable for field in schema)


@given(
    lengths=st.lists(st.integers(0, 50), max_size=30),
    width=st.integers(1, 20),
    method=st.sampled_from(METHODS),
    more=st.booleans(),
    group=st.sampled_from([1, 7, 64, 1 << 22]),
)
def test_rows_hold_the_tokens_they_name_then_padding(
    lengths: list[int], width: int, method: Method, more: bool, group: int
) -> None:
    contents, packing = _contents(lengths, np.uint32), Packing(method, width, 2**32 - 1, more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "ROW_GROUP_TOKENS", group)
        rows = [
            row for table in shard_tables(contents, packing, plan_shard(contents, packing)) for row in table.to_pylist()
        ]
    starts = np.cumsum([0, *lengths])
    for row in rows:
        named = [
            starts[address >> 32] + start - 1000 * (address >> 32) + token
            for address, start, length in zip(row["doc_addresses"], row["doc_starts"], row["doc_lengths"], strict=True)
            for token in range(length)
        ]
        assert row["input_ids"] == named + [2**32 - 1] * (width + more - len(named))


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 20), st.sampled_from(METHODS), st.booleans())
def test_the_books_of_a_shard_balance(lengths: list[int], width: int, method: Method, more: bool) -> None:
    contents, packing = _contents(lengths), Packing(method, width, 0, more)
    written, counts = _written(contents, packing)
    table = pq.read_table(io.BytesIO(written))
    held = sum(sum(row) for row in table["doc_lengths"].to_pylist())
    assert counts.real + counts.lost == sum(lengths)
    assert counts.real + counts.repeated == held
    assert held + counts.padded == len(table["input_ids"].combine_chunks().values) == counts.sequences * (width + more)
    assert counts.lost == 0 or method == "pad_truncate"
    assert counts.repeated == 0 or more


def test_rows_with_their_next_token_overlap_by_it() -> None:
    concat = _table(_contents([3, 4, 2]), Packing("concat", 4, 99, next_token=True))
    assert concat["input_ids"].to_pylist() == [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8]]
    assert concat["doc_lengths"].to_pylist() == [[3, 2], [3, 2]]
    best_fit = _table(_contents([3, 7, 2]), Packing("best_fit", 4, 99, next_token=True))
    assert sorted(best_fit["input_ids"].to_pylist()) == [[0, 1, 2, 99, 99], [3, 4, 5, 6, 7], [7, 8, 9, 10, 11]]
    alone = _table(_contents([3, 6]), Packing("pad_truncate", 4, 99, next_token=True))
    assert alone["input_ids"].to_pylist() == [[0, 1, 2, 99, 99], [3, 4, 5, 6, 7]]


@given(st.lists(st.integers(1, 50), max_size=20), st.integers(1, 20))
def test_pad_truncate_with_the_next_token_is_how_openelm_reads_documents(lengths: list[int], width: int) -> None:
    """corenet's `general_lm.py`: a sample of `width` + 1 ids, all padding, into which a document's first ids go."""
    contents = _contents(lengths)
    samples = np.full((len(lengths), width + 1), 60_000)
    for sample, ids in zip(samples, np.split(contents.ids, np.cumsum(lengths)[:-1]), strict=False):
        kept = min(len(ids), width + 1)
        sample[:kept] = ids[:kept]
    packing = Packing("pad_truncate", width, 60_000, next_token=True)
    assert _table(contents, packing)["input_ids"].to_pylist() == samples.tolist()
    assert _written(contents, packing)[1].lost == sum(max(length - width - 1, 0) for length in lengths)


def test_metadata_says_where_the_shard_comes_from() -> None:
    packing = Packing("pad_truncate", 4, 99)
    written, counts = _written(_contents([3, 6]), packing)
    info = shard_info(pq.read_schema(io.BytesIO(written)))
    assert (info.origin, info.packing, info.counts) == (ORIGIN, packing, counts)


def test_metadata_says_next_token_and_what_is_repeated_where_rows_overlap() -> None:
    packing = Packing("concat", 2, 99, next_token=True)
    written, _ = _written(_contents([5]), packing)
    metadata = pq.read_schema(io.BytesIO(written)).metadata[b"gristmill"]
    assert b'"packing":{"method":"concat","next_token":true,"pad_id":99,"sequence_length":2}' in metadata
    assert b'"counts":{"lost":0,"padded":0,"real":5,"repeated":1,"sequences":2}' in metadata


def test_metadata_is_plain_json_under_one_key() -> None:
    metadata = pq.read_schema(io.BytesIO(_written(_contents([3]), Packing("concat", 4, 9))[0])).metadata
    assert metadata[b"gristmill"] == (
        b'{"counts":{"lost":0,"padded":1,"real":3,"sequences":1},"origin":{"manifest_hash":"' + b"b" * 32 + b'",'
        b'"phase":"web","pools":["code","everything"],"seed":17,"sources":["dolma","pile"],'
        b'"tokenizer_hash":"' + b"a" * 32 + b'"},"packing":{"method":"concat","pad_id":9,"sequence_length":4}}'
    )


def test_the_same_contents_give_the_same_bytes_whatever_memory_they_lie_in() -> None:
    contents, packing = _contents([700] * 900), Packing("concat", 64, 0)
    columns = {name: np.repeat(column, 2)[::2] for name, column in vars(contents).items()}
    assert _written(contents, packing) == _written(Contents(**columns), packing)


def test_row_groups_have_a_fixed_number_of_sequences() -> None:
    contents, packing = _contents([3 << 22]), Packing("concat", 3000, 0)
    written, _ = _written(contents, packing)
    metadata = pq.read_metadata(io.BytesIO(written))
    rows = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert rows == [1398, 1398, 1398, 1]


def test_sequences_longer_than_a_row_group_get_one_each() -> None:
    width = (1 << 22) + 1
    written, _ = _written(_contents([width + 5]), Packing("concat", width, 0))
    assert pq.read_metadata(io.BytesIO(written)).num_row_groups == 2


def test_a_shard_without_fragments_is_a_file_without_rows() -> None:
    written, counts = _written(_contents([]), Packing("concat", 4, 0))
    assert pq.read_table(io.BytesIO(written)).num_rows == 0
    assert counts == Counts(0, 0, 0, 0)


@pytest.mark.parametrize("method", METHODS)
def test_a_document_of_25_million_tokens_is_packed_exactly(method: Method) -> None:
    contents = _contents([10, 25_000_000, 10])
    table = _table(contents, Packing(method, 2048, 0))
    ids = table["input_ids"].combine_chunks().values.to_numpy()
    if method == "concat":
        np.testing.assert_array_equal(ids[:25_000_020], contents.ids)
        assert table["doc_starts"][-1].as_py() == [1000 + (25_000_020 // 2048) * 2048 - 10, 2000]
    elif method == "best_fit":
        assert table.num_rows == -(-25_000_020 // 2048)
        np.testing.assert_array_equal(np.bincount(ids)[1:], np.bincount(contents.ids)[1:])
    else:
        assert table["doc_lengths"].to_pylist() == [[10], [2048], [10]]
        assert table["input_ids"][1].as_py() == contents.ids[10:2058].tolist()


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 20), st.sampled_from(METHODS), st.booleans())
def test_columns_of_tokens_go_with_their_ids_and_are_0_or_nan_in_padding(
    lengths: list[int], width: int, method: Method, more: bool
) -> None:
    plain = _contents(lengths)
    tokens = np.empty(len(plain.ids), np.dtype([("ids", "<u2"), ("loss_mask", "u1"), ("ref_loss", "<f2")]))
    tokens["ids"], tokens["loss_mask"], tokens["ref_loss"] = plain.ids, 1 + plain.ids % 200, plain.ids % 7 / 4
    packing = Packing(method, width, 9, more)
    table, without = _table(replace(plain, ids=tokens), packing), _table(plain, packing)
    assert table.drop_columns(["loss_mask", "ref_loss"]).equals(without)
    assert table.schema.names == [*without.schema.names, "loss_mask", "ref_loss"]
    for row in table.to_pylist():
        real = sum(row["doc_lengths"])
        assert row["loss_mask"][:real] == [1 + token % 200 for token in row["input_ids"][:real]]
        assert row["loss_mask"][real:] == [0] * (len(row["input_ids"]) - real)
        assert row["ref_loss"][:real] == [token % 7 / 4 for token in row["input_ids"][:real]]
        assert np.isnan(row["ref_loss"][real:]).all()


def test_a_start_beyond_its_column_is_refused() -> None:
    contents = replace(_contents([3]), start=np.array([2**32]))
    with pytest.raises(pa.ArrowInvalid, match="4294967296"):
        _written(contents, Packing("concat", 4, 0))


def test_an_epoch_beyond_255_is_refused() -> None:
    contents = replace(_contents([3]), epoch=np.array([256]))
    with pytest.raises(pa.ArrowInvalid, match="256"):
        _written(contents, Packing("concat", 4, 0))


class Pipe(io.BytesIO):
    """A stream that cannot go back, such as an upload."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation(f"seek to {offset}, {whence}")


def test_the_stream_stays_open_and_need_not_seek() -> None:
    out, contents, packing = Pipe(), _contents([3]), Packing("concat", 4, 0)
    write_shard(out, contents, packing, ORIGIN)
    assert not out.closed
    assert out.getvalue() == _written(contents, packing)[0]


def test_hugging_face_datasets_reads_a_shard_as_it_is(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    (tmp_path / "part-00000.parquet").write_bytes(_written(_contents([3, 4]), Packing("concat", 4, 99))[0])
    rows = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "*.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert rows["input_ids"][:] == [[0, 1, 2, 3], [4, 5, 6, 99]]
    assert rows["doc_uids"][:] == [[2**63, 2**63 + 1], [2**63 + 1]]


def test_duckdb_reads_a_shard_as_it_is(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    shard = tmp_path / "part-00000.parquet"
    shard.write_bytes(_written(_contents([5000, 4000], np.uint32), Packing("concat", 4000, 7))[0])
    query = "select sum(list_sum(input_ids)), max(list_max(doc_uids)) from read_parquet(?)"
    assert duckdb.execute(query, [str(shard)]).fetchone() == (sum(range(9000)) + 7 * 3000, 2**63 + 1)
