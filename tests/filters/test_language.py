"""The stage `language`: labels and scores of lid.176 are fastText's own; verdicts follow from them."""

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from filters.batch import InputFile, batch_of
from filters.language import Language
from filters.signals import SIGNALS
from pipelines.errors import RequestError
from pipelines.language_model import default_model
from tests.filters.real_texts import needs_corpus
from tests.filters.references.every_text import every_text
from tests.filters.references.fasttext_file import ModelFile
from tests.filters.references.fasttext_oracle import Oracle

ENGLISH = "This is a page about the weather, and about what people say of it."
FRENCH = "Le chat est assis sur la table, et il regarde les oiseaux."
TEXTS = [
    ENGLISH,
    FRENCH,
    "",
    " \n\t ",
    "\u4e2d\u6587\u7684\u53e5\u5b50",
    "1 2 3",
    "</s> le chat",
    "__label__fr le chat",
]

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WORDS = st.lists(st.sampled_from([*ENGLISH.split(), *FRENCH.split(), *TEXTS, "\n", "\r\n", "\0", "\u00a0"])).map(
    " ".join
)


def read_file(file: InputFile) -> dict[str, bytes]:
    return {"model": Path(file.path).read_bytes()}


def small(first_chars: int | None = None, min_score: float = 0.65) -> Language:
    """Return a stage with a small model of random numbers."""
    data = ModelFile().to_bytes()
    stage = Language(model=InputFile(path="model.bin"), first_chars=first_chars, min_score=min_score)
    return stage.load(lambda _: {"model.bin": data})


def judged(stage: Language, labels: list[str], scores: list[float]) -> list[tuple[str | None, float | None]]:
    signals = {"language_id": pa.array(labels, pa.string()), "language_id_score": pa.array(scores, pa.float32())}
    verdicts = stage.judge(signals)
    return list(zip(verdicts.rule.to_pylist(), verdicts.value.to_pylist(), strict=True))


@pytest.fixture(scope="module")
def lid() -> Language:
    try:
        model = default_model()
    except RequestError as missing:
        pytest.skip(str(missing))
    return Language(model=model).load(read_file)


@pytest.fixture(scope="module")
def oracle(lid: Language) -> Oracle:
    assert lid.model is not None
    return Oracle(Path(lid.model.path))


def check(lid: Language, oracle: Oracle, texts: list[str]) -> None:
    found = lid.measure(batch_of(texts))
    rows = zip(texts, found["language_id"].to_pylist(), found["language_id_score"].to_pylist(), strict=True)
    for text, label, score in rows:
        theirs, best = oracle.predict(text)
        assert label == theirs, text[:200]
        assert math.isclose(score, best, abs_tol=1e-4), text[:200]


@given(st.lists(ANY_TEXT | WORDS, min_size=1, max_size=5))
def test_labels_and_scores_are_those_of_fasttext_on_any_text(lid: Language, oracle: Oracle, texts: list[str]) -> None:
    check(lid, oracle, texts)


@pytest.mark.parametrize("text", TEXTS)
def test_labels_and_scores_are_those_of_fasttext_on_odd_texts(lid: Language, oracle: Oracle, text: str) -> None:
    check(lid, oracle, [text])


@needs_corpus
def test_labels_and_scores_are_those_of_fasttext_on_some_real_documents(lid: Language, oracle: Oracle) -> None:
    texts = islice(every_text(), 0, None, 200)
    while some := list(islice(texts, 1000)):
        check(lid, oracle, some)


@needs_corpus
@pytest.mark.slow
def test_labels_and_scores_are_those_of_fasttext_on_every_real_document(lid: Language, oracle: Oracle) -> None:
    texts = every_text()
    while some := list(islice(texts, 1000)):
        check(lid, oracle, some)


def test_texts_without_words_have_the_label_that_fasttext_gives_to_an_empty_line(lid: Language) -> None:
    found = lid.measure(batch_of(["", " \n"]))
    assert found["language_id"].to_pylist() == ["en", "en"]
    assert found["language_id_score"].to_pylist() == [np.float32(0.12450418)] * 2


def test_the_signals_have_the_types_of_the_catalogue() -> None:
    found = small().measure(batch_of(TEXTS))
    assert {name: values.type for name, values in found.items()} == {
        name: SIGNALS[name].dtype for name in Language.measured
    }
    assert all(values.null_count == 0 for values in found.values())
    assert [len(values) for values in small().measure(batch_of([])).values()] == [0, 0]


