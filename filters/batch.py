"""What every stage takes and gives: a `Batch` of documents in, an `Outcome` out.

In:  an Arrow record batch of documents (about 4 MB of text) and the signals measured on them so far.
Out: per document a rule that failed (or null), the number that decided, new text, and measured columns.

A stage is a frozen pydantic model whose fields are its manifest options. It has `version: ClassVar[int]` and any of

    measure(batch) -> Columns                 what the documents are; stored, and asked again without a rerun
    judge(signals) -> Verdicts                which documents fall, a pure function of stored numbers
    edit(batch)    -> pa.LargeStringArray     the documents' next text

Every field says which of the two it belongs to: `measuring` (a new value is a new measurement) or `judging`
(a new value is a new question to the numbers at hand). Nothing here opens a file: a stage that needs word lists, block
lists or a model names them by options of type `InputFile`, and has `load(read)`, which returns the stage at work.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from filters.kernels.scans import Scans

Columns = Mapping[str, pa.Array]
"""Column name -> array, one value per document. Counts are int64, ratios float32, keys uint64; null = not measured."""

DOCUMENT_SCHEMA = pa.schema(
    [
        pa.field("address", pa.uint64(), nullable=False),
        pa.field("uid", pa.uint64(), nullable=False),
        pa.field("source", pa.dictionary(pa.int16(), pa.string()), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("date", pa.timestamp("us", tz="UTC")),
        pa.field("language", pa.string()),
    ]
)
"""The columns of every batch; a source's declared `fields` follow them, typed."""


@dataclass(frozen=True)
class Batch:
    """Documents that a stage sees together.

    Args:
        documents: record batch that begins with the columns of `DOCUMENT_SCHEMA`.
        signals: columns measured earlier on the same text, by signal name.
        shared: the scans of these texts, where they were made before.
    """

    documents: pa.RecordBatch
    signals: Columns = field(default_factory=dict)
    shared: Scans | None = None

    def __len__(self) -> int:
        return int(self.documents.num_rows)

    @property
    def text(self) -> pa.LargeStringArray:
        """The documents' text, UTF-8, one value per document, never null."""
        return self.documents.column("text")

    @cached_property
    def scans(self) -> Scans:
        """The words and the lines of the texts: each is looked for once, whoever asks for it."""
        return self.shared if self.shared is not None else Scans(self.text)

    def take(self, rows: npt.NDArray[np.int64]) -> "Batch":
        """Return some of the documents; their scans know those of this batch, and what was noted there."""
        places = pa.array(rows)
        documents = self.documents.take(places)
        signals = {name: values.take(places) for name, values in self.signals.items()}
        return Batch(documents, signals, Scans(documents.column("text"), (self.scans, rows)))


@dataclass(frozen=True)
class Verdicts:
    """One decision per document: `rule` is null where the document stays, else the first rule that failed.

    Args:
        rule: string array.
        value: float64 array, the stored number that the rule was judged by, null where the document stays.
    """

    rule: pa.StringArray
    value: pa.DoubleArray


@dataclass(frozen=True)
class Outcome:
    """All that a stage says of a batch; what it does not do is None (or empty, for `columns`)."""

    rule: pa.StringArray | None = None
    value: pa.DoubleArray | None = None
    text: pa.LargeStringArray | None = None
    columns: Columns = field(default_factory=dict)


class Stage(BaseModel):
    """The declared, frozen options of a stage; it carries no behaviour.

    pydantic makes what checks them when a manifest first names the stage: it uses few of those that there are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    version: ClassVar[int]
    measured: ClassVar[tuple[str, ...]] = ()
    """The signals that `measure` returns, by name; `filters.signals` defines them."""
    prose_only: ClassVar[bool] = False
    """Whether sources with the tag `code` are left alone where a manifest does not say `on`."""
    needing: ClassVar[Mapping[str, str]] = {}
    """Signals that say nothing without a file, by the option that names it ("": the stage finds one where none is
    named); an expression may ask for them only behind such a stage."""


class InputFile(BaseModel):
    """A file that a stage reads, or all files that a pattern finds; a manifest writes the path alone.

    Args:
        path: file, or pattern such as `lists/*/domains`. It never enters identity.
        content: hash of what is in it, set when the manifest is loaded; this is what identity sees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: str = Field(exclude=True)
    content: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


