"""Domains and pages of a block list, and whether URLs stand on it.

In:  the bytes of lists, one entry a line, and of URLs.
Out: ascending hashes, eight bytes an entry; per URL how many entries name it.
Guaranteed: an entry `example.com` names that domain and all below it; an entry with a path names that page of exactly
     this domain and all below it. Scheme, user, port, a leading "www." and a dot or slash at the end do not count, nor
     does the case of ASCII letters. A line may stand in hosts format (an address, then the name); what follows a '#'
     at the start of a word is a comment. What has no host is named by nothing.

A domain is hashed from its end, so that one reading gives the hashes of all domains that it lies below.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.bytewise import OFFSET, add_byte, finish, place_of
from filters.kernels.compiled import inlined, kernel

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

TAB, NEWLINE, SPACE, HASH, AMPERSAND, DOT, SLASH, COLON, QUESTION, AT, LEFT, RIGHT = (
    9, 10, 32, 35, 38, 46, 47, 58, 63, 64, 91, 93,
)  # fmt: skip
LOWER_W = 119


class Names(NamedTuple):
    """A list as kernels read it.

    Args:
        domains: uint64, ascending hashes of domains.
        pages: uint64, ascending hashes of domains with a path.
    """

    domains: U64
    pages: U64


@inlined
def _is_blank(byte: int) -> bool:
    return byte == SPACE or TAB <= byte <= 13


@inlined
def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


@kernel
def _scheme_end(data: U8, at: int, stop: int) -> int:
    """Return the place behind "scheme://" or "//"; `at` where there is neither."""
    place = at
    while place < stop:
        byte = _lower(int(data[place]))
        if not (97 <= byte <= 122 or 48 <= byte <= 57 or byte in (43, 45, 46)):
            break
        place += 1
    if place < stop and data[place] == COLON:
        place += 1
    elif place > at:
        return at
    slashes = place + 1 < stop and data[place] == SLASH and data[place + 1] == SLASH
    return place + 2 if slashes else at


@kernel
def _host(data: U8, at: int, stop: int) -> tuple[int, int, int]:
    """Return the start and the end of a URL's host without "www.", and where its path begins."""
    start = _scheme_end(data, at, stop)
    path = start
    colon = -1
    while path < stop and data[path] not in (SLASH, QUESTION, HASH):
        if data[path] == AT:
            start, colon = path + 1, -1
        elif data[path] == RIGHT:
            colon = -1
        elif data[path] == COLON and colon < 0:
            colon = path
        path += 1
    end = colon if colon >= start and data[start] != LEFT else path
    while end > start and data[end - 1] == DOT:
        end -= 1
    if end - start > 4 and data[start + 3] == DOT:
        prefix = 0
        for place in range(start, start + 3):
            prefix += _lower(int(data[place])) == LOWER_W
        start += 4 if prefix == 3 else 0
    return start, end, path


@kernel
def _host_state(data: U8, start: int, end: int) -> np.uint64:
    """Return the state of the hash of a domain, from its end to its start."""
    state = OFFSET
    for at in range(end - 1, start - 1, -1):
        state = add_byte(state, _lower(int(data[at])))
    return state


@kernel
def _entry(data: U8, at: int, stop: int) -> tuple[int, int]:
    """Return where the entry of a line begins and ends; both alike for a blank line or a comment."""
    begun = ended = at
    for _ in range(2):
        while at < stop and _is_blank(data[at]):
            at += 1
        if at == stop or data[at] == HASH:
            break
        begun = at
        while at < stop and not _is_blank(data[at]):
            at += 1
        ended = at
    return begun, ended


@kernel
def list_hashes(data: U8) -> tuple[U64, U64]:
    """Return the hashes (uint64, in the order of the list) of the domains and of the pages that a list names."""
    most = 1
    for byte in data:
        most += byte == NEWLINE
    domains, pages = np.empty(most, np.uint64), np.empty(most, np.uint64)
    domain_count, page_count = 0, 0
    at = 0
    while at < len(data):
        stop = at
        while stop < len(data) and data[stop] != NEWLINE:
            stop += 1
        begun, ended = _entry(data, at, stop)
        at = stop + 1
        start, end, path = _host(data, begun, ended)
        while ended > path and data[ended - 1] == SLASH:
            ended -= 1
        if start >= end:
            continue
        state = _host_state(data, start, end)
        if path >= ended:
            domains[domain_count] = finish(state)
            domain_count += 1
            continue
        for place in range(path, ended):
            state = add_byte(state, _lower(int(data[place])))
        pages[page_count] = finish(state)
        page_count += 1
    return domains[:domain_count], pages[:page_count]


@kernel
def _domains_named(data: U8, start: int, end: int, domains: U64) -> int:
    """Return how many of the domains that a host lies in or below are on the list."""
    state, found = OFFSET, 0
    for at in range(end - 1, start - 1, -1):
        state = add_byte(state, _lower(int(data[at])))
        if at == start or data[at - 1] == DOT:
            found += place_of(domains, finish(state)) >= 0
    return found


@kernel
def _pages_named(data: U8, bounds: tuple[int, int], state: np.uint64, pages: U64) -> int:
    """Return how many pages at or above a URL are on the list, given the state of its host's hash."""
    path, stop = bounds
    found = 0
    for at in range(path, stop):
        if at > path and data[at] in (SLASH, QUESTION, AMPERSAND, HASH):
            found += place_of(pages, finish(state)) >= 0
        if data[at] == HASH:
            return found
        state = add_byte(state, _lower(int(data[at])))
    return found + (place_of(pages, finish(state)) >= 0)


@kernel
def names_of(data: U8, offsets: I64, names: Names) -> tuple[I64, I64]:
    """Return per URL how many domains, and how many pages, of a list name it (int64).

    Args:
        data: uint8, all URLs.
        offsets: int64, one more than URLs.
        names: the list.
    """
    count = len(offsets) - 1
    domains, pages = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for number in range(count):
        start, end, path = _host(data, offsets[number], offsets[number + 1])
        if start >= end:
            continue
        domains[number] = _domains_named(data, start, end, names.domains)
        if len(names.pages) > 0:
            state = _host_state(data, start, end)
            pages[number] = _pages_named(data, (path, offsets[number + 1]), state, names.pages)
    return domains, pages


def names_in(lists: list[bytes]) -> Names:
    """Return what block lists name, each entry once."""
    found = [list_hashes(np.frombuffer(each, np.uint8)) for each in lists]
    return Names(_ascending([domains for domains, _ in found]), _ascending([pages for _, pages in found]))


def _ascending(hashes: list[U64]) -> U64:
    """Return hashes in order, each once; `np.unique` takes fifty times as long."""
    ordered = np.sort(np.concatenate([np.empty(0, np.uint64), *hashes]))
    distinct: U64 = ordered[np.diff(ordered, prepend=ordered[:1] ^ np.uint64(1)) != 0]
    return distinct
