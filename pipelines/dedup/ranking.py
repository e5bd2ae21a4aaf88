"""Ranking: which document of a group of duplicates stays, decided by the documents alone.

In:  what a pass knows of documents, and of the source they come from; or rows that carry it through an exchange.
Out: columns for the rows, and the sort keys by which the first of a group is the one that stays.
Guaranteed: a total order, for no two documents share an address; neither workers, spill size nor the number of
     partitions enter it.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from pipelines.dedup.exchanges import Documents, Standing
from pipelines.engine.exchange import Rows

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

Preference = Literal["first", "longest", "most_recent"]
"""Who stays among documents whose sources stand at the same place in `keep`."""

RANKED: tuple[tuple[str, str], ...] = (
    ("content_high", "u8"),
    ("content_low", "u8"),
    ("uid", "u8"),
    ("preference", "i8"),
    ("position", "u4"),
)
"""Columns that rows carry so that they can be ranked, for the layout of an exchange."""


def ranked_columns(documents: Documents, standing: Standing, prefer: Preference) -> dict[str, npt.NDArray[np.generic]]:
    """Return the columns `RANKED` of documents of one source, one value per document.

    Args:
        documents: have content_high and content_low (uint64, the hash of the text), uid, and chars or date where
            `prefer` looks at them.
        standing: of their source.
        prefer: the stage's option.
    """
    count = len(documents["row"])
    copied = {name: documents[name] for name in ("content_high", "content_low", "uid")}
    position = np.full(count, standing.position, np.uint32)
    return {**copied, "preference": _preference(documents, prefer), "position": position}


def _preference(documents: Documents, prefer: Preference) -> I64:
    """Return the number by which the smallest is preferred."""
    if prefer == "longest":
        return -documents["chars"].astype(np.int64)
    if prefer == "most_recent":
        return ~documents["date"].astype(np.int64)
    return np.zeros(len(documents["row"]), np.int64)


def addresses(rows: Rows) -> U64:
    """Return `split << 32 | row` of rows that were read: uint64."""
    return rows.split.astype(np.uint64) << np.uint64(32) | rows["row"].astype(np.uint64)


def ranking(rows: Rows, prefer: Preference) -> tuple[npt.NDArray[np.generic], ...]:
    """Return sort keys for `numpy.lexsort`, least significant first; whoever comes first in them stays.

    By `first` these are the position of the source in `keep`, and the address; by `longest` and `most_recent` the
    position, the preference, the hash of the content, the uid, and the address.

    Args:
        rows: have the columns `RANKED`, and a split, since they were read.
        prefer: by which their preference was made.
    """
    address = addresses(rows)
    if prefer == "first":
        return address, rows["position"]
    content = (rows["uid"], rows["content_low"], rows["content_high"])
    return address, *content, rows["preference"], rows["position"]
