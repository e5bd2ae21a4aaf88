"""Recording: the records part of a split, written by its first reading; later ones read texts alone.

In:  the source, or what earlier passes left of it.
Out: the part with one row per record, and its receipt.
Guaranteed: a text that is read twice is the same, or the build stops with the file's name.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Self

import numpy as np
import numpy.typing as npt

from pipelines.engine.companions import Companions
from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.parts import PartWriter, read_part
from pipelines.engine.pieces import Piece, part_pieces, records_schema, source_pieces, text_pieces
from pipelines.engine.receipts import Receipt, load_receipt, save_receipt
from pipelines.engine.selection import reading_options
from pipelines.sources.options import REF_LOSS

Bools = npt.NDArray[np.bool_]


def records_key(job: Job, holding: Holding) -> str:
    """Return the key of a split's records: the split and how its source is read."""
    source = job.manifest.sources[holding.split.source]
    return key_of(["records", holding.split.key, reading_options(source)])


class Records:
    """The split's records part: written by the first reading, and what later ones are checked against."""

    def __init__(self, job: Job, holding: Holding) -> None:
        self.key = records_key(job, holding)
        self.part = f"work/records/{self.key}.parquet"
        self.known = load_receipt(job.storage, self.part)
        self._job = job
        self._holding = holding
        self._schema = records_schema(job, holding.split.source)
        self._companions = Companions(job.manifest.sources[holding.split.source], holding.split.file)
        self._writer: PartWriter | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self.known is None:
            self._writer = self._stack.enter_context(
                PartWriter(self._job.storage, self.part, self._schema, grouped=REF_LOSS not in self._schema.names)
            )
        return self

    def __exit__(self, *error: object) -> None:
        kind, value, trace = error
        self._stack.__exit__(kind, value, trace)  # type: ignore[arg-type]
        if kind is None and self._writer is not None:
            writer, info = self._writer, {"beside": self._companions.counts()}
            receipt = Receipt(writer.part, writer.files, writer.content, {"rows": writer.rows}, info)
            self.known = save_receipt(self._job.storage, receipt)

    @property
    def content(self) -> str:
        """Hash of the records, once there is a receipt."""
        return self.known.content if self.known is not None else ""

    def pieces(self, wanted: Bools | None = None) -> Iterator[Piece]:
        """Yield the rows of the split with the current text of documents: from its texts part, or from its source.

        Args:
            wanted: bool, one per row: whose text is needed, that of others may be ""; None is everybody who has one.
        """
        split, texts = self._holding.split, self._holding.texts
        if self.known is None:
            yield from self._recorded(source_pieces(self._job, split, self._companions))
        elif texts is not None:
            yield from part_pieces(self._job, self.part, texts, self.known.counts["rows"])
        else:
            chosen = self._readable() if wanted is None else wanted
            yield from text_pieces(self._job, split, self.part, chosen)

    def _recorded(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Pass a first reading through, and write its records."""
        for piece in pieces:
            if self._writer is not None:
                self._writer.add(piece.records)
            yield piece

    def _readable(self) -> Bools:
        """Return which records have a text."""
        held = read_part(self._job.storage, self.part, ["problem"]).column("problem")
        return np.asarray(held.is_null().to_numpy())
