"""What an exchange stage is: keys out of documents, decisions out of all rows that share one.

In:  per split the surviving documents and what was measured on them; per key range the rows of all splits.
Out: rows for the exchange; rows addressed to documents, which travel home to their splits.
Guaranteed: pure functions; the order in which rows are given to `reduce` is total, so its answer is too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.batch import Batch, Columns
from pipelines.dedup.earlier import EarlierBuild
from pipelines.engine.exchange import Layout, Rows

HOME = Layout((("kept_uid", "u8"), ("similarity", "f4"), ("cluster", "u4"), ("dropped", "u1")))
"""Rows that travel home: key = the document's address; payload = spans cut of its text, (start, end) uint32 pairs.

`kept_uid` 0 is nobody: no one document stands for one that falls; `cluster` 0 is no group of documents. `dropped` is 0
where a document stays, 1 where it falls, and 1 + n where it falls for a document of the n-th earlier build. Where spans
are cut, `similarity` is the share of the text's characters that goes with them."""

LATER_OPTIONS = ("max_loss", "against", "store_shingles")
"""Options that change no row of what map tasks emit, and no decision by themselves: what an exchange is compared with
counts by the contents of its inputs."""

KEY_TYPES = (pa.uint64(), pa.list_(pa.uint64()))
"""Types of measured columns that are keys, by which documents meet; all others are signals."""

EDGES = Layout((("other", "u8"),))
"""Rows that say that two documents may be duplicates: key = the address of one, `other` that of the other."""


@dataclass(frozen=True)
class Documents:
    """The surviving documents of a batch, as an exchange stage sees them.

    Args:
        columns: row (uint32), uid (uint64), chars (int64), date (int64 microseconds, the least int64 where there is
            none), and what the stage measured.
        text: their text; empty strings unless the stage `reads_text`.
        signals: what the stage measured and the documents' metadata as Arrow arrays, lists and strings among them.
        component: smallest address of each document's component (uint64), where an exchange linked it to others, and
            null elsewhere; None where no exchange did.
    """

    columns: Mapping[str, npt.NDArray[np.generic]]
    text: pa.LargeStringArray
    signals: Columns = field(default_factory=dict)
    component: pa.UInt64Array | None = None

    def __getitem__(self, name: str) -> npt.NDArray[np.generic]:
        return self.columns[name]


@dataclass(frozen=True)
class Standing:
    """What the manifest says of a source in one exchange.

    Args:
        position: place in the stage's `keep` list; sources that it does not name come last.
        exempt: its documents are never dropped.
    """

    position: int
    exempt: bool


@runtime_checkable
class ExchangeStage(Protocol):
    """A stage that ends a pass.

    `cuts`: its answers take spans out of texts, which begins a new text version. `reads_text`: `emit` looks at texts,
    so that stored numbers alone never do.
    """

    version: ClassVar[int]
    layout: ClassVar[Layout]
    cuts: ClassVar[bool]
    reads_text: ClassVar[bool]

    @property
    def keep(self) -> list[str]:
        """Sources or tags, in the order in which they keep their copy."""

    @property
    def exempt(self) -> list[str]:
        """Sources or tags that lose nothing."""

    @property
    def max_loss(self) -> float:
        """The share that a source may lose."""

    def model_dump(self, *, mode: Literal["json"]) -> dict[str, Any]:
        """Return the options as plain values."""

    @property
    def rule(self) -> str:
        """What the ledger says of a document that falls here."""

    def measure(self, batch: Batch) -> Columns:
        """Return the key columns of each document."""

    def emit(self, documents: Documents, standing: Standing) -> Rows:
        """Return the rows that the documents send to the exchange."""

    def reduce(self, rows: Rows) -> Rows:
        """Return, for all documents of a key range that share a key, a row home in the layout `HOME`."""


@runtime_checkable
class Linking(Protocol):
    """An exchange stage that only finds candidates: its `reduce` returns rows in the layout `EDGES`.

    Documents that are linked, directly or through others, are a component; `then` decides within each.
    """

    @property
    def then(self) -> ExchangeStage:
        """The exchange that follows, to which each document comes with its component."""


@runtime_checkable
class Combining(Protocol):
    """An exchange stage that can say the same with fewer rows before they are written."""

    def combine(self, rows: Rows) -> Rows:
        """Return what stands for these rows of one split, sorted by (key, row, slot)."""


@runtime_checkable
class Counting(Protocol):
    """An exchange stage whose decisions depend on how many documents come to it."""

    def for_documents(self, count: int) -> ExchangeStage:
        """Return the stage as it decides about `count` documents."""


@runtime_checkable
class Dividing(Protocol):
    """An exchange stage whose rows bring texts that are compared across keys: it says itself where keys are divided."""

    @property
    def ranges(self) -> int:
        """Into how many equal ranges keys are divided, each to be reduced as a whole; 0 leaves that to the engine."""

    def admit(self, size: int) -> None:
        """Refuse, with a BuildError, rows of so many bytes that are to be reduced together."""


@runtime_checkable
class Settling(Protocol):
    """An exchange stage whose `reduce` speaks of pieces of documents: what they add up to is known only at home."""

    def settle(self, rows: Rows) -> Rows:
        """Return one row home per document of a split, given all that was said of its pieces, by (key, slot)."""


@runtime_checkable
class Comparing(Protocol):
    """An exchange stage that can compare documents with those of earlier builds.

    Its rows carry `position` and `exempt` where it decides by rank, and its answers say for whose document one falls.
    """

    @property
    def earlier(self) -> tuple[EarlierBuild, ...]:
        """The earlier builds, in the order in which their documents rank."""

    @property
    def compares_texts(self) -> bool:
        """Whether its keys are made of texts, so that editors before it change them."""

    @property
    def needs_shingles(self) -> bool:
        """Whether it compares shingles, which an earlier build must have stored."""


@runtime_checkable
class Recalling(Protocol):
    """The second round of a comparing stage, to which documents of earlier builds come from what is stored of them."""

    layout: ClassVar[Layout]

    @property
    def needs_shingles(self) -> bool:
        """Whether they come with their shingles."""

    def recall(self, members: Rows, uids: npt.NDArray[np.uint64], shingles: pa.Array | None) -> Rows:
        """Return the rows of earlier documents that are members of components, which never fall.

        Args:
            members: rows with the column `component`.
            uids: of each.
            shingles: of each, ascending uint64 as large_binary; None unless they are needed.
        """


@runtime_checkable
class Storing(Protocol):
    """An exchange stage that can store shingles for later builds."""

    @property
    def store_shingles(self) -> bool:
        """Whether it is asked to."""

    @property
    def shingling(self) -> list[object]:
        """All that decides what the shingles of a text are."""

    def shingle_bytes(self, text: pa.LargeStringArray) -> pa.LargeBinaryArray:
        """Return the shingles of each text, ascending uint64, little-endian."""


def rounds_of(stage: ExchangeStage) -> tuple[ExchangeStage, ...]:
    """Return the exchanges that one stage of the manifest is made of, in order."""
    return (stage, *rounds_of(stage.then)) if isinstance(stage, Linking) else (stage,)


def ranges_of(stage: ExchangeStage) -> int:
    """Return into how many ranges a stage divides its keys; 0 where any number will do."""
    return stage.ranges if isinstance(stage, Dividing) else 0
