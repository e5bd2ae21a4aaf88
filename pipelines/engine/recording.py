"""Recording: the records part of a split, written by its first reading and checked by every later one.

In:  readings of the source.
Out: the part with one row per record, and its receipt.
Guaranteed: a source read twice gives the same records, or the build stops with the file's name.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Self

from pipelines.engine.job import Holding, Job
from pipelines.engine.keys import key_of
from pipelines.engine.parts import PartWriter
from pipelines.engine.pieces import Piece, SourceReading, part_pieces, records_schema
from pipelines.engine.receipts import Receipt, load_receipt, save_receipt
from pipelines.engine.selection import reading_options


def records_key(job: Job, holding: Holding) -> str:
    """Return the key of a split's records: the split and how its source is read."""
    source = job.manifest.sources[holding.split.source]
    return key_of(["records", holding.split.key, reading_options(source)])


class Records:
    """The split's records part: written by the first reading, and what later readings are checked against."""

    def __init__(self, job: Job, holding: Holding) -> None:
        self.key = records_key(job, holding)
        self.part = f"work/records/{self.key}.parquet"
        self.known = load_receipt(job.storage, self.part)
        self._job = job
        self._holding = holding
        self._schema = records_schema(job, holding.split.source)
        self._writer: PartWriter | None = None
        self._reading: SourceReading | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self.known is None:
            self._writer = self._stack.enter_context(PartWriter(self._job.storage, self.part, self._schema))
        return self

    def __exit__(self, *error: object) -> None:
        kind, value, trace = error
        self._stack.__exit__(kind, value, trace)  # type: ignore[arg-type]
        if kind is None and self._writer is not None and self._reading is not None:
            writer = self._writer
            info = {"reading": self._reading.digest(), "beside": self._reading.companions.counts()}
            receipt = Receipt(writer.part, writer.files, writer.content, {"rows": writer.rows}, info)
            self.known = save_receipt(self._job.storage, receipt)

    @property
    def content(self) -> str:
        """Hash of the records, once there is a receipt."""
        return self.known.content if self.known is not None else ""

    def pieces(self) -> Iterable[Piece]:
        """Return the rows of the split with the current text of documents: from its texts part, or from its source."""
        if self._holding.texts is not None and self.known is not None:
            return part_pieces(self._job, self.part, self._holding.texts, self.known.counts["rows"])
        return self._read(SourceReading(self._job, self._holding.split))

    def _read(self, reading: SourceReading) -> Iterator[Piece]:
        """Pass a reading of the source through: write its records, or check that it says what was said before."""
        self._reading = reading
        for piece in reading:
            if self._writer is not None:
                self._writer.add(piece.records)
            yield piece
        if self.known is not None:
            reading.check(str(self.known.info["reading"]))
