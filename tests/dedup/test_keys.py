"""Keys of duplicates: hashes of texts and of normalized URLs."""

import doctest

import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dedup import keys
from pipelines.dedup.keys import normalize_url, text_hashes, url_hashes

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=8)


def whole(halves: tuple[pa.UInt64Array, pa.UInt64Array]) -> list[int]:
    """Return 128-bit numbers from their two halves."""
    high, low = (half.to_pylist() for half in halves)
    return [(first << 64) | second for first, second in zip(high, low, strict=True)]


@given(TEXTS, st.integers(0, 3), st.integers(0, 3))
def test_a_text_has_its_128_bit_hash_wherever_it_stands(texts: list[str], before: int, after: int) -> None:
    longer = pa.array(["x"] * before + texts + ["y"] * after, pa.large_string())
    hashes = text_hashes(longer.slice(before, len(texts)))
    assert [half.type for half in hashes] == [pa.uint64(), pa.uint64()]
    assert whole(hashes) == [xxhash.xxh3_128_intdigest(text.encode()) for text in texts]


def test_an_empty_text_is_a_text() -> None:
    assert whole(text_hashes(pa.array([""], pa.large_string()))) == [xxhash.xxh3_128_intdigest(b"")] != [0]


@pytest.mark.parametrize("urls", [[], [None], ["", "  ", "http://", "https://www./", "/", "#top"]])
def test_what_names_no_page_has_no_key(urls: list[str | None]) -> None:
    assert whole(url_hashes(pa.array(urls, pa.string()))) == [0] * len(urls)


def test_a_url_has_the_hash_of_its_normal_form() -> None:
    urls = pa.array(["http://Example.org/a/", None, "https://www.example.org/a"], pa.string())
    expected = xxhash.xxh3_128_intdigest(b"example.org/a")
    assert whole(url_hashes(urls)) == [expected, 0, expected]


SAME = [
    ("http://example.org/a", "https://example.org/a"),
    ("http://example.org/a", "HTTP://EXAMPLE.ORG/a"),
    ("http://example.org/a", "http://www.example.org/a"),
    ("http://example.org/a", "http://example.org:80/a"),
    ("http://example.org/a", "https://example.org:443/a"),
    ("http://example.org/a", "http://example.org/a/"),
    ("http://example.org/a", "http://example.org/a#part"),
    ("http://example.org/a", " http://example.org/a\n"),
    ("http://example.org/a", "example.org/a"),
    ("http://example.org/a", "//example.org/a"),
    ("http://example.org", "http://example.org/"),
    ("http://example.org/a?b=1", "https://www.example.org/a/?b=1#c"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_addresses_of_one_page_meet(one: str, other: str) -> None:
    assert normalize_url(one) == normalize_url(other)


DIFFERENT = [
    ("http://example.org/a", "http://example.org/A"),
    ("http://example.org/a", "http://example.org/b"),
    ("http://example.org/a", "http://example.com/a"),
    ("http://example.org/a", "http://blog.example.org/a"),
    ("http://example.org/a", "http://example.org:8080/a"),
    ("http://example.org/a?b=1", "http://example.org/a?b=2"),
    ("http://example.org/a?b=1", "http://example.org/a"),
    ("http://example.org/a/b", "http://example.org/a?/b"),
    ("one.org:8080/x", "two.org:8080/x"),
    ("doi:10.1/x", "hdl:10.1/x"),
    ("ftp://example.org/a", "http://example.org/a"),
    ("http://[broken/a", "http://[broken/b"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_pages_do_not_meet(one: str, other: str) -> None:
    assert normalize_url(one) != normalize_url(other)


@given(st.text(st.characters(codec="utf-8"), max_size=40) | st.from_regex(r"https?://[a-zA-Z.:]{0,9}/[ -~]{0,9}"))
def test_any_string_has_a_normal_form(url: str) -> None:
    assert isinstance(normalize_url(url), str)
    assert normalize_url(f"  {url} ") == normalize_url(url)


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(keys).failed == 0
