"""Spans that others have marked: what is replaced, beside Dolma's own mixer and what it wrote."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import Tokenizer

from filters.batch import Batch, batch_of
from filters.spans import ReplaceSpans, spans_name
from pipelines.sources.companions import SCORES, SPANS
from tests.filters.references.dolma_mixer import mixed
from tests.helpers import CORPUS, build_here, verdicts
from tests.sources.helpers import needs_corpus, plain_rows

DOLMA = CORPUS / "genuine" / "dolma"

Scored = tuple[int, int, float]


def marked(texts: list[str], **fields: list[list[Scored] | None]) -> Batch:
    """Return documents whose fields hold these spans."""
    documents = batch_of(texts).documents
    for name, rows in fields.items():
        scores = [None if row is None else [score for _, _, score in row] for row in rows]
        spans = [None if row is None else [place for span in row for place in span[:2]] for row in rows]
        documents = documents.append_column(name, pa.array(scores, SCORES))
        documents = documents.append_column(spans_name(name), pa.array(spans, SPANS))
    return Batch(documents)


def edited(batch: Batch, *rules: str | dict[str, Any]) -> list[str]:
    texts: list[str] = ReplaceSpans.model_validate({"spans": rules}).edit(batch).to_pylist()
    return texts


def test_spans_are_cut_by_characters_not_by_bytes() -> None:
    batch = marked(["añb\U0001f600cd", "", "xyz"], m=[[(1, 3, 1.0), (4, 5, 1.0)], [(0, 1, 1.0)], None])
    assert edited(batch, "m") == ["a\U0001f600d", "", "xyz"]


def test_a_document_without_spans_keeps_its_text() -> None:
    batch = marked(["one", "two"], m=[[], None])
    assert ReplaceSpans.model_validate({"spans": ["m"]}).edit(batch).equals(batch.text)
    assert edited(batch_of(["no such field"]), "m") == ["no such field"]


def test_a_span_counts_from_min_score_on_and_below_max_score() -> None:
    batch = marked(["0123456789"], m=[[(0, 1, 0.4), (2, 3, 0.5), (4, 5, 0.7), (6, 7, 0.8)]])
    assert edited(batch, {"field": "m", "min_score": 0.5, "max_score": 0.8}) == ["01356789"]
    assert edited(batch, {"field": "m", "min_score": 0.8}) == ["012345789"]


def test_a_span_without_a_score_does_not_count() -> None:
    batch = marked(["0123"], m=[[(0, 1, float("nan")), (2, 3, 0.0)]])
    assert edited(batch, "m") == ["013"]


def test_a_replacement_can_hold_what_was_there() -> None:
    batch = marked(["mail ä@b.c now", "d@e"], mails=[[(5, 10, 0.9)], [(0, 3, 0.9)]])
    assert edited(batch, {"field": "mails", "replacement": "<{}>"}) == ["mail <ä@b.c> now", "<d@e>"]
    assert edited(batch, {"field": "mails", "replacement": "MAIL"}) == ["mail MAIL now", "MAIL"]


def test_of_spans_that_overlap_the_first_counts_and_of_equal_ones_the_one_named_first() -> None:
    batch = marked(["0123456789"], a=[[(2, 6, 1.0)]], b=[[(0, 3, 1.0), (2, 9, 1.0)]])
    assert edited(batch, {"field": "a", "replacement": "A"}, {"field": "b", "replacement": "B"}) == ["B3456789"]
    assert edited(batch, {"field": "b", "max_score": 0.5}, {"field": "a", "replacement": "A"}) == ["01A6789"]


def test_a_span_counts_as_far_as_it_lies_in_the_text() -> None:
    batch = marked(["abc", "def"], m=[[(2, 9, 1.0), (9, 12, 1.0)], [(3, 4, 1.0)]])
    assert edited(batch, {"field": "m", "replacement": "!"}) == ["ab!", "def"]


def test_a_replacement_says_once_what_was_there() -> None:
    with pytest.raises(ValidationError, match="once"):
        ReplaceSpans.model_validate({"spans": [{"field": "m", "replacement": "{}{}"}]})


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Scored], list[Scored]]:
    text = draw(st.text(max_size=30))
    starts = st.integers(0, max(len(text) - 1, 0))
    scored = st.tuples(starts, st.integers(1, 12), st.sampled_from([0.0, 0.5, 1.0]))
    spans = st.lists(scored.map(lambda each: (each[0], each[0] + each[1], each[2])), max_size=6)
    return text, *((draw(spans), draw(spans)) if text else ([], []))


REPLACEMENTS = st.sampled_from(["", "|", "<{}>", "é{}"])


@given(st.lists(texts_with_spans(), min_size=1, max_size=4), REPLACEMENTS, REPLACEMENTS)
def test_any_texts_and_spans_come_out_as_from_the_mixer(
    documents: list[tuple[str, list[Scored], list[Scored]]], one: str, other: str
) -> None:
    texts = [text for text, _, _ in documents]
    batch = marked(texts, a=[a for _, a, _ in documents], b=[b for _, _, b in documents])
    wanted = [
        mixed(text, [(*s[:2], one) for s in a if s[2] >= 0.5] + [(*s[:2], other) for s in b if s[2] < 1.0])
        for text, a, b in documents
    ]
    rules = (
        {"field": "a", "min_score": 0.5, "replacement": one},
        {"field": "b", "max_score": 1.0, "replacement": other},
    )
    assert edited(batch, *rules) == wanted
    halves = [Batch(batch.documents.slice(at, 1)) for at in range(len(texts))]
    assert [text for half in halves for text in edited(half, *rules)] == wanted


def survivors(
    folder: Path, path: Path, attributes: dict[str, Any], stages: list[Any], **source: object
) -> dict[str, str]:
    """Build Dolma's own documents; return the texts that come out, by id, as their tokens say."""
    entry = {"format": "dolma", "path": str(path), "attributes": attributes, **source}
    tokenizer = {"train": {"vocab_size": 300, "sample_bytes": "1MB", "special_tokens": []}}
    build_here({"name": "n", "sources": {"d": entry}, "stages": stages, "tokenizer": tokenizer}, folder / "out")
    (trained,) = (folder / "out" / "work" / "fits").glob("tokenizer-*.json")
    (part,) = (folder / "out" / "tokens").glob("*.parquet")
    runs = pq.read_table(part).to_pylist()
    ids = verdicts(folder / "out").column("id").to_pylist()
    decode = Tokenizer.from_file(str(trained)).decode
    return {ids[run["row"]]: decode(np.frombuffer(run["tokens"], np.uint16).tolist()) for run in runs}


