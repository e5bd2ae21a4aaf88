"""C4's rules: the published examples, both editions, and the plain reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from filters.batch import batch_of
from filters.c4 import C4Quality
from filters.signals import SIGNALS
from tests.filters.line_texts import HOSTILE, line_batches
from tests.filters.references.c4 import measured

FIVE = "First sentence here. Second sentence here. Third one here. Fourth one here. And the fifth.\n"


def rule_of(text: str, stage: C4Quality | None = None) -> str | None:
    rule = (stage or C4Quality())(batch_of([text])).rule
    assert rule is not None
    answer: str | None = rule[0].as_py()
    return answer


def left_of(text: str, stage: C4Quality) -> str:
    answer: str = stage.edit(batch_of([text]))[0].as_py()
    return answer


EVERYTHING = C4Quality(min_num_sentences=None)

stages = st.builds(
    C4Quality,
    edition=st.sampled_from(["paper", "code"]),
    split_paragraph=st.booleans(),
    remove_citations=st.booleans(),
    filter_no_terminal_punct=st.booleans(),
    min_words_per_line=st.sampled_from([None, 0, 1, 3]),
    count_words_of_citations=st.booleans(),
    max_word_length=st.sampled_from([None, 0, 4, 1000]),
    filter_javascript=st.booleans(),
    filter_policy=st.booleans(),
)


@given(stages, line_batches)
def test_signals_and_text_are_those_of_the_plain_rules(stage: C4Quality, values: list[str]) -> None:
    batch = batch_of(values)
    columns, edited = stage.measure(batch), stage.edit(batch)
    for number, text in enumerate(values):
        expected, left = measured(stage, text)
        assert {name: column[number].as_py() for name, column in columns.items()} == expected
        assert edited[number].as_py() == left
    assert {name: column.type for name, column in columns.items()} == {name: SIGNALS[name].dtype for name in columns}


@given(stages, line_batches, st.booleans(), st.data())
def test_documents_taken_from_a_batch_are_edited_as_on_their_own(
    stage: C4Quality,
    values: list[str],
    measured_before: bool,
    data: st.DataObject,
) -> None:
    batch = batch_of(values)
    if measured_before:
        stage.measure(batch)
    rows = [row for row in range(len(values)) if data.draw(st.booleans())]
    taken = batch.take(np.array(rows, np.int64))
    assert stage.edit(taken).to_pylist() == [left_of(values[row], stage) for row in rows]
    again = taken.take(np.arange(len(rows), dtype=np.int64)[::2])
    assert stage.edit(again).to_pylist() == [left_of(values[row], stage) for row in rows[::2]]
    alone = stage.measure(batch_of([values[row] for row in rows]))
    assert {name: column.to_pylist() for name, column in stage.measure(taken).items()} == {
        name: column.to_pylist() for name, column in alone.items()
    }


@pytest.mark.parametrize("shift", range(130))
def test_a_citation_is_cut_wherever_it_lies_in_a_block(shift: int) -> None:
    line = "\u00e9" * (shift % 2) + "x" * shift + "[1]" + " and so on [2" + " to the end of it." * (shift % 5)
    left = line.replace("[1]", "").strip()
    assert C4Quality(filter_no_terminal_punct=False).edit(batch_of(["Before it.", line, "[edit]"])).to_pylist() == [
        "",
        left,
        "",
    ]


@pytest.mark.parametrize("text", ["", " \n\t\n ", "\ufeff"])
def test_an_empty_document_has_too_few_sentences(text: str) -> None:
    assert rule_of(text) == "min_num_sentences"
    assert rule_of(text, C4Quality(min_num_sentences=0)) is None
    assert left_of(text, EVERYTHING) == ""


@pytest.mark.parametrize(
    ("line", "signal"),
    [
        ("A line that ends well.", "c4_kept_lines"),
        ("A line that ends in nothing", "c4_no_terminal_punct_lines"),
        ("A line that trails off...", "c4_no_terminal_punct_lines"),
        ("Too short.", "c4_few_words_lines"),
        ("Please enable JavaScript to go on.", "c4_javascript_lines"),
        ("Read our Privacy Policy before you go.", "c4_policy_lines"),
        ("This site uses coo\u212aies, as they all do.", "c4_policy_lines"),
        ("It goes " + "x" * 1001 + " on.", "c4_long_word_lines"),
        ("It goes " + "x" * 1000 + " on.", "c4_kept_lines"),
    ],
)
def test_each_line_is_counted_where_it_falls(line: str, signal: str) -> None:
    columns = EVERYTHING.measure(batch_of([f"  {line}\t\n"]))
    assert columns[signal].to_pylist() == columns["c4_line_count"].to_pylist() == [1]
    assert left_of(line, EVERYTHING) == (line if signal == "c4_kept_lines" else "")


def test_pages_fall_by_the_first_of_three_rules() -> None:
    assert rule_of(FIVE) is None
    assert rule_of(FIVE + "Lorem Ipsum dolor sit.") == "filter_lorem_ipsum"
    assert rule_of(FIVE + "while (true) { go on; } and on.") == "filter_curly_bracket"
    assert rule_of("One sentence is here.") == "min_num_sentences"
    assert rule_of(FIVE + "while { } lorem ipsum") is None  # a line that falls condemns no page


def test_a_page_with_exactly_the_least_number_of_sentences_stays() -> None:
    assert C4Quality().measure(batch_of([FIVE]))["c4_sentence_count"].to_pylist() == [5]
    assert rule_of(FIVE, C4Quality(min_num_sentences=5)) is None
    assert rule_of(FIVE, C4Quality(min_num_sentences=6)) == "min_num_sentences"


def test_citations_are_cut_and_the_words_before_counted_or_those_behind() -> None:
    text = "Rome fell twice.[1][citation needed]\nA [2] b.\n"
    assert left_of(text, EVERYTHING) == "Rome fell twice.\nA  b."
    assert left_of(text, C4Quality(count_words_of_citations=False)) == "Rome fell twice."
    assert left_of(text, C4Quality(remove_citations=False)) == "A [2] b."


def test_citations_in_one_document_move_no_other() -> None:
    values = ["No citation here.", "One [1] citation here.", "None in this one."]
    assert C4Quality(min_num_sentences=1)(batch_of(values)).text.to_pylist() == [  # type: ignore[union-attr] # it edits
        "No citation here.",
        "One  citation here.",
        "None in this one.",
    ]


def test_the_edition_of_the_code_asks_for_three_sentences_and_five_words_and_no_apostrophe() -> None:
    code = C4Quality(edition="code")
    assert (code.min_num_sentences, code.min_words_per_line) == (3, 5)
    assert left_of("Only four words here.\nThere are five words here.", code) == "There are five words here."
    assert left_of("He said that 'it ended'", code) == ""
    assert left_of("He said that 'it ended'", EVERYTHING) == "He said that 'it ended'"


def test_an_option_that_is_written_outdoes_the_edition() -> None:
    assert C4Quality(edition="code", min_num_sentences=7).min_num_sentences == 7
    assert C4Quality.model_validate(C4Quality(edition="code").model_dump()) == C4Quality(edition="code")


def test_an_end_mark_is_one_character() -> None:
    with pytest.raises(ValidationError):
        C4Quality(end_marks=("...",))


def test_sentences_instead_of_lines_are_joined_by_blanks() -> None:
    stage = C4Quality(split_paragraph=False, min_num_sentences=2)
    text = "A headline\nand its sentence ends here. Too short. The next one\nends here."
    assert left_of(text, stage) == "A headline\nand its sentence ends here. The next one\nends here."
    assert rule_of(text, stage) is None


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_read_once(name: str) -> None:
    batch = batch_of([HOSTILE[name], FIVE])
    assert EVERYTHING.measure(batch)["c4_line_count"].to_pylist() == [len(HOSTILE[name].splitlines()), 1]
    assert EVERYTHING.edit(batch)[1].as_py() == FIVE.strip()
