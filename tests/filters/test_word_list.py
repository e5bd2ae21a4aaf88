"""Word lists: hits by whole word as C4's expression finds them, and by substring where words are not separated."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import InputFile, batch_of, measuring_options
from filters.word_list import WordList
from tests.filters.real_texts import needs_corpus, real_texts

WORDS = ("river", "two words", "caf\u00e9", "s&m", "\u03c3\u03b1\u03c2", "i\u0307x", "-dash")
TEXT = st.lists(
    st.sampled_from(
        [
            *WORDS,
            "River",
            "Two",
            "\u03a3\u0391\u03a3",
            "\u0130X",
            "CAF\u00c9",
            " ",
            " ",
            "-",
            "\n",
            "_",
            "s",
            "\u00e9",
            "&",
        ]
    ),
    max_size=9,
).map("".join)


def loaded(words: tuple[str, ...] = WORDS, **options: object) -> WordList:
    content = "\n".join(["# a comment", "", *words]).encode()
    return WordList.model_validate({"words": "words.txt", **options}).load(lambda _: {"words.txt": content})


def c4_expression(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?:\W|^)({'|'.join(map(re.escape, words))})(?:\W|$)")


def hits(stage: WordList, texts: list[str]) -> list[int]:
    found: list[int] = stage.measure(batch_of(texts))["word_list_hits"].to_pylist()
    return found


@given(st.lists(TEXT | st.text()))
def test_a_text_has_hits_where_c4s_expression_finds_one(texts: list[str]) -> None:
    expression = c4_expression(WORDS)
    assert [count > 0 for count in hits(loaded(), texts)] == [bool(expression.search(text.lower())) for text in texts]


@given(st.lists(TEXT | st.text()))
def test_the_hits_are_all_places_at_which_an_entry_begins(texts: list[str]) -> None:
    for match, before, behind in (("word", r"(?<!\w)", r"(?!\w)"), ("substring", "", "")):
        patterns = [re.compile(f"{before}(?={re.escape(word)}{behind})") for word in WORDS]
        wanted = [sum(len(pattern.findall(text.lower())) for pattern in patterns) for text in texts]
        assert hits(loaded(match=match), texts) == wanted


def test_japanese_and_chinese_words_are_found_without_spaces_around_them() -> None:
    texts = ["\u6771\u4eac\u90fd\u306e\u5929\u6c17", "\u4eac\u90fd"]
    assert hits(loaded(("\u6771\u4eac",), match="substring"), texts) == [1, 0]
    assert hits(loaded(("\u6771\u4eac",)), texts) == [0, 0]


def test_one_hit_drops_a_document_unless_more_are_allowed_or_the_rule_is_off() -> None:
    batch = batch_of(["", " ", "a river", "river, river"])
    for bound, rules in ((0, [None, None, "max_hits", "max_hits"]), (1, [None] * 3 + ["max_hits"]), (None, [None] * 4)):
        outcome = loaded(max_hits=bound)(batch)
        assert outcome.rule is not None
        assert outcome.rule.to_pylist() == rules
        assert loaded().judge(outcome.columns).value.to_pylist() == [None, None, 1.0, 2.0]


def test_lists_must_be_loaded_before_the_stage_measures() -> None:
    with pytest.raises(ValueError, match=r"call load\(\) first"):
        WordList(words=InputFile(path="words.txt")).measure(batch_of(["text"]))


def test_the_signal_is_called_after_the_list() -> None:
    assert list(loaded(name="slurs").measure(batch_of(["x"]))) == ["slurs_hits"] == list(loaded(name="slurs").signals)


def test_bounds_are_no_part_of_what_is_measured() -> None:
    assert measuring_options(loaded(max_hits=3)) == measuring_options(loaded())
    assert measuring_options(loaded(match="substring")) != measuring_options(loaded())


@needs_corpus
def test_real_texts_have_the_hits_of_c4s_expression() -> None:
    words = ("river", "the people", "und", "\u0433\u043e\u0434", "de la", "e-mail", "\u03c4\u03b7\u03c2", "ve")
    texts = [*real_texts(12)]
    expression = c4_expression(words)
    found = hits(loaded(words), texts)
    assert [count > 0 for count in found] == [bool(expression.search(text.lower())) for text in texts]
    assert sum(found) > 1000
