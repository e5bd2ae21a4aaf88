"""The filters of a pass over documents in memory: ours over Arrow batches, datatrove's over its documents.

In:  texts.
Out: what runs once over all of them, and the seconds that a run takes.
Guaranteed: reading is no part of it on either side: batches and `Document`s are made beforehand, and nothing that a run
     found is left for the next one (a scan of words belongs to one batch object, and each run makes its own). Seconds
     are the processor's, spent by this process alone: other work on the machine slows neither side by chance.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.agreement.live import Pair
from benchmarks.agreement.peer import patched
from filters.batch import Batch, Columns, Edits, Judges, Measures, Stage, Verdicts, batch_of

BATCH_BYTES = 4_000_000
"""Text of one batch, as in a build."""

LEAST_SECONDS = 0.3
"""A run of ours is repeated until it has taken so long, for a single one is over too soon to be timed well."""


def batches(texts: Sequence[str]) -> list[pa.RecordBatch]:
    """Return texts as batches of about `BATCH_BYTES`."""
    made, part, size = [], [], 0
    for text in texts:
        part.append(text)
        size += len(text.encode())
        if size >= BATCH_BYTES:
            made.append(batch_of(part).documents)
            part, size = [], 0
    return made if not part else [*made, batch_of(part).documents]


def batch_of_one(text: bytes) -> pa.RecordBatch:
    """Return one document, given as UTF-8, as a batch."""
    documents = batch_of([""]).documents
    place = documents.schema.get_field_index("text")
    column = pa.array([text], pa.large_binary()).cast(pa.large_string())
    return documents.set_column(place, documents.schema.field("text"), column)


@dataclass(frozen=True)
class Ours:
    """Our stages over batches."""

    batches: Sequence[pa.RecordBatch]
    stages: Sequence[Stage]

    def every(self) -> None:
        """Run every stage on every document."""
        for documents in self.batches:
            batch = Batch(documents)
            for stage in self.stages:
                columns, verdicts = _judged(stage, batch, {})
                _edited(stage, batch, columns, verdicts.rule.is_null())

    def chain(self) -> list[pa.RecordBatch]:
        """Run the stages as a build does, and return what stays.

        A text that an editor changed is measured anew; what fell before that is not.
        """
        return [self._chain(documents) for documents in self.batches]

    def _chain(self, documents: pa.RecordBatch) -> pa.RecordBatch:
        batch, signals = Batch(documents), dict[str, pa.Array]()
        alive = np.ones(len(batch), np.bool_)
        for stage in self.stages:
            columns, verdicts = _judged(stage, batch, signals)
            signals.update(columns)
            alive &= verdicts.rule.is_null().to_numpy(zero_copy_only=False)
            if isinstance(stage, Edits):
                batch = Batch(_edited(stage, batch, signals, pa.array(alive)))
                signals, alive = {}, np.ones(len(batch), np.bool_)
        return batch.documents.filter(pa.array(alive))


def _judged(stage: Stage, batch: Batch, signals: Columns) -> tuple[Columns, Verdicts]:
    if not (isinstance(stage, Measures) and isinstance(stage, Judges)):
        raise TypeError(f"{type(stage).__name__} does not measure and judge")
    columns = stage.measure(batch)
    return columns, stage.judge({**signals, **columns})


def _edited(stage: Stage, batch: Batch, columns: Columns, alive: pa.Array) -> pa.RecordBatch:
    """Return the documents that stay, with the text that an editor gives them."""
    if not isinstance(stage, Edits):
        return batch.documents
    rows = np.flatnonzero(alive.to_numpy(zero_copy_only=False))
    kept = Batch(batch.documents, columns, batch.scans).take(rows)
    place = kept.documents.schema.get_field_index("text")
    return kept.documents.set_column(place, kept.documents.schema.field("text"), stage.edit(kept))


@dataclass(frozen=True)
class Theirs:
    """datatrove's filters over its documents.

    Args:
        texts: the documents.
        pairs: the filters.
        our_words: whether they split by our splitters or by their own.
    """

    texts: Sequence[str]
    pairs: Sequence[Pair]
    our_words: bool

    def every(self, documents: Sequence[Any]) -> None:
        """Run every filter on every document."""
        filters = [pair.peer for pair in self.pairs]
        for document in documents:
            for filter_ in filters:
                filter_.filter(document)

    def chain(self, documents: Sequence[Any]) -> list[Any]:
        """Run the filters as its executor does, and return what stays: what one drops, the next does not see."""
        standing = iter(documents)
        for pair in self.pairs:
            standing = pair.peer.run(standing)
        return list(standing)

    def documents(self) -> list[Any]:
        """Return the texts as datatrove's documents."""
        from datatrove.data import Document

        return [Document(text=text, id=str(number)) for number, text in enumerate(self.texts)]

    def seconds(self, run: Callable[[Sequence[Any]], object]) -> float:
        """Return how long a run of `every` or `chain` takes."""
        documents = self.documents()
        with ExitStack() as stack:
            for pair in self.pairs if self.our_words else ():
                stack.enter_context(patched(pair.peer, pair.ours))
            begun = time.process_time()
            run(documents)
            return time.process_time() - begun


def seconds_each(run: Callable[[], object], least: float = LEAST_SECONDS) -> float:
    """Return how long a run takes, of as many as fill `least` seconds."""
    begun, runs = time.process_time(), 0
    while time.process_time() - begun < least or runs == 0:
        run()
        runs += 1
    return (time.process_time() - begun) / runs
