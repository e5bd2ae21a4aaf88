"""Two texts side by side: what is shown stands in them, what differs is marked, and no text is too much."""

import difflib
import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.words import words
from pipelines.audit.contrast import AROUND, HEAD, LONGEST, TAIL, Contrast, Run, contrast, plain

texts = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=60).map(" ".join)


def shown(runs: tuple[Run, ...], *, own: bool) -> list[str]:
    return [word for differs, text in runs if differs == own for word in text.split(" ")]


def own_words(found: Contrast) -> tuple[list[str], list[str]]:
    """Return the words that are marked on either side."""
    left = [word for stretch in found.stretches for word in shown(stretch.left, own=True)]
    return left, [word for stretch in found.stretches for word in shown(stretch.right, own=True)]


def test_what_differs_is_marked_and_what_is_the_same_is_counted() -> None:
    common = [str(number) for number in range(100)]
    found = contrast(" ".join([*common, "old", *common]), " ".join([*common, "new", "words", *common]))
    (stretch,) = found.stretches
    assert stretch.left[1] == (True, "old")
    assert stretch.right[1] == (True, "new words")
    assert stretch.left[0] == stretch.right[0]
    assert stretch.left[0][1].split()[-1] == "99"
    assert stretch.same + len(shown(stretch.left, own=False)) + found.same == 200
    assert not found.cut


def test_texts_that_part_for_long_meet_again() -> None:
    common = [str(number) for number in range(3_000)]
    other = [*common[:700], *["new"] * 5_000, *common[700:2000], "end", *common[2001:]]
    found = contrast(" ".join(common), " ".join(other))
    first, second = found.stretches
    assert first.left == ((False, " ".join(common[700 - len(first.left[0][1].split()) : 700])), first.left[1])
    assert own_words(found)[0] == ["2000"]
    assert first.right[1] == (True, " ".join(["new"] * HEAD + ["\u2026 4950 words \u2026"] + ["new"] * TAIL))
    assert second.same == 2000 - 700 - 2 * AROUND
    assert not found.cut


@given(texts, texts)
def test_marked_words_are_those_that_a_diff_may_mark(left: str, right: str) -> None:
    """The two sides without what is marked are the same words; in short texts everything is shown or counted."""
    found = contrast(left, right)
    sides = [
        [word for stretch in found.stretches for word in shown(getattr(stretch, side), own=False)]
        for side in ("left", "right")
    ]
    assert sides[0] == sides[1]
    same = len(sides[0]) + sum(stretch.same for stretch in found.stretches) + found.same
    gone, come = own_words(found)
    long_runs = any("\u2026" in text for stretch in found.stretches for _, text in (*stretch.left, *stretch.right))
    assert found.cut or long_runs or (same + len(gone), same + len(come)) == (len(words(left)), len(words(right)))
    assert (found.stretches == ()) == (words(left) == words(right))


def test_as_few_words_are_marked_as_by_difflib() -> None:
    chance = Random(1)
    common = [str(chance.randrange(300)) for _ in range(120)]
    other = [word if chance.random() > 0.05 else "x" for word in common]
    matcher = difflib.SequenceMatcher(None, common, other, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    gone, come = own_words(contrast(" ".join(common), " ".join(other)))
    assert len(gone) == len(common) - same
    assert len(come) == len(other) - same


def test_words_are_compared_in_the_form_that_is_given() -> None:
    found = contrast("One two THREE", "one two four", str.lower)
    assert own_words(found) == (["THREE"], ["four"])
    assert contrast("One", "one", str.lower).stretches == ()


@given(st.text(), st.text())
def test_everything_that_is_shown_can_be_printed(left: str, right: str) -> None:
    found = contrast(left, right)
    for stretch in found.stretches:
        assert all(text.isprintable() for _, text in (*stretch.left, *stretch.right))


def test_what_would_move_the_cursor_or_turn_the_line_is_written_out() -> None:
    hostile = "\x1b[2J\x07 \u202eabc \u2066x \r\b \x9b31m \0"
    found = contrast(f"start {hostile}", "start")
    shown_text = " ".join(own_words(found)[0])
    assert "\\x1b[2J\\x07" in shown_text
    assert "\\u202eabc" in shown_text
    assert not any(unicodedata.category(char).startswith("C") for char in shown_text)
    assert plain("e" + "\u0301" * 5) == "e" + "\u0301" * 3 + "\\u0301" * 2
    assert plain("\u05e9\u05dc\u05d5\u05dd") == "\u05e9\u05dc\u05d5\u05dd"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("a" * 1_000_000, "a" * 500_000 + "b" * 500_000),
        ("a b " * 250_000, "b a " * 250_000),
        ("\n" * 1_000_000, "\n" * 999_999 + "x"),
        ("a" + "\u0301" * 1_000_000, "a" + "\u0300" * 1_000_000),
        ("x " * 500_000, ""),
        (" ".join(Random(2).choices("ab", k=500_000)), " ".join(Random(3).choices("ab", k=500_000))),
    ],
)
@pytest.mark.timeout(60)
def test_hostile_texts_end_and_what_is_shown_is_short(left: str, right: str) -> None:
    found = contrast(left, right)
    assert found.stretches
    runs = [run for stretch in found.stretches for run in (*stretch.left, *stretch.right)]
    for _, text in runs:
        assert max(map(len, text.split(" "))) <= 10 * LONGEST + 1
    assert sum(len(text) for _, text in runs) < 50_000
