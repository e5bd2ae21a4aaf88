"""Repetitions of characters: equal to what `re` finds on any text, to Dolma's own attributes on its documents."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.batch import Batch, batch_of
from filters.dolma_repetitions import DolmaRepetitions
from filters.signals import SIGNALS
from tests.filters.kernels.texts import texts
from tests.filters.real_texts import CORPUS, json_lines, needs_corpus
from tests.filters.references import dolma as plain

FEW_LETTERS = st.sampled_from(["ab", "a ", "a \n", "  \n\x1c", " \t\n", "a\u00e9 \u3000", "abc \n"])
DENSE = FEW_LETTERS.flatmap(lambda letters: st.text(st.sampled_from(letters), max_size=60))
COPIES = st.builds(
    lambda unit, joint, times, behind: joint.join([unit] * times) + unit[: behind % (len(unit) + 1)],
    st.text(st.sampled_from("ab \u00e9"), min_size=1, max_size=9),
    st.sampled_from(["", " ", "\n", "\u2003", "  "]),
    st.integers(2, 6),
    st.integers(0, 9),
)
TEXTS = st.one_of(texts, DENSE, st.lists(COPIES, max_size=4).map("".join))


def measured(text: str, *, paragraphs: bool = False) -> dict[str, Any]:
    columns = DolmaRepetitions(paragraphs=paragraphs).measure(batch_of([text]))
    return {name.removeprefix("dolma_"): column.to_pylist()[0] for name, column in columns.items()}


def expected(text: str, *, paragraphs: bool = False) -> dict[str, Any]:
    found = plain.repetitions(text, paragraphs=paragraphs)
    return {**found, "doc_frac_repetition": float(np.float32(found["doc_frac_repetition"]))}


@given(TEXTS, st.booleans())
@example("", False)
@example("      ", False)
@example("    \n  \t \n\n ", False)
@example("ab ab\nab ab\n\nab", True)
def test_repetitions_are_those_of_the_pattern(text: str, paragraphs: bool) -> None:
    assert measured(text, paragraphs=paragraphs) == expected(text, paragraphs=paragraphs)


@given(st.text(st.sampled_from("ab"), min_size=50, max_size=400))
def test_long_units_are_found_in_long_lines(unit: str) -> None:
    text = f"{unit} {unit}{unit} {unit}"
    assert measured(text) == expected(text)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_document_is_measured_the_same_alone_and_in_a_slice(several: list[str]) -> None:
    columns = DolmaRepetitions().measure(Batch(batch_of(["aaaaa", *several]).documents.slice(1)))
    rows = [
        {name.removeprefix("dolma_"): column[row].as_py() for name, column in columns.items()}
        for row in range(len(several))
    ]
    assert rows == [measured(text) for text in several]


def test_every_signal_has_the_type_of_its_entry() -> None:
    columns = DolmaRepetitions().measure(batch_of(["tick tick tick tick", ""]))
    assert tuple(columns) == DolmaRepetitions.measured
    assert {name: column.type for name, column in columns.items()} == {name: SIGNALS[name].dtype for name in columns}


LONG = 300_000
SQUARES = "".join(chr(97 + number * number % 23) for number in range(LONG))


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("a" * LONG, LONG),
        ("\n" * LONG, 0),
        ("\u0301" * LONG, LONG),
        ("ab " * LONG, LONG),
        (SQUARES, LONG // 23),
        (SQUARES[:23] * 3 + "\n", 0),
    ],
)
def test_long_lines_of_any_kind_are_measured(text: str, units: int) -> None:
    assert measured(text)["doc_max_score_repetition"] == units


def oracle() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(CORPUS.glob("dolma/*/attributes/repetitions_v1/*.json.gz")):
        documents = json_lines(path.parents[2] / "documents" / path.name)
        for document, row in zip(documents, json_lines(path), strict=True):
            spans = {name.rpartition("__")[2]: spans for name, spans in row["attributes"].items()}
            yield document["text"], {name: spans[name][0][2] for name in spans if name.startswith("doc_")}


@needs_corpus
def test_repetitions_are_dolmas_on_its_documents() -> None:
    rows, theirs = zip(*oracle(), strict=True)
    ours = [measured(text) for text in rows]
    assert len(rows) > 800
    assert ours == [pytest.approx(spans, abs=5.1e-6) for spans in theirs]