ReadFiles: TypeAlias = Callable[[InputFile], Mapping[str, bytes]]
"""Returns what an `InputFile` names: relative path -> content."""


@runtime_checkable
class Loads(Protocol):
    """A stage that needs files before it can work."""

    def load(self, read: ReadFiles) -> Self:
        """Return the same stage with its files in memory; called once per process."""


@runtime_checkable
class Measures(Protocol):
    """A stage that measures documents."""

    def measure(self, batch: Batch) -> Columns:
        """Return one value per document for each of the stage's signals."""


@runtime_checkable
class Judges(Protocol):
    """A stage that decides by stored signals."""

    def judge(self, signals: Columns) -> Verdicts:
        """Return the first failing rule and its number, per document."""


@runtime_checkable
class Edits(Protocol):
    """A stage that gives documents a new text."""

    def edit(self, batch: Batch) -> pa.LargeStringArray:
        """Return the new text, one value per document."""


def measuring(default: Any, description: str, *, names: str | None = None, **rules: Any) -> Any:  # noqa: ANN401 - like Field()
    """Declare an option that changes what is measured (or how text is edited).

    Args:
        default: the published default.
        description: one sentence for `gristmill schema` and for editors.
        names: "sources" or "signals" where the option's strings name such; the manifest checks that they exist.
        rules: pydantic's own, such as `ge=0`.
    """
    return Field(default, description=description, json_schema_extra={"role": "measuring", "names": names}, **rules)


def judging(default: Any, description: str, *, names: str | None = None, **rules: Any) -> Any:  # noqa: ANN401 - like Field()
    """Declare an option that only changes how measured numbers are judged; the arguments are those of `measuring`."""
    return Field(default, description=description, json_schema_extra={"role": "judging", "names": names}, **rules)


def role_of(info: FieldInfo) -> str:
    """Return "measuring" or "judging"; every option of a stage has one of the two roles."""
    extra = info.json_schema_extra
    if not isinstance(extra, dict) or extra.get("role") not in {"measuring", "judging"}:
        raise TypeError("declare every option of a stage with measuring() or judging()")
    return str(extra["role"])


def measuring_options(stage: Stage) -> dict[str, object]:
    """Return the stage's measuring options as plain values: with its name and version, the identity of its signals."""
    options: dict[str, object] = stage.model_dump(mode="json")
    fields = type(stage).model_fields
    return {name: options[name] for name, info in fields.items() if role_of(info) == "measuring"}


def run_stage(stage: Stage, batch: Batch) -> Outcome:
    """Do all that `stage` has: measure, then judge what was measured, then edit."""
    columns = stage.measure(batch) if isinstance(stage, Measures) else {}
    verdicts = stage.judge({**batch.signals, **columns}) if isinstance(stage, Judges) else None
    text = stage.edit(batch) if isinstance(stage, Edits) else None
    if verdicts is None:
        return Outcome(text=text, columns=columns)
    return Outcome(verdicts.rule, verdicts.value, text, columns)


def batch_of(texts: list[str]) -> Batch:
    """Make a batch of bare texts, for trying a stage: `GopherQuality()(batch_of(["some text"]))`."""
    count = len(texts)
    columns = {
        "address": pa.array(np.arange(count, dtype=np.uint64)),
        "uid": pa.array(np.arange(count, dtype=np.uint64)),
        "source": pa.array(["text"] * count, pa.dictionary(pa.int16(), pa.string())),
        "id": pa.array([str(number) for number in range(count)], pa.string()),
        "text": pa.array(texts, pa.large_string()),
    }
    empty = {name: pa.nulls(count, DOCUMENT_SCHEMA.field(name).type) for name in ("url", "date", "language")}
    return Batch(pa.RecordBatch.from_pydict({**columns, **empty}, schema=DOCUMENT_SCHEMA))
