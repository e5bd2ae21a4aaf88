"""Texts: the current text of the documents of a split that are alive.

In:  a split, and what earlier passes left of it.
Out: batches of documents.
Guaranteed: the text is the one that the next pass would see.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.cutting import cut_texts
from pipelines.engine.job import Holding, Job
from pipelines.engine.parts import AlignedReader, read_part
from pipelines.engine.pieces import Piece
from pipelines.engine.recording import Records
from pipelines.engine.selection import first_fates
from pipelines.engine.walk import Falls, Walk

Bools = npt.NDArray[np.bool_]


class Entry:
    """Who is alive when a pass begins, and what is cut of their texts, in step with the split."""

    def __init__(self, job: Job, holding: Holding) -> None:
        self._source = job.manifest.sources[holding.split.source]
        self._split = holding.split
        self._seed = job.manifest.seed
        deltas = holding.deltas
        self._before = AlignedReader(job.storage, deltas[-1], ["alive", "chars"]) if deltas else None
        linked = holding.components
        self._components = AlignedReader(job.storage, linked, ["component"]) if linked else None
        self._cuts = AlignedReader(job.storage, holding.cuts, ["cuts"]) if holding.cuts else None

    def begin(self, piece: Piece) -> Walk:
        """Take up the next piece: who is alive in it, with their current text, and why others fell if just now."""
        count = piece.records.num_rows
        falls = Falls.of(count)
        chars = piece.records.column("chars").combine_chunks()
        if self._before is None:
            falls.fate, falls.rule = first_fates(self._source, self._seed, piece.records)
            alive = pa.array(falls.fate, pa.string()).is_null().to_numpy(zero_copy_only=False)
        else:
            before = self._before.take(count)
            alive, chars = before.column("alive").to_numpy(), before.column("chars").combine_chunks()
        walk = Walk.begin(self._split, piece, alive, chars, falls)
        if self._components is not None:
            walk.component = self._components.take(count).column("component").combine_chunks()
        if self._cuts is not None:
            cuts = self._cuts.take(count).column("cuts").combine_chunks()
            walk.replace_text(cut_texts(walk.documents.column("text"), cuts.take(pa.array(walk.rows))))
        return walk


def surviving_texts(job: Job, holding: Holding) -> Iterator[pa.RecordBatch]:
    """Return the documents of a split that are alive, with their current text."""
    entry = Entry(job, holding)
    with Records(job, holding) as records:
        for piece in records.pieces(texts_wanted(job, holding)):
            yield entry.begin(piece).documents


def texts_wanted(job: Job, holding: Holding, *, linked: bool = False) -> Bools | None:
    """Return the rows of a split whose text a pass needs: bool, one per row; None before any pass, when none fell.

    Args:
        job: the build.
        holding: the split, and what earlier passes left of it.
        linked: only documents that an exchange linked to others are looked at.
    """
    if not holding.deltas:
        return None
    alive: Bools = read_part(job.storage, holding.deltas[-1], ["alive"]).column("alive").to_numpy()
    if not linked or holding.components is None:
        return alive
    members = read_part(job.storage, holding.components, ["component"]).column("component")
    found: Bools = alive & members.is_valid().to_numpy()
    return found
