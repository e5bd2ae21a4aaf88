"""The catalogue of signals is complete, can be searched, and reads well."""

import pytest
from rich.cells import cell_len
from rich.console import Console

from filters.signals import SIGNALS
from pipelines.audit.signals_list import entries, find_signals
from pipelines.audit.signals_page import print_signals
from pipelines.catalog import SIGNAL_PROVIDERS, STAGES
from pipelines.errors import RequestError


def page(pattern: str, width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        print_signals(console, find_signals(pattern))
    return captured.get()


def test_every_signal_is_listed_once_with_all_that_is_known_of_it() -> None:
    listed = find_signals()
    assert [entry.name for entry in listed] == list(SIGNALS)
    assert all(entry.unit and entry.definition and entry.source for entry in listed)


def test_the_stage_that_an_expression_would_ask_comes_first() -> None:
    for entry in entries():
        if entry.name in SIGNAL_PROVIDERS:
            assert STAGES[entry.stages[0]] is SIGNAL_PROVIDERS[entry.name]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("word_count", {"word_count", "stop_word_count"}),
        ("WORD_COUNT", {"word_count", "stop_word_count"}),
        ("u+2022", {"frac_bullet_lines"}),
        ("top_?gram_*", {"top_2gram_char_frac", "top_3gram_char_frac", "top_4gram_char_frac"}),
    ],
)
def test_a_pattern_finds_names_and_definitions(pattern: str, names: set[str]) -> None:
    assert names <= {entry.name for entry in find_signals(pattern)}


def test_a_name_with_a_star_is_matched_whole() -> None:
    assert {entry.name for entry in find_signals("word_c*")} == {"word_count"}


def test_a_stage_finds_what_it_measures() -> None:
    assert {entry.name for entry in find_signals("gopher_quality")} >= set(STAGES["gopher_quality"].measured)


def test_what_is_not_there_is_refused_with_what_comes_near() -> None:
    with pytest.raises(RequestError, match="did you mean word_count"):
        find_signals("wordcount")


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_page_fits_and_names_every_signal(width: int) -> None:
    printed = page("", width)
    assert max(cell_len(line) for line in printed.splitlines()) <= width
    assert [name for name in SIGNALS if f"  {name}  " not in printed] == []


def test_types_are_called_as_the_ledger_has_them() -> None:
    kinds = {entry.name: entry.type for entry in entries()}
    assert (kinds["word_count"], kinds["mean_word_length"]) == ("int64", "float32")
    assert set(kinds.values()) <= {"int64", "float32", "string", "list<float32>"}
