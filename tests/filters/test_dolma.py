"""Dolma's attributes: equal to the plain ones on any text, to Dolma's own on its documents; rules and their bounds."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.batch import Batch, Columns, Stage, batch_of, run_stage
from filters.dolma import RULES, DolmaC4, DolmaGopher
from filters.signals import SIGNALS
from tests.filters.kernels.texts import texts
from tests.filters.real_texts import CORPUS, json_lines, needs_corpus
from tests.filters.references import dolma as plain

Tagger = Literal["gopher_v1", "gopher_v2"]

PIECES = st.sampled_from(
    [
        *'# *-\n.?!"{\u2026\x1c\u00e9\u0130',
        "the ",
        "be ",
        "JavaScript",
        "lorem ",
        "Ipsum",
        "javascr\u0130pt",
        "a" * 300 + " ",
    ]
)
TEXTS = st.one_of(texts, st.lists(PIECES).map("".join))
TAGGERS = st.sampled_from(["gopher_v1", "gopher_v2"])


def one(columns: Columns) -> dict[str, Any]:
    return {name.removeprefix("dolma_"): column.to_pylist()[0] for name, column in columns.items()}


def float32(value: float | None) -> float | None:
    return float(np.float32(value)) if isinstance(value, float) else value


def all_float32(attributes: plain.Attributes) -> plain.Attributes:
    return {name: float32(value) for name, value in attributes.items()}


@given(TEXTS, TAGGERS)
@example("", "gopher_v1")
@example(" \n ", "gopher_v1")
@example("\n\na\n\n\na\n\n", "gopher_v2")
def test_gopher_attributes_equal_the_plain_ones(text: str, tagger: Tagger) -> None:
    assert one(DolmaGopher(tagger=tagger).measure(batch_of([text]))) == all_float32(plain.gopher(text, tagger))


@given(TEXTS)
@example("")
@example("LOREM IPSUM lorem  ipsum\nJavascript\n{ two words")
def test_c4_attributes_equal_the_plain_ones(text: str) -> None:
    assert one(DolmaC4().measure(batch_of([text]))) == plain.c4(text)


@pytest.mark.parametrize("stage", [DolmaGopher(), DolmaC4()])
@given(several=st.lists(TEXTS, min_size=1, max_size=4))
def test_a_document_is_measured_the_same_alone_and_in_a_slice(stage: DolmaGopher | DolmaC4, several: list[str]) -> None:
    sliced = Batch(batch_of(["first", *several]).documents.slice(1))
    alone = [one(stage.measure(batch_of([text]))) for text in several]
    columns = stage.measure(sliced)
    assert [one({name: column[row:] for name, column in columns.items()}) for row in range(len(several))] == alone


@pytest.mark.parametrize("stage", [DolmaGopher, DolmaC4])
def test_every_signal_has_the_type_of_its_entry(stage: type[DolmaGopher] | type[DolmaC4]) -> None:
    columns = stage().measure(batch_of(["Some text.\nMore text.", ""]))
    assert tuple(sorted(columns)) == tuple(sorted(stage.measured))
    assert {name: column.type for name, column in columns.items()} == {name: SIGNALS[name].dtype for name in columns}


@pytest.mark.parametrize("text", ["", " \n\n\t"])
def test_a_text_without_words_falls_by_the_number_of_words(text: str) -> None:
    outcome = DolmaGopher()(batch_of([text]))
    assert outcome.rule is not None
    assert outcome.rule.to_pylist() == ["min_word_count"]


def test_without_bounds_nothing_falls() -> None:
    loose = DolmaGopher.model_validate({rule.name: None for rule in DolmaGopher().rules})
    outcome = loose(batch_of(["", "a a a a a a a a a a a a", "#"]))
    assert outcome.rule is not None
    assert outcome.rule.null_count == 3


SAMPLE = "of the of the of the of the of the of the of # 12\n- of\n- of\nend\u2026"


@pytest.mark.parametrize(("attribute", "bound"), RULES)
def test_a_number_on_its_bound_passes_and_one_beyond_falls(attribute: str, bound: str) -> None:
    value = plain.gopher(SAMPLE, "gopher_v1")[attribute]
    assert value is not None
    off: dict[str, Any] = {rule.name: None for rule in DolmaGopher().rules}
    name = f"{bound}_{attribute}"
    beyond = value + (1 if isinstance(value, int) else 0.01) * (1 if bound == "min" else -1)
    on = DolmaGopher.model_validate({**off, name: value})(batch_of([SAMPLE]))
    below = DolmaGopher.model_validate({**off, name: beyond})(batch_of([SAMPLE]))
    assert on.rule is not None
    assert below.rule is not None
    assert (on.rule.to_pylist(), below.rule.to_pylist()) == ([None], [name])


def test_a_greatest_share_of_zero_lets_only_zero_pass() -> None:
    off: dict[str, Any] = {rule.name: None for rule in DolmaGopher().rules}
    strict = DolmaGopher.model_validate({**off, "max_fraction_of_duplicate_lines": 0})
    outcome = strict(batch_of(["a\nb", "a\na"]))
    assert outcome.rule is not None
    assert outcome.rule.to_pylist() == [None, "max_fraction_of_duplicate_lines"]


def oracle(tagger: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(CORPUS.glob(f"dolma/*/attributes/{tagger}/*.json.gz")):
        documents = json_lines(path.parents[2] / "documents" / path.name)
        for document, row in zip(documents, json_lines(path), strict=True):
            prefix = f"{tagger}__{tagger}__"
            yield document["text"], {name.removeprefix(prefix): spans for name, spans in row["attributes"].items()}


def measured(stage: Stage, rows: list[str]) -> list[dict[str, Any]]:
    columns = {
        name.removeprefix("dolma_"): column.to_pylist()
        for name, column in run_stage(stage, batch_of(rows)).columns.items()
    }
    return [{name: column[row] for name, column in columns.items()} for row in range(len(rows))]


FIVE_DECIMALS = 5.1e-6
"""Dolma's attribute files round scores to five decimals."""


def agrees(ours: float | None, spans: list[list[float]] | None) -> bool:
    if ours is None or spans is None:
        return ours is None and spans is None
    return ours == pytest.approx(spans[0][2], abs=FIVE_DECIMALS, rel=1e-6)


@needs_corpus
def test_gopher_attributes_are_dolmas_on_its_documents() -> None:
    rows, theirs = zip(*oracle("gopher_v1"), strict=True)
    ours = measured(DolmaGopher(), list(rows))
    wrong = [
        (name, row, found[name], spans.get(name))
        for row, (found, spans) in enumerate(zip(ours, theirs, strict=True))
        for name in found
        if not agrees(found[name], spans.get(name))
    ]
    assert len(rows) > 800
    assert wrong == []


def c4_answers(spans: dict[str, list[list[float]]]) -> plain.Attributes:
    counted = ("lines_with_no_ending_punctuation", "lines_with_too_few_words")
    held = ("has_javascript", "has_lorem_ipsum", "has_curly_brace")
    return {
        "line_count": int(spans["line_count"][0][2]),
        **{name: len(spans.get(name, [])) for name in counted},
        **{name: int(name in spans) for name in held},
    }


@needs_corpus
def test_c4_attributes_are_dolmas_on_its_documents() -> None:
    rows, theirs = zip(*oracle("c4_v1"), strict=True)
    assert measured(DolmaC4(), list(rows)) == [c4_answers(spans) for spans in theirs]
