"""Checking: a few documents of every split are encoded by the reference library, too, and decoded again.

In:  documents.
Out: how many of them come back; the build stops where the ids differ.
Guaranteed: what is compared is the same text, cut where it is long.
"""

from collections import Counter
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import BuildError
from pipelines.tokens.backends import NO_FRAME
from pipelines.tokens.encode import Encoder
from pipelines.tokens.runs import I64

CHECKED = 4
"""Documents of a split that are compared."""

CHECKED_CHARS = 4000
"""Characters of each."""


def check_ids(encoder: Encoder, documents: pa.RecordBatch) -> None:
    """Compare the ids of documents with those of the library that defines the vocabulary.

    Args:
        encoder: of the build.
        documents: have `text`, `source` and `id`.

    Raises:
        BuildError: a document has other ids.
    """
    at = encoder.first_difference(_beginnings(documents))
    if at is not None:
        named = f"{documents.column('source')[at].as_py()}/{documents.column('id')[at].as_py()}"
        raise BuildError(
            f"the {encoder.name} tokenizer gives document {named} other ids than the library that defines it: no token "
            "of this build can be trusted. Please report the document; with `library: true` under `tokenizer` the "
            "library does the work, some thirty times slower"
        )


OUTCOMES = ("exact", "normalizer", "other")
"""What becomes of a text that is encoded and decoded: it comes back, the normalizer changed it, or neither."""


def come_back(encoder: Encoder, documents: pa.RecordBatch, firsts: I64 | None = None) -> Counter[str]:
    """Return how many documents have each of `OUTCOMES`.

    Args:
        encoder: of the build.
        documents: have `text`.
        firsts: where they are parts of documents: which is the first of each, and how many there are. The last of the
            `OUTCOMES` of its parts is that of a document.
    """
    texts = _beginnings(documents)
    runs = encoder.backend.encode(texts, NO_FRAME)
    spelt = (encoder.token_bytes(runs[at]) for at in range(len(runs)))
    found = [_outcome(encoder, text.as_py(), held) for text, held in zip(texts, spelt, strict=True)]
    if firsts is None:
        return Counter(found)
    return Counter(max(found[first:end], key=OUTCOMES.index) for first, end in pairwise(firsts.tolist()))


def _outcome(encoder: Encoder, text: str, spelt: bytes) -> str:
    """Return what became of a text; a space that the tokenizer puts before every text does not count."""
    if spelt in {text.encode(), f" {text}".encode()}:
        return "exact"
    normal = encoder.about.normalized(text)
    return "normalizer" if normal not in {text, f" {text}"} else "other"


def _beginnings(documents: pa.RecordBatch) -> pa.LargeStringArray:
    return pc.utf8_slice_codeunits(documents.column("text"), 0, CHECKED_CHARS)