def expected(name: str) -> dict[str, str]:
    """Return the texts that Dolma's mixer wrote."""
    return {row["id"]: row["text"] for row in plain_rows(DOLMA / "expected" / f"{name}.json.gz")}


PROVIDED = DOLMA / "provided" / "documents"


@needs_corpus
def test_duplicate_paragraphs_are_cut_as_dolma_cut_them(tmp_path: Path) -> None:
    attributes = {"duplicate_paragraphs": ["bff_duplicate_paragraph_spans"]}
    stage = {"replace_spans": {"spans": [{"field": "bff_duplicate_paragraph_spans", "min_score": 0.5}]}}
    found = survivors(tmp_path, PROVIDED, attributes, [stage])
    assert found == expected("remove-paragraphs")
    assert found != {row["id"]: row["text"] for row in plain_rows(PROVIDED / "000.json.gz")}


@needs_corpus
def test_mail_addresses_are_marked_as_dolma_marked_them(tmp_path: Path) -> None:
    attributes = {"pii": {"emails": "pii.email", "companies": "pii.company_name"}}
    rules = [
        {"field": "emails", "min_score": 0.5, "replacement": "[B-EMAIL]{}[E-EMAIL]"},
        {"field": "companies", "min_score": 0.5},
    ]
    found = survivors(tmp_path, PROVIDED, attributes, [{"replace_spans": {"spans": rules}}])
    assert found == expected("email-spans")
    assert "[B-EMAIL]" in "".join(found.values())


@needs_corpus
def test_documents_are_chosen_by_scores_as_dolma_chose_them(tmp_path: Path) -> None:
    attributes = {"sample": {"random": "sample__random_number_v1__random"}}
    found = survivors(tmp_path, PROVIDED, attributes, [], where="max(random) < 0.5")
    assert found == expected("filter-by-spans")


@needs_corpus
def test_documents_are_chosen_by_flags_and_numbers_as_dolma_chose_them(tmp_path: Path) -> None:
    attributes = {"pii": {"much": "pii.too_much_pii"}, "toxicity": ["toxicity"]}
    stages = [
        {"where": "length >= 500 and length < 10000"},
        {"where": "sum(much) == 0"},
        {"where": "sum(toxicity) <= 0.8"},
    ]
    fields = {"length": {"path": "length", "type": "int64"}}
    assert survivors(tmp_path, PROVIDED, attributes, stages, fields=fields) == expected("mixer")


@needs_corpus
@pytest.mark.parametrize(
    ("name", "field"), [("dedupe-by-url", "bff_duplicate_url"), ("dedupe-paragraphs", "bff_duplicate_paragraph_spans")]
)
def test_verdicts_of_the_deduper_choose_documents(tmp_path: Path, name: str, field: str) -> None:
    (tmp_path / "attributes").mkdir()
    shutil.copy(DOLMA / "expected" / f"{name}.json.gz", tmp_path / "attributes" / "000.json.gz")
    folders = {"dedupe": str(tmp_path / "attributes")}
    path = DOLMA / "provided" / "deduper" / "documents"
    found = survivors(tmp_path, path, {"dedupe": {"seen": field}}, [], where="sum(seen) == 0", folders=folders)
    told = plain_rows(DOLMA / "expected" / f"{name}.json.gz")
    assert found.keys() == {row["id"] for row in told if not row["attributes"].get(field)}
    assert 0 < len(found) < len(told)
