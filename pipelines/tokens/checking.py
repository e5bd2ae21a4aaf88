"""Checking: a few documents of every split are encoded by the reference library, too.

In:  documents.
Out: nothing; the build stops where the ids differ.
Guaranteed: what is compared is the same text, cut where it is long.
"""

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import BuildError
from pipelines.tokens.encode import Encoder

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
    at = encoder.first_difference(pc.utf8_slice_codeunits(documents.column("text"), 0, CHECKED_CHARS))
    if at is not None:
        named = f"{documents.column('source')[at].as_py()}/{documents.column('id')[at].as_py()}"
        raise BuildError(
            f"the {encoder.name} tokenizer gives document {named} other ids than the library that defines it: no token "
            "of this build can be trusted. Please report the document; with `library: true` under `tokenizer` the "
            "library does the work, some thirty times slower"
        )
