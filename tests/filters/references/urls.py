"""Block lists and words in URLs, in plain Python."""

import re
from collections.abc import Iterable

BLANKS = " \t\n\r\v\f"


def _lower(text: str) -> str:
    return "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in text)


def host_and_path(url: str) -> tuple[str, str]:
    """Return a URL's host in lower case, without user, port, leading "www." and dots at the end, and what follows."""
    rest = (
        re.sub(r"\A(?:[A-Za-z0-9+.-]*:)?//", "", url, count=1) if re.match(r"(?:[A-Za-z0-9+.-]+:)?//|://", url) else url
    )
    place = re.search(r"[/?#]", rest)
    host, path = (rest[: place.start()], rest[place.start() :]) if place else (rest, "")
    host = host.rpartition("@")[2]
    if not host.startswith("["):
        host = re.sub(r":[^\]]*\Z", "", host) if "]" in host else host.partition(":")[0]
    host = _lower(host.rstrip("."))
    return (host[4:] if host.startswith("www.") and len(host) > 4 else host), _lower(path)


def entries(lines: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Return the domains and the pages (host and path) of a list."""
    domains, pages = set(), set()
    for line in lines.split("\n"):
        words: list[str] = []
        for word in re.findall(f"[^{BLANKS}]+", line):
            if word.startswith("#") or len(words) == 2:
                break
            words.append(word)
        host, path = host_and_path(words[-1]) if words else ("", "")
        if host and path.rstrip("/"):
            pages.add((host, path.rstrip("/")))
        elif host:
            domains.add(host)
    return domains, pages


def named(url: str, lists: tuple[set[str], set[tuple[str, str]]]) -> tuple[int, int]:
    """Return how many domains and how many pages of a list name a URL."""
    host, path = host_and_path(url)
    if not host:
        return 0, 0
    places = [0, *(at + 1 for at, char in enumerate(host) if char == ".")]
    domains = sum(host[at:] in lists[0] for at in places)
    path = path[: path.index("#")] if "#" in path else path
    ends = {at for at, char in enumerate(path) if char in "/?&" and at} | {len(path)}
    return domains, sum((host, path[:end]) in lists[1] for end in ends)


def dclm_words(url: str, words: Iterable[str], *, whole: bool) -> int:
    """Return how many different words DCLM's `url_substring_filter` finds, each looked for alone."""
    url = url.lower()
    if not whole:
        url = url.replace("-", "").replace(".", "")
    edge = r"\b" if whole else ""
    return sum(re.search(edge + re.escape(word) + edge, url) is not None for word in set(words))