@given(st.lists(ANY_TEXT | WORDS, max_size=8), st.lists(ANY_TEXT | WORDS, max_size=8))
def test_a_text_has_the_same_numbers_whatever_was_measured_before(before: list[str], texts: list[str]) -> None:
    stage = small()
    fresh = small().measure(batch_of(texts))
    stage.measure(batch_of(before))
    assert stage.measure(batch_of(texts)) == fresh == stage.measure(batch_of(texts))


def test_a_word_has_the_same_numbers_after_all_others_took_its_place() -> None:
    stage = small()
    first = stage.measure(batch_of(TEXTS))
    stage.measure(batch_of([" ".join(f"word{number}" for number in range(300_000))]))
    assert stage.measure(batch_of(TEXTS)) == first


def test_threads_do_not_disturb_each_other() -> None:
    stage = small()
    batches = [
        batch_of([" ".join(f"w{number * step}" for number in range(5000)) for step in (at, 7)]) for at in range(9)
    ]
    alone = [stage.measure(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(stage.measure, batches)) == alone


@pytest.mark.parametrize("characters", [1, 8, 1000])
def test_the_first_characters_alone_can_be_looked_at(characters: int) -> None:
    texts = [*TEXTS, "e\u0301t\u00e9 \U0001f600" * 3]
    cut = [text[:characters] for text in texts]
    assert small(first_chars=characters).measure(batch_of(texts)) == small().measure(batch_of(cut))


def test_a_slice_of_a_batch_is_measured_as_such() -> None:
    batch = batch_of(TEXTS)
    part = type(batch)(batch.documents.slice(2, 3))
    assert small().measure(part) == {name: values.slice(2, 3) for name, values in small().measure(batch).items()}


def test_other_languages_fall_by_keep_and_unclear_ones_by_min_score_and_both_note_the_score() -> None:
    stage = Language(keep=("en", "fr"), min_score=0.5)
    labels, scores = ["en", "de", "fr", "de"], [0.75, 0.75, 0.25, 0.25]
    expected = [(None, None), ("keep", 0.75), ("min_score", 0.25), ("keep", 0.25)]
    assert judged(stage, labels, scores) == expected


@pytest.mark.parametrize("bound", [0.65, 0.5, 0.0])
def test_a_score_on_the_bound_passes(bound: float) -> None:
    below = float(np.nextafter(np.float32(bound), np.float32(-1)))
    stage = Language(min_score=bound)
    assert judged(stage, ["en"] * 2, [bound, below]) == [(None, None), ("min_score", below)]


def test_null_turns_a_rule_off() -> None:
    assert judged(Language(min_score=None), ["", "xx"], [0.0, 0.1]) == [(None, None)] * 2
    assert judged(Language(min_score=None, keep=("en",)), ["xx"], [1.0]) == [("keep", 1.0)]


def test_a_document_that_was_not_measured_stays() -> None:
    assert judged(Language(keep=("en",)), [None], [None]) == [(None, None)]  # type: ignore[list-item]


def test_calling_the_stage_measures_and_judges() -> None:
    outcome = small(min_score=1.5)(batch_of(TEXTS))
    assert set(outcome.rule.to_pylist()) == {"min_score"}  # type: ignore[union-attr]
    assert outcome.value.cast(pa.float32()) == outcome.columns["language_id_score"]  # type: ignore[union-attr]
    assert outcome.text is None


def test_a_stage_that_was_not_loaded_says_so() -> None:
    with pytest.raises(ValueError, match="call load"):
        Language().measure(batch_of(TEXTS))


def test_loading_changes_nothing_of_the_stage_itself() -> None:
    stage = Language(model=InputFile(path="model.bin"))
    loaded = stage.load(lambda _: {"model.bin": ModelFile().to_bytes()})
    assert loaded.model_dump() == stage.model_dump()
    with pytest.raises(ValueError, match="call load"):
        stage.measure(batch_of(TEXTS))


@pytest.mark.parametrize(
    ("files", "what"),
    [({}, "0 files"), ({"a": b"", "b": b""}, "2 files"), ({"a": b"text"}, "not a fastText model")],
)
def test_what_is_not_one_model_file_is_refused(files: dict[str, bytes], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Language(model=InputFile(path="models/*")).load(lambda _: files)


def test_without_a_model_there_is_nothing_to_load() -> None:
    with pytest.raises(ValueError, match="no model"):
        Language().load(read_file)


@pytest.mark.parametrize("options", [{"keep": ()}, {"first_chars": 0}, {"min_score": -1}, {"min_score": math.nan}])
def test_options_without_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Language(**options)
