"""Cutting: texts without the spans that an exchange took out."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.cutting import cut_texts

LETTERS = st.lists(st.sampled_from(["a", "é", "語", "🙂", "\n"]), max_size=12)
MARKED = st.lists(st.tuples(LETTERS, st.sets(st.integers(0, 11))), max_size=5)


def spans_of(letters: list[str], cut: set[int]) -> list[int] | None:
    """Return the byte spans of the letters in `cut`, those that adjoin as one."""
    spans: list[int] = []
    at = 0
    for number, letter in enumerate(letters):
        end = at + len(letter.encode())
        if number in cut:
            spans[-1:] = [end] if spans and spans[-1] == at else [*spans[-1:], at, end]
        at = end
    return spans or None


@given(MARKED)
def test_a_text_loses_its_spans_and_nothing_else(marked: list[tuple[list[str], set[int]]]) -> None:
    texts = pa.array(["".join(letters) for letters, _ in marked], pa.large_string())
    cuts = pa.array([spans_of(letters, cut) for letters, cut in marked], pa.list_(pa.uint32()))
    kept = ["".join(letter for at, letter in enumerate(letters) if at not in cut) for letters, cut in marked]
    result = cut_texts(texts, cuts)
    assert result.type == pa.large_string()
    assert result.to_pylist() == kept


def test_texts_without_spans_are_handed_back() -> None:
    texts = pa.array(["one", "two"], pa.large_string())
    assert cut_texts(texts, pa.nulls(2, pa.list_(pa.uint32()))) is texts


def test_an_empty_list_cuts_nothing() -> None:
    texts = pa.array(["one", "two"], pa.large_string())
    assert cut_texts(texts, pa.array([[], [0, 1]], pa.list_(pa.uint32()))).to_pylist() == ["one", "wo"]


def test_a_text_can_be_cut_away_whole() -> None:
    assert cut_texts(pa.array(["é"], pa.large_string()), pa.array([[0, 2]], pa.list_(pa.uint32()))).to_pylist() == [""]


@given(MARKED, st.integers(0, 2), st.integers(0, 2))
def test_slices_of_longer_arrays_are_cut_alike(
    marked: list[tuple[list[str], set[int]]], before: int, after: int
) -> None:
    more = [(["é", "x"], {0})]
    padded = more * before + marked + more * after
    texts = pa.array(["".join(letters) for letters, _ in padded], pa.large_string())
    cuts = pa.array([spans_of(letters, cut) for letters, cut in padded], pa.list_(pa.uint32()))
    whole = cut_texts(texts, cuts).to_pylist()
    part = cut_texts(texts.slice(before, len(marked)), cuts.slice(before, len(marked)))
    part.validate(full=True)
    assert part.to_pylist() == whole[before : before + len(marked)]


def test_what_a_text_loses_at_its_end_is_not_taken_from_the_next() -> None:
    texts = pa.array(["ab", "cd", "", "ef"], pa.large_string())
    cuts = pa.array([[1, 2], [0, 1], None, [0, 2]], pa.list_(pa.uint32()))
    assert cut_texts(texts, cuts).to_pylist() == ["a", "d", "", ""]
