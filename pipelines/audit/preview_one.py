"""One document looked at alone: every number and every rule of every stage, also behind the one where it falls.

In:  a manifest, and what a person calls a document.
Out: the same sightings as of a preview, with nothing left out.
Guaranteed: nothing is written; the verdict is that of a build, and what later rules say is what they would say if the
document came to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from pipelines.audit.preview import (
    MOST_READ,
    Sighting,
    SourcePreview,
    Trial,
    exchanges_of,
    first_pieces,
    sighting_of,
    trial_job,
)
from pipelines.engine.job import Holding, Job
from pipelines.engine.pieces import Piece
from pipelines.engine.route import route_of
from pipelines.engine.splits import Split
from pipelines.engine.texts import Entry
from pipelines.engine.walk import Walk
from pipelines.errors import RequestError
from pipelines.manifest import Manifest

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Wanted:
    """The document that is asked for: one of the two.

    Args:
        id: the corpus's own, or `source/path:ordinal`.
        number: its number among those of the source that take part, from 1.
    """

    id: str = ""
    number: int = 0


def preview_one(manifest: Manifest, wanted: Wanted, source: str | None = None) -> list[SourcePreview]:
    """Return the document of each source, or of one, that is asked for.

    Raises:
        RequestError: there is no such source, or no such document among the first records.
    """
    job, splits = trial_job(manifest, source)
    found = [seen for name in splits if (seen := _look(job, name, splits[name], wanted)).documents]
    if not found:
        what = f"record is called {wanted.id!r}" if wanted.id else f"document {wanted.number:,} takes part"
        where = f"the first {MOST_READ:,} records of {source or 'each source'}"
        raise RequestError(f"no {what} among {where}; `gristmill preview MANIFEST` shows what some are called")
    return found


def _look(job: Job, source: str, splits: Sequence[Split], wanted: Wanted) -> SourcePreview:
    """Return the document of one source, or none."""
    route, passed = route_of(job.manifest, source), 0
    for split, piece in first_pieces(job, splits):
        walk = Entry(job, Holding(split)).begin(piece)
        rows = _called(split, piece, wanted.id) if wanted.id else _numbered(walk.rows, wanted.number - passed)
        if len(rows):
            documents = Trial(job, split, piece, rows[np.isin(rows, walk.rows)], whole=True).run(route)
            left_out = [_left_out(split, walk, row) for row in np.setdiff1d(rows, walk.rows).tolist()]
            return SourcePreview(source, exchanges_of(route), [*documents, *left_out])
        passed += len(walk.rows)
    return SourcePreview(source)


def _numbered(rows: I64, number: int) -> I64:
    """Return the row of that number, from 1; none where there are fewer."""
    return rows[number - 1 : number] if number > 0 else rows[:0]


def _called(split: Split, piece: Piece, name: str) -> I64:
    """Return the rows of that id, or at that place."""
    rows = pc.equal(piece.records.column("id"), name).to_numpy()
    place, _, ordinal = name.rpartition(":")
    if ordinal.isascii() and ordinal.isdigit() and place in (split.file.path, f"{split.source}/{split.file.path}"):
        rows |= piece.records.column("ordinal").to_numpy() == np.uint64(int(ordinal))
    return np.flatnonzero(rows)


def _left_out(split: Split, walk: Walk, row: int) -> Sighting:
    """Return a record that takes no part."""
    seen = sighting_of(split, walk.piece, row)
    seen.fate, seen.rule = walk.falls.fate[row], walk.falls.rule[row] or ""
    return seen
