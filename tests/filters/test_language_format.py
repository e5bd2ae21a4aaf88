"""Model files of every kind that is supported give fastText's own labels and scores; all others are refused."""

import struct

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.fasttext_format import read_fasttext
from filters.fasttext_labeller import Labeller
from filters.kernels.fasttext import Model, new_cache
from filters.kernels.scans import Scans
from tests.filters.references.fasttext_file import NEGATIVE_SAMPLING, SKIPGRAM, SOFTMAX, ModelFile
from tests.filters.references.fasttext_oracle import Oracle

KEPT = tuple(range(3, 1000, 4))

FILES = {
    "hierarchical softmax": ModelFile(),
    "softmax": ModelFile(loss=SOFTMAX),
    "no n-grams": ModelFile(longest=0, buckets=0),
    "n-grams of one to six characters": ModelFile(shortest=1, longest=6),
    "n-grams of three characters": ModelFile(shortest=3, longest=3),
    "shortest n-grams of no character": ModelFile(shortest=0, longest=2),
    "one bucket": ModelFile(buckets=1),
    "three buckets": ModelFile(buckets=3),
    "two million buckets": ModelFile(buckets=2_000_000, dim=1),
    "version 11, which has no n-grams": ModelFile(version=11, longest=4),
    "quantized": ModelFile(quantized=True),
    "quantized, also the output": ModelFile(quantized=True, quantized_output=True, dim=8),
    "pruned": ModelFile(quantized=True, kept=KEPT),
    "pruned to nothing": ModelFile(quantized=True, kept=()),
    "no end of line": ModelFile(words=("the", "und")),
    "no words": ModelFile(words=()),
    "thirty-five dimensions": ModelFile(dim=35),
    "one label": ModelFile(labels=("__label__en",)),
    "one label, softmax": ModelFile(labels=("__label__en",), loss=SOFTMAX),
    "labels without the prefix": ModelFile(labels=("en", "de", "fr")),
    "many labels": ModelFile(labels=tuple(f"__label__{number}" for number in range(300))),
}

TOKENS = (
    *("the", "und", "\u00e9t\u00e9", "mot", "</s>", "</s", "__label__", "__label__en", "__label__no", "en", "a", "ab"),
    *("\u4e2d\u6587\u7684\u53e5\u5b50", "\U0001f600", "e\u0301", "\u00a0", "\u2028", "\x1c", "\x85", "<", ">", "<a>"),
    *("sixteen_bytes_ab", "seventeen_bytes_a", "thirty-two bytes of a word, no: 4", "x" * 700, "\u00df" * 300),
)
SEPARATORS = tuple(" \t\n\v\f\r\0")

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(st.sampled_from(TOKENS + SEPARATORS), max_size=30).map("".join),
    st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join),
)


def labels(model: Labeller, texts: list[str]) -> list[tuple[str, float]]:
    found, scores = model.label(Scans(pa.array(texts, pa.large_string())))
    return list(zip(found.to_pylist(), scores.to_pylist(), strict=True))


@pytest.fixture(scope="module", params=FILES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Labeller, Oracle]:
    data = FILES[request.param].to_bytes()
    path = tmp_path_factory.mktemp("models") / "model.bin"
    path.write_bytes(data)
    return Labeller.read(data), Oracle(path)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_labels_and_scores_are_those_of_fasttext(pair: tuple[Labeller, Oracle], texts: list[str]) -> None:
    model, oracle = pair
    for text, (label, score) in zip(texts, labels(model, texts), strict=True):
        theirs, best = oracle.predict(text)
        assert score == pytest.approx(best, abs=1e-4)
        if label != theirs:  # only where rounding may decide
            assert best - oracle.scores(text)[label] < 1e-5


@given(st.lists(TEXTS, min_size=1, max_size=4), st.integers(0, 1000))
def test_what_a_cache_has_room_for_changes_no_label_and_no_score(texts: list[str], room: int) -> None:
    data = FILES["thirty-five dimensions"].to_bytes()
    small, large = Labeller.read(data), Labeller.read(data)
    small.spare.append(new_cache(room, small.model.arrays))
    assert small.spare[0].sums.nbytes <= max(room, small.spare[0].sums[0].nbytes)
    assert labels(small, texts) == labels(large, texts)


def test_a_text_without_any_feature_has_no_label() -> None:
    model = Labeller.read(FILES["no end of line"].to_bytes())
    assert labels(model, ["", " \n", "</s> the", "__label__en"]) == [("", 0.0)] * 4


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "ends early"),
        (b"\0" * 1000, "does not begin"),
        (struct.pack("<2i", 793712314, 13) + bytes(1000), "version 12"),
        (ModelFile(model=SKIPGRAM).to_bytes(), "supervised"),
        (ModelFile(loss=NEGATIVE_SAMPLING).to_bytes(), "softmax"),
        (ModelFile(word_ngrams=2).to_bytes(), "n-grams of words"),
        (ModelFile(labels=()).to_bytes(), "no labels"),
        (ModelFile(quantized=True, kept=(1, 1)).to_bytes(), "do not have a vector each"),
        (ModelFile(quantized=True, kept=(1, 1000)).to_bytes(), "do not have a vector each"),
        (ModelFile(buckets=0).to_bytes(), "it has no buckets"),
        (ModelFile(longest=200).to_bytes(), "200 characters"),
        (ModelFile().to_bytes()[:-1], "ends early"),
    ],
)
def test_what_is_no_model_that_can_be_used_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        read_fasttext(data)


def arrays_or_refusal(data: bytes) -> Model | str:
    try:
        return read_fasttext(data).arrays
    except ValueError as refused:
        return str(refused)


@pytest.mark.parametrize("name", ["hierarchical softmax", "pruned", "quantized, also the output"])
@given(at=st.integers(0, 599), byte=st.integers(0, 255), cut=st.integers(0, 20_000))
def test_a_damaged_file_is_refused_or_consistent(name: str, at: int, byte: int, cut: int) -> None:
    data = bytearray(FILES[name].to_bytes())
    data[at] = byte
    model = arrays_or_refusal(bytes(data[: len(data) - max(cut - 10_000, 0)]))
    if isinstance(model, str):
        assert "not a fastText model" in model
        return
    kept = int(model.before[-1]) + int(model.kept[-1]).bit_count()
    assert model.rows.shape == (model.words + kept, model.output.shape[1])
    assert model.children.max(initial=-1) < len(model.children)
