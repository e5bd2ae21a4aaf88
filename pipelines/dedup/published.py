"""Published bands in the place of computed ones.

In:  the options of a MinHash dedup, and documents that carry published bands (`pipelines/sources/bands.py`).
Out: the options, with what was published filled in; the documents' band keys.
Guaranteed: an option that says otherwise than the published bands is refused, so that what the stage says of itself
(the S-curve, the shingles that verify) is true of the bands it takes. A document without bands has no keys: nobody is
compared with it. Bands are those of the text as it was published, whatever editors came before.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.batch import Batch
from pipelines.dedup.curve import Curve
from pipelines.sources.bands import BANDS_AND_ROWS, Signature
from pipelines.sources.companions import BANDS

SHINGLES: Mapping[str, Any] = {
    "ngram": 13,
    "words": "whitespace",
    "normalization": "redpajama",
    "scheme": "legacy",
    "seed": 42,
}
"""Of what RedPajama v2's bands are made (`pipelines/sources/bands.py`)."""


def as_published(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with those that the published bands decide.

    Raises:
        ValueError: an option says otherwise; the message says what to write.
    """
    bands, rows = BANDS_AND_ROWS[options["published"]]
    decided = {**SHINGLES, "bands": bands, "rows": rows}
    for name, value in decided.items():
        if options.get(name, value) != value:
            raise ValueError(
                f"{options['published']} was published with {name}: {value}; write that, or leave {name} out"
            )
    return {**options, **decided}


def published_cautions(name: str, signature: Signature, jaccard: float) -> Iterator[str]:
    """Yield what looks wrong with a choice of published bands: most pairs that it should find are never compared.

    Args:
        name: of the stage.
        signature: the bands that it takes.
        jaccard: least similarity of the pairs that it should find.
    """
    chances = {each: Curve(*shape).chance(jaccard) for each, shape in BANDS_AND_ROWS.items()}
    if chances[signature] >= 0.5:
        return
    best = max(chances, key=lambda each: chances[each])
    found = f"{name}: {signature} finds {chances[signature]:.1%} of the pairs at `jaccard: {jaccard:g}`"
    yield f"{found}; of the published bands, {best} finds most: {chances[best]:.1%}"


def published_bands(batch: Batch, signature: Signature) -> pa.ListArray:
    """Return the published band keys of each document, list<uint64>; an empty list where there are none."""
    carried = signature in batch.documents.schema.names
    keys = batch.documents.column(signature) if carried else pa.nulls(len(batch), BANDS)
    if keys.null_count == 0:
        return keys
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(keys).fill_null(0).to_numpy())]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), keys.flatten())
