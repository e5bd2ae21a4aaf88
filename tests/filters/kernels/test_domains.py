"""Block lists of domains and pages, beside plain Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.batch import batch_of
from filters.kernels.domains import names_in, names_of
from tests.filters.references import urls as reference

PART = st.sampled_from(
    ["a", "b", "www", "com", "Example", "x-y", ".", "/", "//", ":", "://", "http", "?", "#", "&", "@", "80"]
)
URL = st.lists(PART, max_size=9).map("".join)
ODD = st.text("aW.:/@[]?#& \n\t\u00e9", max_size=20)
LINES = st.lists(URL | ODD | st.sampled_from(["127.0.0.1 a.com", "# a", "a.com # b", "\r"]), max_size=8).map("\n".join)


def named(urls: list[str], lines: str) -> list[tuple[int, int]]:
    scans = batch_of(urls).scans
    domains, pages = names_of(scans.data, scans.offsets, names_in([lines.encode()]))
    return list(zip(domains.tolist(), pages.tolist(), strict=True))


@given(st.lists(URL | ODD | st.text()), LINES | st.text())
def test_lists_name_the_urls_that_they_name_in_plain_python(urls: list[str], lines: str) -> None:
    assert named(urls, lines) == [reference.named(url, reference.entries(lines)) for url in urls]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://www.example.com/page?x=1",
        "HTTP://WWW.EXAMPLE.COM.:8080/",
        "//user:secret@deep.sub.example.com",
        "example.com/page",
    ],
)
def test_a_domain_names_itself_and_all_below_it_however_a_url_is_written(url: str) -> None:
    assert named([url], "example.com") == [(1, 0)]


@pytest.mark.parametrize(
    "url", ["http://notexample.com", "http://com", "http://example.com.org", "", "http://", "://x"]
)
def test_no_other_url_is_named(url: str) -> None:
    assert named([url], "example.com") == [(0, 0)]


def test_a_page_names_itself_and_all_below_it_on_this_host_alone() -> None:
    urls = ["http://www.a.com/x", "a.com/x/", "a.com/x/y", "a.com/x?q", "a.com/x#q", "a.com/xy", "a.com", "b.a.com/x"]
    assert named(urls, "http://a.com/x/") == [(0, 1)] * 5 + [(0, 0)] * 3


def test_comments_blank_lines_and_the_addresses_of_hosts_files_are_no_entries() -> None:
    lines = "# list\n\n127.0.0.1 bad.com # since 2020\r\n  other.org\t\n"
    assert named(["bad.com", "other.org", "127.0.0.1", "list"], lines) == [(1, 0), (1, 0), (0, 0), (0, 0)]


def test_a_domain_takes_eight_bytes_however_often_it_is_listed() -> None:
    lists = [f"host{number % 1000}.com\n".encode() for number in range(2000)]
    names = names_in([b"".join(lists), *lists])
    assert names.domains.nbytes == 8000
    assert np.all(names.domains[1:] > names.domains[:-1])
    assert len(names.pages) == 0


@pytest.mark.parametrize("url", ["a." * 10_000_000, "a.com/" * 3_000_000, "@" * 5_000_000, ":" * 5_000_000])
def test_a_hostile_url_takes_time_that_grows_with_its_length(url: str) -> None:
    assert named([url], "a.com\nb.com/x") == [(int(url.startswith("a.com/")), 0)]
