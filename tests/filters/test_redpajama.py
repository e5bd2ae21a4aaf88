"""RedPajama v2's signals: equal to the plain ones on any text, to RedPajama-Data's own on its documents."""

import gzip
import json
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.batch import Batch, InputFile, batch_of
from filters.redpajama import RedpajamaSignals
from filters.redpajama_words import normalize
from filters.signals import SIGNALS
from tests.filters.real_texts import CORPUS, needs_corpus
from tests.filters.references import redpajama as plain
from tests.filters.references.redpajama import Value

PIECES = st.sampled_from(
    [
        *"aAbB1_ .,!?#{}\n\t\x1c\x85\u00b2\u00bd\u2160\u2022\u2013\u2026\u201d\u2003",
        *"\u00c9\u00e9\u0301\u0323\u0327\u0345\u03a3\u03c3\u00ad\u2019\u0130\u0131\u017f\u01c5\u1f88\u24b6\uac01\u1e69",
        "lorem ",
        "lorem-",
        "Lorem ipsum",
        "ip\u017fum ",
        "lore m\u0301",
        "...",
        "javascript ",
        "the cat sat on the mat ",
        "one two three four five six seven eight nine ten ",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join), st.text(PIECES.map(lambda piece: piece[0])))


def measured(text: str) -> dict[str, Value]:
    return {name: column.to_pylist()[0] for name, column in RedpajamaSignals().measure(batch_of([text])).items()}


def float32(value: Value) -> Value:
    if isinstance(value, list):
        return [float(np.float32(number)) for number in value]
    return float(np.float32(value)) if isinstance(value, float) else value


def close(one: Value, other: Value) -> bool:
    return one is None if other is None else one == pytest.approx(other, rel=2e-7, abs=1e-12)


@given(TEXTS)
@example("")
@example("lorem ipsum LOREM \u0131psum lorem-ip\u017fum")
@example("\u1e69 s\u0323\u0307 s\u0307\u0323 \u03a3\u0391\u03a3 \u03c3\u03b1\u03c2 a\u0301'\u0323 a\u0323\u0301")
@example("\u01c5A \u24b6\u24b7 A1_ Ab {..}....\u2026 ...")
def test_signals_equal_the_plain_ones(text: str) -> None:
    ours, theirs = measured(text), plain.signals(text)
    assert {name: ours[name] for name in theirs if not close(ours[name], float32(theirs[name]))} == {}


@given(st.lists(TEXTS, max_size=5))
def test_a_document_is_measured_the_same_alone_and_among_others(texts: list[str]) -> None:
    together = RedpajamaSignals().measure(batch_of(texts))
    rows = [{name: column[row].as_py() for name, column in together.items()} for row in range(len(texts))]
    assert rows == [measured(text) for text in texts]


@given(st.lists(TEXTS, min_size=2, max_size=4))
def test_a_slice_of_a_batch_is_measured_as_if_it_were_whole(texts: list[str]) -> None:
    sliced = Batch(batch_of(texts).documents.slice(1))
    assert RedpajamaSignals().measure(sliced) == RedpajamaSignals().measure(batch_of(texts[1:]))


@given(TEXTS)
def test_normalize_is_redpajamas(text: str) -> None:
    assert normalize(text) == plain.normalize(text)


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000"])
def test_a_text_without_words_has_no_ratios_of_words(text: str) -> None:
    found = measured(text)
    assert found["rps_doc_word_count"] == 0
    assert found["rps_doc_mean_word_length"] is None
    assert found["rps_doc_frac_all_caps_words"] is None
    assert found["rps_doc_frac_chars_dupe_5grams"] == 0
    assert found["rps_lines_num_words"] == [0.0] * len(plain.LINE.findall(text))


def test_every_signal_has_the_type_of_its_entry() -> None:
    columns = RedpajamaSignals().measure(batch_of(["Some text.\nMore text.", ""]))
    assert tuple(columns) == RedpajamaSignals.measured
    assert {name: column.type for name, column in columns.items()} == {name: SIGNALS[name].dtype for name in columns}


def loaded(
    language: str | None, stop_words: object = None, bad_words: Mapping[str, str] | None = None
) -> RedpajamaSignals:
    files = {
        "stop": {"stop.json": json.dumps(stop_words).encode()},
        "bad": {name: text.encode() for name, text in (bad_words or {}).items()},
    }
    stop, bad = stop_words and InputFile(path="stop"), bad_words and InputFile(path="bad")
    stage = RedpajamaSignals(stop_words=stop or None, bad_words=bad or None, language=language)
    return stage.load(lambda file: files[file.path])


WORDS = st.lists(st.sampled_from(["the", "The", "a", "\u00e9", "e\u0301", "x_1", "don't", ""]), min_size=1)


@given(st.lists(st.sampled_from(["the", "The", "a", "\u00e9", "x_1", "don't", ".", "\n"])).map(" ".join), WORDS)
def test_stop_words_are_counted_as_written(text: str, stop_words: list[str]) -> None:
    found = loaded("en", {"en": stop_words}).measure(batch_of([text]))["rps_doc_stop_word_fraction"]
    assert found.to_pylist() == [float32(plain.stop_word_fraction(text, set(stop_words)))]


