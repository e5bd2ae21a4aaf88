"""Keys: what two documents share when they are the same.

In:  Arrow arrays of texts or URLs.
Out: 128-bit hashes as two uint64 columns (high, low).
Guaranteed: the same values everywhere; (0, 0) stands for "nothing to compare".
"""

import re
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

_DEFAULT_PORT = re.compile(r":(80|443)$")


def text_hashes(texts: pa.LargeStringArray) -> tuple[pa.UInt64Array, pa.UInt64Array]:
    """Return xxh3_128 of the UTF-8 bytes of each text, as (high, low)."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = memoryview(texts.buffers()[2] or b"")
    bounds = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return _halves(b"".join(xxhash.xxh3_128_digest(data[start:end]) for start, end in bounds))


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
