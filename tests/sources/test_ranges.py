"""Splits of plain lines and the bounds of batches, on arbitrary lines."""

import io
import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources import blocks
from pipelines.sources.blocks import Block, line_blocks, range_blocks
from pipelines.sources.reading import extents
from pipelines.sources.streams import Problem, told
from tests.sources.helpers import FailingFile, ShortReads, batches_of, rows_of, source_of

JSONL = source_of("jsonl")

records = st.builds(lambda text: json.dumps({"text": text}).encode(), st.text(max_size=30))
some_lines = st.lists(
    st.one_of(records, st.binary(max_size=12).map(lambda data: data.replace(b"\n", b""))), max_size=20
)
ends = st.sampled_from([b"", b"\n", b"\r\n", b"\n\n"])
marks = st.sampled_from([b"", b"", b"\xef\xbb\xbf"])
files = st.builds(lambda mark, found, end: mark + b"\n".join(found) + end, marks, some_lines, ends).filter(
    lambda data: told(io.BytesIO(data)) == "plain"
)


@settings(deadline=None)
@given(data=files, split_bytes=st.integers(1, 300))
def test_the_splits_of_a_file_together_give_what_the_whole_gives(data: bytes, split_bytes: int) -> None:
    assert rows_of(JSONL, data, split_bytes) == rows_of(JSONL, data)


@settings(deadline=None)
@given(data=files, split_bytes=st.integers(1, 300))
def test_each_line_that_is_not_blank_is_one_record_at_its_byte(data: bytes, split_bytes: int) -> None:
    starts = [0, *(at + 1 for at, byte in enumerate(data) if byte == 10)]
    full = [at for at in starts if data[at:].split(b"\n")[0].removeprefix(b"\xef\xbb\xbf" * (at == 0)).strip(b" \t\r")]
    found = [row["ordinal"] for row in rows_of(JSONL, data, split_bytes)]
    assert found == full


@settings(deadline=None)
@given(size=st.integers(1, 10_000), split_bytes=st.integers(1, 10_000))
def test_ranges_follow_each_other_and_cover_the_file(size: int, split_bytes: int) -> None:
    ranges = extents(JSONL, io.BytesIO(b"x" * size), size, "file", split_bytes)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(end == start for (_, end), (start, _) in pairwise(ranges))
    assert all(0 < end - start <= split_bytes for start, end in ranges)


def cut(data: bytes, sizes: list[int], problem: Problem | None) -> list[bytes | Problem]:
    parts: list[bytes | Problem] = []
    for size in sizes:
        parts, data = [*parts, data[:size]], data[size:]
    return [*parts, data] if problem is None else [*parts, data, problem]


def bounds(found: list[Block | Problem]) -> list[tuple[int, bytes] | Problem]:
    return [each if isinstance(each, Problem) else (each.start, each.data[each.begin : each.end]) for each in found]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 40)


@pytest.mark.usefixtures("small_blocks")
class TestBlocks:
    """Blocks of 40 bytes, so that arbitrary lines make several."""

    @settings(deadline=None)
    @given(data=files, sizes=st.lists(st.integers(0, 60), max_size=20), broken=st.booleans())
    def test_they_do_not_depend_on_how_the_bytes_arrive(self, data: bytes, sizes: list[int], broken: bool) -> None:
        problem = Problem("gzip", "broken") if broken else None
        at_once = bounds(list(line_blocks(cut(data, [], problem), 7)))
        assert bounds(list(line_blocks(cut(data, sizes, problem), 7))) == at_once

    @settings(deadline=None)
    @given(data=files)
    def test_they_are_as_many_whole_lines_as_fit_or_one(self, data: bytes) -> None:
        found = [(block.start, block.data[block.begin : block.end]) for block in self.blocks_of(data)]
        assert b"".join(part for _, part in found) == data
        assert [start for start, _ in found] == [sum(len(part) for _, part in found[:n]) for n in range(len(found))]
        for (_, part), (_, following) in pairwise(found):
            next_line = following.split(b"\n")[0] + b"\n"
            assert part.endswith(b"\n")
            assert len(part) <= 40 < len(part) + len(next_line) or part.count(b"\n") == 1

    def blocks_of(self, data: bytes) -> list[Block]:
        return [block for block in line_blocks([data]) if isinstance(block, Block)]

    @settings(deadline=None)
    @given(data=files, read=st.integers(1, 30), split_bytes=st.integers(1, 100))
    def test_batches_do_not_depend_on_how_a_file_is_read(self, data: bytes, read: int, split_bytes: int) -> None:
        usual = batches_of(JSONL, data, split_bytes, "file")
        assert batches_of(JSONL, ShortReads(data, read), split_bytes, "file") == usual

    @settings(deadline=None)
    @given(data=files)
    def test_what_a_problem_breaks_off_is_no_line(self, data: bytes) -> None:
        *found, last = line_blocks([data, Problem("gzip", "broken")])
        assert last == Problem("gzip", "broken")
        joined = b"".join(block.data[block.begin : block.end] for block in found if isinstance(block, Block))
        assert joined == data[: data.rfind(b"\n") + 1]


def test_a_line_longer_than_a_block_is_a_batch_alone() -> None:
    long = json.dumps({"text": "x" * (9 << 20)}).encode()
    short = json.dumps({"text": "short"}).encode()
    sizes = [len(batch) for batch in batches_of(JSONL, b"\n".join([short, short, long, short]), 1 << 40, "file")]
    assert sizes == [2, 1, 1]


def test_a_split_inside_a_long_line_gives_nothing_and_reads_no_further_than_its_end() -> None:
    data = b"x" * 8_000_000 + b"\n{}\n"
    middle = FailingFile(data, 5_000_000)
    assert list(range_blocks(middle, 2_000_000, 3_000_000)) == []
