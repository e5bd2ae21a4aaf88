"""Two answers are equal, or they differ for a reason that holds for that very document."""

from dataclasses import replace

import pytest

from benchmarks.agreement import report
from benchmarks.agreement.comparison import Case, Cause, Subject, compare, same

SUBJECT = Subject("peer", "its words", "word_count")


@pytest.mark.parametrize(
    ("theirs", "ours", "decimals"),
    [
        (3, 3, None),
        (0.5, 0.5 + 9e-7, None),
        (0.33333, 1 / 3, 5),
        (250.0, 250.0001, None),
        ([0.25, 1.0], [0.25, 1.0], None),
        ("kept", "kept", None),
        (None, None, None),
    ],
)
def test_counts_labels_and_lists_are_equal_where_they_are_the_same_and_ratios_nearly(
    theirs: object, ours: object, decimals: int | None
) -> None:
    assert same(theirs, ours, decimals)  # type: ignore[arg-type] # pytest passes objects
    assert same(ours, theirs, decimals)  # type: ignore[arg-type] # likewise


@pytest.mark.parametrize(
    ("theirs", "ours", "decimals"),
    [
        (3, 4, None),
        (1_000_000, 1_000_001, None),
        (0.5, 0.500002, None),
        (0.33333, 0.33334, 5),
        ([0.25], [0.25, 0.0], None),
        ([0.25], 0.25, None),
        ("kept", "dropped", None),
        (None, 0, None),
    ],
)
def test_any_other_answer_is_a_disagreement(theirs: object, ours: object, decimals: int | None) -> None:
    assert not same(theirs, ours, decimals)  # type: ignore[arg-type] # pytest passes objects


def test_a_cause_is_given_only_where_it_holds() -> None:
    known = replace(SUBJECT, causes=(Cause("it counts dashes", lambda case: "-" in case.text),))
    cases = [Case("0", "a - b", 2, 3), Case("1", "a b", 2, 3), Case("2", "a b", 2, 2)]
    found = compare(known, cases)
    assert [each.cause for each in found.disagreements] == ["it counts dashes", None]
    assert [each.id for each in found.unexplained] == ["1"]
    assert found.share == pytest.approx(1 / 3)


def test_the_share_of_no_documents_is_whole() -> None:
    assert compare(SUBJECT, []).share == 1


def test_one_disagreement_among_many_is_never_rounded_to_full_agreement() -> None:
    cases = [Case(str(number), "", 1, 1) for number in range(100_000)]
    assert report.percent(compare(SUBJECT, cases)) == "100 %"
    assert report.percent(compare(SUBJECT, [*cases, Case("x", "", 1, 2)])) == "99.99 %"


def test_the_json_holds_every_disagreement_and_the_page_says_how_many_it_leaves_out() -> None:
    found = compare(SUBJECT, [Case(f"file:{number}", "", number, -1) for number in range(40)])
    (row,) = report.as_json([found])
    assert [each["id"] for each in row["disagreements"]] == [f"file:{number}" for number in range(40)]
    assert (row["equal"], row["documents"]) == (0, 40)
    page = report.page([found])
    assert f"and {40 - report.EXAMPLES} more" in page
    assert report.UNKNOWN in page
