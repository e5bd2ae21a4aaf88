"""Compressed files: what can be read of them, whole or broken, under true and false names."""

import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable

import pytest
import zstandard

from pipelines.sources.streams import Problem, chunks, told
from tests.sources.helpers import (
    CORPUS,
    FailingFile,
    ShortReads,
    batches_of,
    lines,
    needs_corpus,
    plain_rows,
    problems_of,
    rows_of,
    source_of,
)

JSONL = source_of("jsonl")
GOOD = lines(*({"text": f"text {number}" * (number % 7)} for number in range(300)))
HALF = GOOD[: GOOD.index(b"\n", len(GOOD) // 2) + 1]
REST = GOOD[len(HALF) :]

Compress = Callable[[bytes], bytes]


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def texts(rows: list[dict[str, object]]) -> list[object]:
    return [row["text"] for row in rows if row["problem"] is None]


def whole(data: bytes) -> tuple[bytes, list[Problem]]:
    file = io.BytesIO(data)
    found = list(chunks(file, told(file)))
    problems = [chunk for chunk in found if isinstance(chunk, Problem)]
    return b"".join(chunk for chunk in found if isinstance(chunk, bytes)), problems


COMPRESSIONS = pytest.mark.parametrize(("compress", "kind"), [(gzip.compress, "gzip"), (zstd, "zstd")])


@COMPRESSIONS
def test_several_members_are_one_stream(compress: Compress, kind: str) -> None:
    data = compress(HALF) + compress(b"") + compress(REST)
    assert told(io.BytesIO(data)) == kind
    assert whole(data) == (GOOD, [])


@COMPRESSIONS
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100, 4097])
def test_a_file_that_reads_in_small_pieces_is_the_same_stream(compress: Compress, kind: str, size: int) -> None:
    data = compress(HALF) + compress(REST) + b"garbage"
    first = whole(data)
    found = list(chunks(ShortReads(data, size), kind))
    assert b"".join(chunk for chunk in found if isinstance(chunk, bytes)) == first[0] == GOOD
    assert [chunk for chunk in found if isinstance(chunk, Problem)] == first[1]


@COMPRESSIONS
def test_a_file_cut_anywhere_keeps_the_lines_before_the_cut_and_says_so_once(compress: Compress, kind: str) -> None:
    data = compress(HALF) + compress(REST)
    first = len(compress(HALF))
    whole_file = texts(rows_of(JSONL, data))
    for cut in range(4, len(data)):
        rows = rows_of(JSONL, data[:cut])
        if cut == first:
            assert rows == rows_of(JSONL, HALF_COMPRESSED[kind])
            continue
        assert texts(rows) == whole_file[: len(rows) - 1]
        assert problems_of(rows) == [f"{kind}: truncated after {cut} bytes"]
        assert rows[-1]["ordinal"] == len(rows) - 1
        assert cut < first or len(rows) > HALF.count(b"\n")


HALF_COMPRESSED = {"gzip": gzip.compress(HALF), "zstd": zstd(HALF)}


@COMPRESSIONS
def test_a_cut_at_the_end_of_a_line_is_told_all_the_same(compress: Compress, kind: str) -> None:
    data = compress(GOOD)[:-4]
    rows = rows_of(JSONL, data)
    assert len(rows) == GOOD.count(b"\n") + 1
    assert problems_of(rows) == [f"{kind}: truncated after {len(data)} bytes"]


@COMPRESSIONS
def test_flipped_bits_never_raise_and_are_never_read_in_silence(compress: Compress, kind: str) -> None:
    data = compress(GOOD)
    every = texts(rows_of(JSONL, data))
    rng = random.Random(17)
    for _ in range(400):
        broken = bytearray(data)
        where = rng.randrange(20, len(data))
        broken[where] ^= 1 << rng.randrange(8)
        rows = rows_of(JSONL, bytes(broken))
        assert texts(rows) == every or rows[-1]["problem"].startswith(f"{kind}: ")


