"""Gopher quality beside datatrove's filter and Dolma's tagger, on real documents.

The three agree wherever they measure the same. They do not everywhere, and each test says where and why:

datatrove counts only words with a character that is no punctuation, in its number and mean length of words.
Dolma counts every occurrence of a stop word; words that hold a '#' or U+2026 rather than symbols; '*' and '-' at the
very start, and U+2026 at the very end, of what lies between two LF.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from benchmarks.agreement.pairs import QUALITY_RULES
from filters.batch import batch_of
from filters.gopher import STOP_WORDS, GopherQuality
from filters.words import lines, words
from tests.filters.real_texts import CORPUS, json_lines, needs_corpus, real_texts
from tests.filters.references.gopher import measure_text

gopher_quality_filter: Any = pytest.importorskip("datatrove.pipeline.filters.gopher_quality_filter")
documents: Any = pytest.importorskip("datatrove.data")

pytestmark = needs_corpus


@pytest.fixture
def datatrove(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - an untyped library
    monkeypatch.setattr(gopher_quality_filter, "split_into_words", lambda text, _language: words(text))
    return gopher_quality_filter.GopherQualityFilter()


def verdict_of(datatrove: Any, text: str) -> str | None:  # noqa: ANN401 - an untyped library
    answer = datatrove.filter(documents.Document(text=text, id="0"))
    return None if answer is True else QUALITY_RULES[answer[1]]


def is_punctuation(word: str) -> bool:
    return all(char in gopher_quality_filter.PUNCTUATION_SET for char in word)


def test_verdicts_are_datatroves_on_documents_without_words_of_punctuation(datatrove: Any) -> None:  # noqa: ANN401 - see above
    texts = [text for text in real_texts(9) if not any(map(is_punctuation, words(text)))]
    ours = GopherQuality()(batch_of(texts)).rule
    assert ours is not None
    assert ours.to_pylist() == [verdict_of(datatrove, text) for text in texts]
    assert len(texts) > 120


def test_on_all_others_words_of_punctuation_are_the_whole_difference(datatrove: Any) -> None:  # noqa: ANN401 - see above
    texts = [text for text in real_texts(9) if any(map(is_punctuation, words(text)))]
    stage = GopherQuality()
    counted = [[word for word in words(text) if not is_punctuation(word)] for text in texts]
    columns = dict(stage.measure(batch_of(texts)))
    columns["word_count"] = pa.array([len(own) for own in counted])
    columns["mean_word_length"] = pa.array([sum(map(len, own)) / max(len(own), 1) for own in counted], pa.float32())
    assert stage.judge(columns).rule.to_pylist() == [verdict_of(datatrove, text) for text in texts]
    assert len(texts) > 600


@cache
def measured(text: str) -> dict[str, float]:
    return measure_text(text, frozenset(STOP_WORDS))


@cache
def tagged_documents() -> tuple[tuple[str, dict[str, float]], ...]:
    """Return each document that Dolma's own tagger was run on, and what it said, rounded to five places."""
    return tuple(_tagged_documents())


def _tagged_documents() -> Iterator[tuple[str, dict[str, float]]]:
    for path in sorted(CORPUS.glob("dolma/*/attributes/gopher_v1/*.json.gz")):
        texts = json_lines(path.parents[2] / "documents" / path.name)
        for tagged, document in zip(json_lines(path), texts, strict=True):
            assert tagged["id"] == document["id"]
            scores = {name.split("__")[-1]: spans[0][2] for name, spans in tagged["attributes"].items() if spans}
            yield document["text"], scores


def test_words_and_letters_are_those_of_dolma() -> None:
    pairs = [(measured(text), scores) for text, scores in tagged_documents()]
    assert [ours["word_count"] for ours, _ in pairs] == [scores["word_count"] for _, scores in pairs]
    assert [ours["frac_words_with_alpha"] for ours, _ in pairs] == pytest.approx(
        [scores["fraction_of_words_with_alpha_character"] for _, scores in pairs], abs=1e-5
    )
    assert len(pairs) == 830


def test_dolma_counts_stop_words_where_we_do_and_each_as_often_as_it_stands() -> None:
    for text, scores in tagged_documents():
        found = [word for word in words(text) if word in STOP_WORDS]
        assert scores["required_word_count"] == len(found)
        assert measured(text)["stop_word_count"] == len(set(found))


def test_symbols_are_those_of_dolma_where_each_stands_in_a_word_of_its_own() -> None:
    alike = 0
    for text, scores in tagged_documents():
        kinds = [kind for kind in ("#", "\u2026", "...") if kind in text]
        if kinds not in ([], ["#"], ["\u2026"]) or any(word.count(kind) > 1 for word in words(text) for kind in kinds):
            continue
        ours = measured(text)["symbol_to_word_ratio"]
        assert ours == pytest.approx(scores["symbol_to_word_ratio"], abs=1e-5)
        alike += ours > 0
    assert alike > 20


def counted(text: str, scores: dict[str, float], ours: str, dolmas: str) -> tuple[float, float]:
    """Return how many lines each counted: their fractions are of different totals where the text ends in a line end."""
    return measured(text)[ours] * len(lines(text)), scores[dolmas] * len(text.split("\n"))


def test_bullet_lines_are_those_of_dolma_where_no_bullet_is_indented_and_none_is_a_star_or_a_dot() -> None:
    alike = 0
    for text, scores in tagged_documents():
        bullets = [line for line in text.split("\n") if line.lstrip().startswith(("-", "*", "\u2022"))]
        if all(line.startswith("-") for line in bullets):
            ours, dolmas = counted(text, scores, "frac_bullet_lines", "fraction_of_lines_starting_with_bullet_point")
            assert ours == pytest.approx(dolmas, abs=1e-5 * (1 + text.count("\n")))
            alike += ours > 0
    assert alike > 20


def test_ellipsis_lines_are_those_of_dolma_where_nothing_follows_and_none_is_made_of_dots() -> None:
    alike = 0
    for text, scores in tagged_documents():
        ellipses = [line for line in text.split("\n") if line.rstrip().endswith(("...", "\u2026"))]
        if all(line.endswith("\u2026") for line in ellipses):
            ours, dolmas = counted(text, scores, "frac_ellipsis_lines", "fraction_of_lines_ending_with_ellipsis")
            assert ours == pytest.approx(dolmas, abs=1e-5 * (1 + text.count("\n")))
            alike += ours > 0
    assert alike > 40
