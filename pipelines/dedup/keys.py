"""Keys: what two documents, or two pieces of documents, share when they are the same.

In:  Arrow arrays of texts or URLs; or bytes, and where pieces of them lie.
Out: 128-bit hashes as two uint64 columns (high, low).
Guaranteed: the same values everywhere, by one pinned version of Unicode; (0, 0) stands for "nothing to compare".

Texts may be compared in a normal form:

    none    byte for byte
    lower   without white space at both ends, in lower case: how C4 compares lines (tensorflow/datasets,
            text/c4_utils.py, `line.strip().lower()`)
    ccnet   likewise, every decimal digit a 0, and without control characters (U+0000 to U+001F, U+007F to U+009F) and
            the 34 marks of `CCNET_MARKS`: how CCNet compares paragraphs (facebookresearch/cc_net,
            cc_net/text_normalizer.py, `normalize_for_dedup`). ASCII punctuation and accents stay, as they do there.

Both know one small sigma, for where the final one is written depends on the letters around it.
"""

import re
from itertools import pairwise
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from filters.kernels.dedup_lines import REMOVED, normalized_pieces, piece_hashes
from filters.kernels.flags import DECIMAL
from filters.kernels.scans import Scans
from filters.kernels.unicode import CLASSES, LOWERCASE

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

NormalForm: TypeAlias = Literal["none", "lower", "ccnet"]

CCNET_MARKS = "，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►"  # noqa: RUF001 - look-alikes are meant
"""What `UNICODE_PUNCT` of CCNet lists; the full-width digit among it never shows, since digits become 0 before."""

FINAL_SIGMA, SIGMA = 0x3C2, 0x3C3

_DEFAULT_PORT = re.compile(r":(80|443)$")


def _lower() -> I32:
    table = LOWERCASE.copy()
    table[FINAL_SIGMA] = SIGMA
    return table


def _ccnet() -> I32:
    table = _lower()
    table[(CLASSES & DECIMAL) != 0] = ord("0")
    table[[ord(mark) for mark in CCNET_MARKS if not mark.isdecimal()]] = REMOVED
    table[[*range(0x20), *range(0x7F, 0xA0)]] = REMOVED
    return table


TABLES: dict[NormalForm, I32] = {"lower": _lower(), "ccnet": _ccnet()}
"""By code point the character that is compared, for `filters/kernels/dedup_lines.py`."""


def normalize(data: U8, start: I64, end: I64, form: NormalForm) -> tuple[U8, I64]:
    """Return the bytes of pieces in a normal form, and where each begins (int64, one more than pieces).

    Args:
        data: uint8, UTF-8.
        start: int64, the byte at which each piece begins.
        end: int64, the byte behind each.
        form: any but "none".
    """
    out = np.empty(int((end - start).sum()) * 3 // 2 + 8, np.uint8)
    offsets = normalized_pieces(data, start, end, (TABLES[form], CLASSES), out)
    return out[: offsets[-1]], offsets


def piece_keys(data: U8, start: I64, end: I64, form: NormalForm) -> tuple[U64, U64]:
    """Return MurmurHash3_x64_128 of the normal form of each piece, as (high, low); (0, 0) of one that is empty then.

    The arguments are those of `normalize`; `form` may be "none".
    """
    if form == "none":
        return piece_hashes(data, start, end)
    normal, offsets = normalize(data, start, end, form)
    return piece_hashes(normal, offsets[:-1], offsets[1:])


def text_hashes(texts: pa.LargeStringArray, form: NormalForm = "none") -> tuple[pa.UInt64Array, pa.UInt64Array]:
    """Return xxh3_128 of the UTF-8 bytes of each text in a normal form, as (high, low)."""
    scans = Scans(texts)
    data, offsets = scans.data, scans.offsets
    if form != "none":
        data, offsets = normalize(data, offsets[:-1], offsets[1:], form)
    view = data.data
    return _halves(b"".join(xxhash.xxh3_128_digest(view[start:end]) for start, end in pairwise(offsets.tolist())))


def url_hashes(urls: pa.StringArray) -> tuple[pa.UInt64Array, pa.UInt64Array]:
    """Return xxh3_128 of each normalized URL, as (high, low); (0, 0) where nothing is left of it or there is none."""
    normal = (normalize_url(url) if url else "" for url in urls.to_pylist())
    return _halves(b"".join(xxhash.xxh3_128_digest(url.encode()) if url else bytes(16) for url in normal))


def normalize_url(url: str) -> str:
    """Return the URL under which two addresses of one page meet.

    Of http and https, the scheme and `www.` go, the host is lower case without a default port, slashes at the end of
    the path and the fragment go; the query stays, since it often names the page. What has another scheme stays as it
    is, for `doi:10.1/x` and `hdl:10.1/x` are two.

    >>> normalize_url("HTTPS://www.Example.org:443/a/?b=1#top")
    'example.org/a?b=1'
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if parts.scheme not in {"", "http", "https"}:
        return url
    host = _DEFAULT_PORT.sub("", parts.netloc.lower()).removeprefix("www.")
    return host + parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")


def _halves(digests: bytes) -> tuple[pa.UInt64Array, pa.UInt64Array]:
    pairs: npt.NDArray[np.uint64] = np.frombuffer(digests, ">u8").astype(np.uint64).reshape(-1, 2)
    return pa.array(np.ascontiguousarray(pairs[:, 0])), pa.array(np.ascontiguousarray(pairs[:, 1]))