@COMPRESSIONS
def test_garbage_after_the_last_member_is_one_unreadable_record(compress: Compress, kind: str) -> None:
    rows = rows_of(JSONL, compress(GOOD) + b"garbage")
    assert len(texts(rows)) == GOOD.count(b"\n")
    assert problems_of(rows) == [f"{kind}: garbage after the last member, at byte {len(compress(GOOD))}"]


@pytest.mark.parametrize("count", [1, 511, 3_000_000])
def test_zero_padding_after_a_gzip_member_is_nothing(count: int) -> None:
    assert whole(gzip.compress(HALF) + bytes(count) + gzip.compress(REST) + bytes(count)) == (GOOD, [])


def test_a_gzip_header_with_all_its_optional_fields_is_read() -> None:
    raw = gzip.compress(GOOD)
    header = b"\x1f\x8b\x08" + bytes([4 | 8 | 16]) + raw[4:10]
    assert whole(header + struct.pack("<H", 5) + b"extra" + b"name\0" + b"comment\0" + raw[10:]) == (GOOD, [])


@pytest.mark.parametrize("where", [-1, -8])
def test_a_wrong_gzip_checksum_or_size_is_told(where: int) -> None:
    data = bytearray(gzip.compress(GOOD))
    data[where] ^= 1
    found, problems = whole(bytes(data))
    assert GOOD.startswith(found)
    assert [str(problem).partition(" (")[0] for problem in problems] == ["gzip: corrupt after byte 0"]


def test_what_a_corrupt_gzip_file_gave_before_the_fault_stands() -> None:
    rng = random.Random(3)
    many = lines(*({"text": "".join(rng.choices("abcdefgh ", k=500))} for _ in range(2000)))
    data = bytearray(gzip.compress(many))
    data[-4] ^= 1
    rows = rows_of(JSONL, bytes(data))
    assert texts(rows) == texts(rows_of(JSONL, many))[: len(rows) - 1]
    assert len(rows) > 1900


def test_skippable_zstd_frames_are_skipped() -> None:
    frame = struct.pack("<II", 0x184D2A5F, 5) + b"hello"
    assert whole(frame + zstd(HALF) + frame + zstd(REST) + frame) == (GOOD, [])


def test_a_zstd_frame_with_a_window_of_two_gibibytes_is_read() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=False, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = compressor.compress(GOOD) + compressor.flush()
    assert zstandard.get_frame_parameters(data).window_size == 2**31
    assert whole(data) == (GOOD, [])


def test_a_gzip_flush_in_the_middle_is_no_end() -> None:
    compressor = zlib.compressobj(wbits=31)
    data = compressor.compress(GOOD) + compressor.flush(zlib.Z_FULL_FLUSH)
    rows = rows_of(JSONL, data)
    assert problems_of(rows) == [f"gzip: truncated after {len(data)} bytes"]
    assert len(texts(rows)) == GOOD.count(b"\n")


@needs_corpus
def test_a_name_that_lies_changes_nothing() -> None:
    folder = CORPUS / "genuine" / "dolma"
    (plain,) = folder.glob("*.zst")
    (packed,) = folder.glob("*.jsonl.gz")
    assert told(io.BytesIO(plain.read_bytes())) == "plain"
    dolma = source_of("dolma")
    rows = [rows_of(dolma, path.read_bytes(), name=path.name) for path in (plain, packed)]
    assert texts(rows[0]) == texts(rows[1]) == [row["text"] for row in plain_rows(packed)]


@COMPRESSIONS
def test_a_failure_of_the_storage_itself_is_raised(compress: Compress, kind: str) -> None:
    rng = random.Random(5)
    data = compress(lines(*({"text": str(rng.random())} for _ in range(150_000))))
    assert len(data) > 1_000_000, kind
    with pytest.raises(OSError, match="the storage failed"):
        batches_of(JSONL, FailingFile(data, 1_000_000), 1 << 40, "file")


def test_a_failure_of_the_storage_of_plain_lines_is_raised() -> None:
    with pytest.raises(OSError, match="the storage failed"):
        batches_of(JSONL, FailingFile(GOOD * 100, len(GOOD) * 50), 1 << 40, "file")
