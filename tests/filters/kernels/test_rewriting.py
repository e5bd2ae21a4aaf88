"""Characters whose fate depends on their neighbours are rewritten as the plain function does it."""

import unicodedata

import pyarrow as pa
import pytest
from datatrove.utils.text import simplify_text
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.normalizing import normalized_scans
from filters.kernels.scans import Scans
from filters.kernels.unicode import CLASSES
from filters.shingling import NORMALIZATIONS, Normalization, datatrove
from filters.words import words

SIGMA = "\u03a3"

NEIGHBOURS = (
    *("", "A", "\u03b1", "\u03a3", "\u03c3", "\u01c5", "\u0130", "\u02b0", "\u00aa", "\u2160", "\u4e2d", "1", "\u0661"),
    *(" ", "-", "'", ".", ":", "^", "\u2019", "\u00ad", "\u00b7", "\u200b", "\u0301", "\u0345", "\u1734", "\u302e"),
    *("A.", "A-", "A'\u0301", ".A", "-A", "\u0301'A", "1.2", "\U0001d165", "\U00010428", "\U000e0101"),
)
"""What may stand beside a capital sigma: cased or not, looked past or not, removed or not, in or out of plane 0."""

MOVING = [
    chr(code)
    for code in range(0x20000)
    if CLASSES[code] and unicodedata.combining(unicodedata.normalize("NFD", chr(code))[0])
]
"""Characters that NFD may put into another place."""

STAYING = [char for char in MOVING if unicodedata.category(char) != "Mn"]
"""Of these, those that are not removed as nonspacing marks."""

CHANGING = [name for name in NORMALIZATIONS if name != "none"]

special = st.lists(st.sampled_from((SIGMA, *NEIGHBOURS, *STAYING)) | st.sampled_from(MOVING), max_size=25)
batches = st.lists(special.map("".join), min_size=1, max_size=6)


def wrong(values: list[str], normalization: Normalization) -> list[str]:
    """Return the texts that are not normalized as by the plain function, white space aside."""
    found = normalized_scans(Scans(pa.array(values, pa.large_string())), normalization).text.to_pylist()
    plain = map(NORMALIZATIONS[normalization], values)
    return [value for value, new, right in zip(values, found, plain, strict=True) if words(new) != words(right)]


@pytest.mark.parametrize("normalization", CHANGING)
def test_a_capital_sigma_is_final_where_python_takes_it_for_final(normalization: Normalization) -> None:
    assert not wrong([left + SIGMA + right for left in NEIGHBOURS for right in NEIGHBOURS], normalization)


@pytest.mark.parametrize("normalization", CHANGING)
def test_a_mark_that_stays_is_put_into_order_among_its_neighbours(normalization: Normalization) -> None:
    assert not wrong(
        [left + mark + right for mark in STAYING for left in NEIGHBOURS for right in NEIGHBOURS], normalization
    )


@given(batches, st.sampled_from(CHANGING))
def test_texts_full_of_special_characters_are_those_of_the_plain_function(
    values: list[str], normalization: Normalization
) -> None:
    assert not wrong(values, normalization)


def test_datatrove_does_to_every_character_what_datatrove_does() -> None:
    chars = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cs", "Cn", "Co")]
    texts = ["".join(f"a{char}1{char}{char}B " for char in chars[at : at + 500]) for at in range(0, len(chars), 500)]
    assert [text for text in texts if datatrove(text) != simplify_text(text)] == []