ENTRIES = st.lists(
    st.sampled_from(["bad", "Bad", "bad word", "very bad word", "a-b", "b\u00e9", "be\u0301", ""]), min_size=1
)


@given(st.lists(st.sampled_from(["bad", "BAD", "word", "very", "b\u00e9", "a-b", "ab", "."])).map(" ".join), ENTRIES)
def test_rows_of_bad_words_are_counted_in_normalized_text(text: str, entries: list[str]) -> None:
    found = loaded("en", bad_words={"en.txt": "\n".join(entries)}).measure(batch_of([text]))["rps_doc_ldnoobw_words"]
    assert found.to_pylist() == [plain.bad_word_count(text, set(entries))]


def test_lists_go_by_the_language_of_each_document() -> None:
    documents = batch_of(["der the", "der the", "der the", "der the"]).documents
    languages = pa.array(["de", "en", None, "fi"], pa.string())
    documents = documents.set_column(documents.schema.get_field_index("language"), "language", languages)
    stage = loaded(None, {"de": ["der"], "en": ["the", "der"]}, {"de": "der\nder the", "en": "nothing"})
    columns = stage.measure(Batch(documents))
    assert columns["rps_doc_stop_word_fraction"].to_pylist() == [0.5, 1.0, None, None]
    assert columns["rps_doc_ldnoobw_words"].to_pylist() == [2, 0, None, None]


def test_without_lists_their_signals_are_not_measured() -> None:
    found = measured("the bad word")
    assert found["rps_doc_stop_word_fraction"] is None
    assert found["rps_doc_ldnoobw_words"] is None


def test_a_stage_with_lists_must_be_loaded() -> None:
    with pytest.raises(ValueError, match=r"call load\(read\)"):
        RedpajamaSignals(stop_words=InputFile(path="stop")).measure(batch_of(["text"]))


@pytest.mark.parametrize("content", [b"[", b"[1]", b'{"en": "the"}'])
def test_a_file_that_is_no_stop_word_list_is_named(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"stop words: lists/x\.json"):
        RedpajamaSignals(stop_words=InputFile(path="x")).load(lambda _file: {"lists/x.json": content})


def test_a_bad_word_list_that_is_no_text_is_named() -> None:
    with pytest.raises(ValueError, match="bad words: lists/en is not UTF-8"):
        RedpajamaSignals(bad_words=InputFile(path="x")).load(lambda _file: {"lists/en": b"\xff"})


NEEDS_LISTS = ("rps_doc_stop_word_fraction", "rps_doc_ldnoobw_words")
ON_RAW_WORDS = ("rps_doc_frac_all_caps_words", "rps_doc_frac_no_alph_words", "rps_doc_symbol_to_word_ratio")


def oracle_documents() -> Iterator[tuple[str, dict[str, list[list[float | None]]]]]:
    for path in sorted(CORPUS.glob("redpajama_v2*/quality_signals/**/*.signals.json.gz")):
        documents = str(path).replace("quality_signals", "documents").replace(".signals.json", ".json")
        with gzip.open(path, "rt") as signals, gzip.open(documents, "rt") as texts:
            for row, document in zip(signals, texts, strict=True):
                yield json.loads(document)["raw_content"], json.loads(row)["quality_signals"]


def equal_to_oracle(ours: Value, theirs: list[list[float | None]]) -> bool:
    values = [span[2] for span in theirs]
    return close_enough(ours if isinstance(ours, list) else [ours], values)


def close_enough(ours: list[float] | list[float | None], theirs: list[float | None]) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(
        one is None if other is None else one == pytest.approx(other, abs=1e-6, rel=1e-6) for one, other in pairs
    )


def engines_agree(text: str) -> bool:
    """Whether NLTK splits raw words the same by `re`, as in 2023, and by `regex`, as it does since 3.10."""
    regex = pytest.importorskip("regex")
    return bool(plain.RAW_WORD.findall(text) == regex.findall(plain.RAW_WORD.pattern, text))


@needs_corpus
def test_signals_are_those_of_redpajama_data_on_its_documents() -> None:
    texts, oracles = zip(*oracle_documents(), strict=True)
    columns = {name: column.to_pylist() for name, column in RedpajamaSignals().measure(batch_of(list(texts))).items()}
    wrong = [
        (name, row)
        for name, values in columns.items()
        if name not in NEEDS_LISTS
        for row, theirs in enumerate(oracles)
        if not equal_to_oracle(values[row], theirs[name])
    ]
    assert len(texts) > 300
    assert [(name, row) for name, row in wrong if name not in ON_RAW_WORDS or engines_agree(texts[row])] == []


@needs_corpus
def test_what_differs_is_how_newer_versions_of_nltk_split_raw_words() -> None:
    regex = pytest.importorskip("regex")
    others = [(text, oracle) for text, oracle in oracle_documents() if not engines_agree(text)]
    assert others
    for text, oracle in others:
        found = plain.raw_signals(text, regex.findall(plain.RAW_WORD.pattern, text))
        assert {name: equal_to_oracle(found[name], oracle[name]) for name in found} == dict.fromkeys(found, True)
