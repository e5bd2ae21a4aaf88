"""The signals of `filters/urls.py`."""

import pyarrow as pa

from filters.signals.signal import Signal

SOURCE = "Penedo et al. 2023, arXiv 2306.01116, appendix G.1"
EMPTY = "0 without a URL, for one without a host, and without such a list"

URLS: dict[str, Signal] = {
    "url_blocked_domains": Signal(
        "url_blocked_domains",
        pa.int64(),
        "domains",
        "how many domains that the URL lies in, from its host up to the top level, are on the block list; 0 where the "
        f"allow list names the URL; {EMPTY}",
        SOURCE,
    ),
    "url_blocked_pages": Signal(
        "url_blocked_pages",
        pa.int64(),
        "pages",
        "how many pages that the URL lies at or below are on the block list; 0 where the allow list names the URL; "
        f"{EMPTY}",
        "UT1 block lists (Université Toulouse Capitole), files `urls`",
    ),
    "url_strict_words": Signal(
        "url_strict_words",
        pa.int64(),
        "distinct words",
        f"how many strict words stand anywhere in the URL once its marks are taken out; {EMPTY}",
        SOURCE,
    ),
    "url_hard_words": Signal(
        "url_hard_words",
        pa.int64(),
        "distinct words",
        f"how many hard words stand in the URL as whole words; {EMPTY}",
        SOURCE,
    ),
    "url_soft_words": Signal(
        "url_soft_words",
        pa.int64(),
        "distinct words",
        f"how many soft words stand in the URL as whole words; {EMPTY}",
        SOURCE,
    ),
}
