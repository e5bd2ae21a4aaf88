"""MinHash dedup with datasketch, as its documentation has it: each document is looked up, and kept if nothing is found.

In:  a folder of JSON lines.
Out: in `kept/` the lines that stay.
Guaranteed: shingles are runs of words between white space, as ours are; hashes are xxhash's, which are faster than the
     SHA-1 that datasketch takes by default.

Run it: python -m benchmarks.dedup_datasketch WARM DOCUMENTS OUT
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import xxhash
from datasketch import MinHash, MinHashLSH

from benchmarks.dedup_runs import BANDS, NGRAM, ROWS, SEED, report


def main() -> None:
    """Time the dedup."""
    report(dedup)


def dedup(documents: Path, out: Path) -> None:
    """Keep the lines of documents that resemble none before them."""
    found = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    (out / "kept").mkdir(parents=True)
    for path in sorted(documents.glob("*.jsonl")):
        (out / "kept" / path.name).write_bytes(b"".join(_kept(path, found)))


def _kept(path: Path, found: Any) -> Iterator[bytes]:  # noqa: ANN401 - datasketch's annotations are its own
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            signature = signature_of(orjson.loads(line)["text"])
            if not found.query(signature):
                found.insert(f"{path.name} {number}", signature)
                yield line


def signature_of(text: str) -> Any:  # noqa: ANN401 - likewise
    """Return the signature of a text."""
    signature = MinHash(num_perm=BANDS * ROWS, seed=SEED, hashfunc=xxhash.xxh32_intdigest)
    signature.update_batch(shingles_of(text))
    return signature


def shingles_of(text: str) -> list[bytes]:
    """Return the different runs of words of a text; all its words where they are fewer than a run."""
    words = text.split()
    runs = range(max(len(words) - NGRAM + 1, min(len(words), 1)))
    return list({" ".join(words[at : at + NGRAM]).encode() for at in runs})


if __name__ == "__main__":
    main()
