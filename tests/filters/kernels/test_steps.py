"""What is read in steps of 64 bytes is read the same wherever it lies in a step, and where the bytes end."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.code_points import code_points
from filters.kernels.quality import symbols
from filters.kernels.scans import Scans
from filters.words import lines

MARKS = ("\n", "\r\n", "\r", "\x1c", "\x1f", "\x85", "\u2028", "\u2029", "\u2026", "\u2019", "\xa0", "\U0001f468")
DOTS = ("...", "....", "......", ".", "#", "\u2026", "..\u2026", "...\u2026", "\u2025")

fillers = st.tuples(st.integers(0, 70), st.sampled_from(["a", "\u00e9", "\u3042"])).map(lambda pair: pair[1] * pair[0])


def made_of(pieces: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(fillers, st.sampled_from(pieces)), max_size=12).map("".join)


def scans_of(values: list[str]) -> Scans:
    return Scans(pa.array(values, pa.large_string()))


def check_lines(values: list[str]) -> None:
    found = scans_of(values).lines
    expected = [lines(text) for text in values]
    assert found.counts.tolist() == [len(each) for each in expected]
    assert found.chars.tolist() == [len(line) for each in expected for line in each]
    assert (found.end - found.start).tolist() == [len(line.encode()) for each in expected for line in each]


@given(st.lists(made_of(MARKS), min_size=1, max_size=4))
def test_lines_of_many_steps_are_those_of_splitlines(values: list[str]) -> None:
    check_lines(values)


@pytest.mark.parametrize("mark", MARKS)
def test_a_line_end_is_found_at_every_place_of_a_step(mark: str) -> None:
    check_lines(["x" * before + mark + "y" * behind for before in range(58, 68) for behind in (0, 1, 61, 130)])
    for before in range(58, 68):
        check_lines(["x" * before + mark])
        check_lines(["x" * before + mark, "\n" + mark])


@given(st.lists(made_of(DOTS), min_size=1, max_size=4))
def test_symbols_of_many_steps_are_those_of_count(values: list[str]) -> None:
    scans = scans_of(values)
    hashes, ellipses = symbols(scans.data, scans.offsets)
    assert hashes.tolist() == [text.count("#") for text in values]
    assert ellipses.tolist() == [text.count("...") + text.count("\u2026") for text in values]


@pytest.mark.parametrize("mark", DOTS)
def test_a_symbol_is_found_at_every_place_of_a_step(mark: str) -> None:
    for values in [["x" * before + mark, mark] for before in range(56, 70)]:
        scans = scans_of(values)
        assert [counts.tolist() for counts in symbols(scans.data, scans.offsets)] == [
            [text.count("#") for text in values],
            [text.count("...") + text.count("\u2026") for text in values],
        ]


@given(st.lists(made_of(MARKS), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 3))
def test_code_points_are_counted_without_decoding(values: list[str], skipped: int, left: int) -> None:
    part = pa.array(values, pa.large_string()).slice(skipped, left)
    assert Scans(part).chars.tolist() == [len(text.as_py()) for text in part]
    data = np.frombuffer("".join(values).encode(), np.uint8)
    for start in range(min(len(data), 3)):
        expected = sum(byte & 0xC0 != 0x80 for byte in data[start:].tolist())
        assert code_points(data, start, len(data)) == expected


@given(st.lists(st.lists(st.sampled_from(["", "a", "b" * 7, "b" * 8, "b" * 9, *(
    head + middle + tail for head in ("h" * 8, "g" * 8) for middle in ("", "x", "y", "z" * 9) for tail in ("t" * 8,)
)]), max_size=30), min_size=1, max_size=3))  # fmt: skip
def test_lines_stood_before_only_where_all_their_bytes_did(texts: list[list[str]]) -> None:
    values = ["\n".join(each) for each in texts]
    expected = [
        line in own[:number] for own in (text.split("\n") for text in values) for number, line in enumerate(own)
    ]
    assert scans_of(values).stood_before.tolist() == expected


def test_lines_that_differ_only_in_the_middle_are_told_apart_in_linear_time() -> None:
    own = [f"the same beginning {number:06} the same end" for number in range(50_000)]
    before = scans_of(["\n".join([*own, *own])]).stood_before
    assert before.tolist() == [False] * len(own) + [True] * len(own)
