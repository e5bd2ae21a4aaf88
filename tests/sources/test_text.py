"""Plain text files: one document, or several between separators."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.options import SourceOptions
from tests.sources.helpers import ShortReads, batches_of, problems_of, rows_of, source_of

TEXT = source_of("text")
STORIES = source_of("text", separator="<|endoftext|>")


def texts(rows: list[dict[str, object]]) -> list[object]:
    return [row["text"] for row in rows]


def test_a_file_is_one_document_as_it_stands() -> None:
    data = b"\n  first line\r\nsecond line \n\n"
    assert texts(rows_of(TEXT, data)) == [data.decode()]
    assert rows_of(TEXT, data, split_bytes=1) == rows_of(TEXT, data) == rows_of(TEXT, gzip.compress(data))


@pytest.mark.parametrize("data", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("source", [TEXT, STORIES])
def test_a_file_of_white_space_holds_no_document(source: SourceOptions, data: bytes) -> None:
    assert rows_of(source, data) == []


def test_a_byte_order_mark_is_no_text() -> None:
    assert texts(rows_of(TEXT, b"\xef\xbb\xbfa\xef\xbb\xbf")) == ["a\N{ZERO WIDTH NO-BREAK SPACE}"]


def test_separators_cut_documents_and_the_newlines_beside_them_go() -> None:
    data = b"One day\nhe went.\n<|endoftext|>\nTwo\r\n<|endoftext|>\n\n<|endoftext|>\n  Three<|endoftext|>\n"
    rows = rows_of(STORIES, data)
    assert texts(rows) == ["One day\nhe went.", "Two", "  Three"]
    assert [row["ordinal"] for row in rows] == [0, 1, 2]


def test_a_document_that_is_not_utf8_is_unreadable_alone() -> None:
    rows = rows_of(STORIES, b"a<|endoftext|>b\xff<|endoftext|>c")
    assert texts(rows) == ["a", "", "c"]
    assert problems_of(rows) == ["utf-8: invalid byte 0xff at 1"]
    assert problems_of(rows_of(TEXT, b"caf\xe9")) == ["utf-8: invalid byte 0xe9 at 3"]


def test_the_document_in_which_a_file_breaks_off_is_unreadable() -> None:
    data = gzip.compress(b"a<|endoftext|>b<|endoftext|>c")[:-2]
    rows = rows_of(STORIES, data)
    assert texts(rows) == ["a", "b", ""]
    assert problems_of(rows) == [f"gzip: truncated after {len(data)} bytes"]
    assert problems_of(rows_of(TEXT, data)) == [f"gzip: truncated after {len(data)} bytes"]


def test_a_file_of_another_kind_is_one_unreadable_record() -> None:
    assert problems_of(rows_of(TEXT, b"PK\x03\x04 and more")) == ["format: the file is zip, which is not read here"]


@settings(deadline=None)
@given(pieces=st.lists(st.text("ab<|> \n", max_size=8), max_size=10), size=st.integers(1, 9))
def test_the_documents_do_not_depend_on_how_the_bytes_arrive(pieces: list[str], size: int) -> None:
    source = source_of("text", separator="<||>")
    data = "<||>".join(pieces).encode()
    rows = rows_of(source, ShortReads(data, size))
    stripped = [piece.strip("\r\n") for piece in data.decode().split("<||>")]
    assert texts(rows) == [piece for piece in stripped if piece.strip()]


def test_batches_hold_about_four_megabytes() -> None:
    data = b"<|endoftext|>".join([b"x" * 1000] * 9000 + [b"y" * (5 << 20)] + [b"z"])
    sizes = [(len(batch), batch.column("text").nbytes >> 20) for batch in batches_of(STORIES, data, 1 << 40, "file")]
    assert [rows for rows, _ in sizes] == [3942, 3942, 1116, 1, 1]
    assert sum(rows for rows, _ in sizes) == 9002
