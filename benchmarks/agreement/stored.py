"""Our numbers beside those that a peer's own code stored about documents.

In:  documents with the peer's numbers, and for each stage of ours which of its signals is which of the peer's.
Out: a comparison per signal.
Guaranteed: where the peer says null we have to say null, too; what it leaves out of a document's row counts as null,
     or as what the mapping says.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from benchmarks.agreement.comparison import Case, Cause, Comparison, Subject, Value, compare
from benchmarks.agreement.oracles import Told
from filters.batch import DOCUMENT_SCHEMA, Batch, Measures, batch_of

Measured = dict[str, list[Value]]
"""Our signal -> our number for each document."""

Reading = Callable[[Told], Value]
"""What the peer says of a document, from what it stored."""


@dataclass(frozen=True)
class Mapping:
    """One signal.

    Args:
        theirs: as the peer names it.
        ours: as we name it.
        read: what the peer says; by default the number that it stored under its name.
        decimals: places that it rounds to; None for counts.
        causes: known reasons to differ.
    """

    theirs: str
    ours: str
    read: Reading | None = None
    decimals: int | None = None
    causes: tuple[Cause, ...] = ()

    def value(self, told: Told) -> Value:
        """Return what the peer says of a document."""
        return self.read(told) if self.read is not None else told.numbers.get(self.theirs)


@dataclass(frozen=True)
class Stored:
    """A peer, the stage of ours that measures the same, and the signals."""

    peer: str
    stage: Measures
    mappings: tuple[Mapping, ...] = field(default_factory=tuple)


def comparisons(stored: Stored, told: Sequence[Told]) -> Iterator[Comparison]:
    """Yield a comparison for each signal over all documents."""
    numbers = measured(stored.stage, told)
    for mapping in stored.mappings:
        cases = [
            Case(document.id, document.text, mapping.value(document), ours)
            for document, ours in zip(told, numbers[mapping.ours], strict=True)
        ]
        subject = Subject(stored.peer, mapping.theirs, mapping.ours, mapping.decimals, mapping.causes)
        yield compare(subject, cases)


def measured(stage: Measures, told: Sequence[Told], batch_documents: int = 256) -> Measured:
    """Return a stage's signals over documents."""
    columns: dict[str, list[Value]] = defaultdict(list)
    for first in range(0, len(told), batch_documents):
        for name, values in stage.measure(_batch(told[first : first + batch_documents])).items():
            columns[name] += values.to_pylist()
    return columns


def _batch(told: Sequence[Told]) -> Batch:
    documents = batch_of([document.text for document in told]).documents
    for name, values in (("url", [one.url for one in told]), ("language", [one.language for one in told])):
        place = documents.schema.get_field_index(name)
        documents = documents.set_column(place, DOCUMENT_SCHEMA.field(name), pa.array(values, pa.string()))
    return Batch(documents)
