"""Classifiers: fastText models, trained the same every time, and what they say of any text."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import fasttext
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from filters.batch import InputFile, batch_of
from filters.classifier import MODEL_FILE, Classifier, Training
from filters.fasttext_models import Model, Options, one_line, train

GOOD, BAD = "the evidence supports the conclusion", "click here to win free pills"
EXAMPLES = [(f"{GOOD} {number}", True) for number in range(20)] + [(f"{BAD} {number}", False) for number in range(20)]
SMALL = Options(dim=5, epochs=20, buckets=500)
MODEL = train(EXAMPLES, SMALL)
TRAINING = Training(positive=("good",), negative=("bad",))

FITTED = Classifier(train=TRAINING).fitted({MODEL_FILE: MODEL})
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(
    st.sampled_from(["evidence", "pills", "\n", " ", "\u2028", "\0", "__label__hq", "__label__", "\r\n", "é"]),
    max_size=9,
).map(" ".join)


def scores(classifier: Classifier, *texts: str) -> list[float]:
    found: list[float] = classifier.measure(batch_of(list(texts)))[classifier.signal].to_pylist()
    return found


def published(text: str) -> float:
    """Return what fastText's own interface says, with the text as DCLM gives it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.bin"
        path.write_bytes(MODEL)
        model = fasttext.load_model(str(path))
    labels, probabilities = model.predict(" ".join(text.strip().splitlines()).replace("\n", " "), k=2)
    return float(np.float32(dict(zip(labels, probabilities, strict=True))["__label__hq"]))


def test_texts_like_the_good_ones_score_high() -> None:
    good, bad = scores(FITTED, GOOD, BAD)
    assert good > 0.9
    assert bad < 0.1


@settings(deadline=None, max_examples=40)
@given(TEXTS)
def test_any_text_has_the_score_that_fasttext_gives_it(text: str) -> None:
    (score,) = scores(FITTED, text)
    assert score == published(text)
    assert 0 <= score <= 1.0001
    assert scores(FITTED, "other", text)[1] == score


def test_blank_texts_have_the_score_of_the_end_of_a_line() -> None:
    assert len(set(scores(FITTED, "", " ", "\n\n", "\t"))) == 1


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=8))
def test_any_texts_can_be_learnt_twice_alike(examples: list[tuple[str, bool]]) -> None:
    options = Options(dim=3, epochs=3, buckets=50)
    assert train(examples, options) == train(iter(examples), options)


def test_words_that_look_like_labels_are_none() -> None:
    examples = [(f"{text} __label__cc __label__new", positive) for text, positive in EXAMPLES]
    model = Model(train(examples, SMALL), "__label__hq")
    assert model.score(GOOD) > 0.9
    assert model.score(BAD) < 0.1


TRAIN_AGAIN = """
import hashlib, os
from tests.filters.test_classifier import EXAMPLES, Options, train
held = [os.urandom(size) for size in (10, 1000, 100_000, 3_000_000)] * 5
del held
for dim, buckets in ((1, 100), (5, 500), (16, 10_000), (100, 10_000)):
    print(hashlib.sha256(train(EXAMPLES, Options(dim=dim, epochs=9, buckets=buckets))).hexdigest())
"""


def test_two_processes_train_the_same_bytes() -> None:
    command = [sys.executable, "-c", TRAIN_AGAIN]
    root = Path(__file__).parents[2]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0].split())) == 4
    here = hashlib.sha256(train(EXAMPLES, Options(dim=5, epochs=9, buckets=500))).hexdigest()
    assert here == runs[0].split()[1]


def test_a_text_is_one_line_as_dclm_makes_it() -> None:
    assert one_line(" a\r\nb\u2028c\n\n d ") == "a b c   d"


def read_as(data: bytes) -> Mapping[str, bytes]:
    return {"model.bin": data}


def test_a_model_that_exists_is_loaded_and_asked_for_its_label() -> None:
    model = Classifier(model=InputFile(path="m.bin")).load(lambda _: read_as(MODEL))
    other = Classifier(model=InputFile(path="m.bin"), label="__label__cc").load(lambda _: read_as(MODEL))
    first = Classifier(model=InputFile(path="m.bin"), label=None).load(lambda _: read_as(MODEL))
    assert scores(model, GOOD, BAD) == scores(FITTED, GOOD, BAD)
    assert np.add(scores(model, GOOD), scores(other, GOOD)) == pytest.approx(1, abs=1e-4)
    assert scores(first, GOOD) in (scores(model, GOOD), scores(other, GOOD))


@pytest.mark.parametrize(
    ("files", "label", "problem"),
    [
        ({"m": MODEL}, "__label__eli5", r"no label '__label__eli5'; it knows __label__"),
        ({"m": b"no model"}, "__label__hq", "wrong file format"),
        ({"m": MODEL, "n": MODEL}, "__label__hq", "2 files; a model is one"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused(files: dict[str, bytes], label: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Classifier(model=InputFile(path="m*"), label=label).load(lambda _: files)


def test_a_classifier_without_a_model_says_so() -> None:
    with pytest.raises(ValueError, match="load"):
        Classifier(train=TRAINING).measure(batch_of(["a"]))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"train": TRAINING, "model": InputFile(path="m")},
        {"train": TRAINING, "label": "__label__x"},
        {"train": TRAINING, "name": "Not a name"},
        {"train": {"positive": ()}},
        {"train": {"positive": ("a",)}},
        {"train": {"positive": ("a",), "negative": ("a",)}},
        {"train": {"positive": ("a",), "negative": ("b",), "on": ("c",)}},
        {"train": {"labels": "x", "positive": ("a",), "held_out": 1.0}},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Classifier.model_validate(options)


def test_a_score_on_the_bound_passes() -> None:
    stored = scores(FITTED, GOOD, BAD)[0]
    for least, kept in ((stored, [True, False]), (0.0, [True, True]), (None, [True, True]), (2.0, [False, False])):
        classifier = Classifier(train=TRAINING, min_score=least).fitted({MODEL_FILE: MODEL})
        outcome = classifier(batch_of([GOOD, BAD]))
        assert outcome.rule is not None
        assert outcome.rule.is_null().to_pylist() == kept


def test_a_score_that_was_not_measured_fails_nothing() -> None:
    judged = Classifier(train=TRAINING, min_score=0.9).judge({"quality_score": pa.array([None, 0.1], pa.float32())})
    assert judged.rule.to_pylist() == [None, "min_score"]


def test_a_classifier_names_its_signal() -> None:
    (signal,) = Classifier(name="edu", train=TRAINING).signals.values()
    assert (signal.name, signal.dtype) == ("edu_score", pa.float32())
