"""What the manifest says of a source, and where a corpus keeps what we read.

In:  one entry of `sources:` in the manifest.
Out: a frozen model, one class per corpus, and its `Layout`: the places of text, id, url, date, language and fields.
Guaranteed: nothing here opens a file; every refusal is a ValueError that says what to write instead.

A new corpus is a subclass with a `format` name and a `layout`, and a line in `formats.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.sources.chats import Chat
from pipelines.sources.companions import Companion

FieldType = Literal["string", "int64", "float64", "bool", "timestamp"]
"""Types a declared field can have. A timestamp is UTC, in microseconds."""

ColumnType = FieldType | Literal["spans", "numbers"]
"""Types a column can have: those of a field, pairs of places in the text (in characters), and float16 numbers."""

LOSS_SPANS = "loss:spans"
"""Column of the spans that count for the loss: start, end, start, end ...; no expression can write its name."""

TEMPLATE_SPANS = "template:spans"
"""Column of the spans that no message of a chat says; likewise."""

REF_LOSS = "loss:reference"
"""Column of a reference model's losses, a number per token of the text."""

Container = Literal["lines", "parquet", "text"]
"""What a file is once decompressed: JSON lines, Parquet, or plain text."""

Scalar = str | int | float | bool

RESERVED = frozenset(
    {"address", "chars", "date", "id", "language", "ordinal", "problem", "row", "source", "text", "uid", "url"}
)
"""Names a declared field cannot take, because every document has them."""


@dataclass(frozen=True)
class Column:
    """Where a value stands in a record: the first of `paths` that is there and not null.

    Args:
        paths: keys or columns; a dot leads into an object ("meta.url"), also into one stored as a JSON string.
        type: what the value is read as.
    """

    paths: tuple[str, ...]
    type: ColumnType = "string"


@dataclass(frozen=True)
class Layout:
    """Where a corpus keeps what we read; an empty column means that the corpus does not have it.

    Args:
        text: path of the text; of messages where there is a `chat`.
        id: the corpus's own name of a document; where it is missing the engine makes one.
        url: address of the page.
        date: when it was crawled or written.
        language: language code, as the corpus writes it.
        fields: further values known to the format, by the name a manifest uses.
        metadata: key of the object in which names unknown to the format are looked up after the top level.
        chat: how the text is written from messages; None: it stands there.
        numbered: True where the published id is "<last three parts of the file's path>/<number of the record>".
    """

    text: str
    id: Column = Column(())
    url: Column = Column(())
    date: Column = Column((), "timestamp")
    language: Column = Column(())
    fields: Mapping[str, Column] = field(default_factory=lambda: MappingProxyType({}))
    metadata: str | None = None
    chat: Chat | None = None
    numbered: bool = False

    def column(self, name: str) -> Column:
        """Return the column called `name`: one known to the format, else a key of the record or of its metadata."""
        if name in self.fields:
            return self.fields[name]
        inner = (f"{self.metadata}.{name}",) if self.metadata and not name.startswith(f"{self.metadata}.") else ()
        return Column((name, *inner))


class FieldOptions(BaseModel):
    """A declared field whose name, place or type is the manifest's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1, description="Key of the record, or of its metadata; a dot leads into an object.")
    type: FieldType | None = Field(None, description="What it is read as; by default the format's own type, or string.")


class Sample(BaseModel):
    """A part of a source, chosen by a hash of each document's uid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fraction: float = Field(gt=0, le=1, description="Share of the documents that is kept, above 0 and at most 1.")


class SourceOptions(BaseModel):
    """An entry of `sources:` in the manifest; pydantic makes what checks one when a manifest first has its format."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    containers: ClassVar[tuple[Container, ...]] = ("lines", "parquet")

    format: str
    path: str | list[str] = Field(description="A file, a folder or a pattern such as data/**/*.jsonl.gz; or several.")
    tags: list[str] = Field(default=[], description="Names under which stages and pools can name several sources.")
    fields: list[str] | dict[str, str | FieldOptions] = Field(
        default=[], description="Metadata to carry: names, or {name: key} or {name: {path: key, type: int64}}."
    )
    select: dict[str, Scalar | list[Scalar]] = Field(
        default={}, description="Keep documents whose field has this value, or one of these values."
    )
    where: str | None = Field(default=None, description="Keep documents for which this expression is true.")
    sample: Sample | None = Field(default=None, description="Keep a fraction of the documents, chosen by their uid.")
    loss_spans: str | None = Field(
        None, min_length=1, description="Key of the spans that count for the loss: [[start, end], ...], in characters."
    )
    ref_loss: str | None = Field(
        None,
        min_length=1,
        description="Key of a reference model's losses: a number, or null, for each token of the text, BOS and EOS "
        "not among them.",
    )

    @property
    def layout(self) -> Layout:
        """Where this corpus keeps what we read."""
        raise NotImplementedError

    @property
    def companions(self) -> tuple[Companion, ...]:
        """The files beside the documents that the manifest asks for."""
        return ()

    def companion_folder(self, companion: Companion) -> str | None:
        """Return the folder that the manifest names for a companion; None: it lies beside the documents."""
        del companion
        return None

    @property
    def beside_tokens(self) -> dict[str, Column]:
        """What tokens get numbers from, by the names of its columns: found as declared fields are."""
        asked: tuple[tuple[str, str | None, ColumnType], ...] = (
            (LOSS_SPANS, self.loss_spans, "spans"),
            (REF_LOSS, self.ref_loss, "numbers"),
        )
        names = (LOSS_SPANS, TEMPLATE_SPANS) if self.layout.chat is not None else ()
        made = {name: Column((), "spans") for name in names}
        return made | {
            name: Column(self.layout.column(key).paths, kind) for name, key, kind in asked if key is not None
        }

    def declared_fields(self) -> dict[str, Column]:
        """Return the columns that the manifest asks for by name, in its order; `select` asks for known ones too."""
        known = [name for name in self.select if name in self.layout.fields]
        entries = self.fields if isinstance(self.fields, dict) else {name: name for name in self.fields}
        return {name: self._declared(entry) for name, entry in {**{name: name for name in known}, **entries}.items()}

    def _declared(self, entry: str | FieldOptions) -> Column:
        path, kind = (entry, None) if isinstance(entry, str) else (entry.path, entry.type)
        column = self.layout.column(path)
        return column if kind is None else Column(column.paths, kind)

    @model_validator(mode="after")
    def _check_paths(self) -> "SourceOptions":
        layout = self.layout
        common = (layout.id, layout.url, layout.date, layout.language)
        columns = (*common, *self.declared_fields().values(), *self.beside_tokens.values())
        for path in (path for column in columns for path in column.paths):
            if path.startswith(f"{layout.text}."):
                raise ValueError(f"{path!r} lies inside the text, {layout.text!r}; name a key outside it")
        return self

    @model_validator(mode="after")
    def _check_field_names(self) -> "SourceOptions":
        for name in self.fields:
            if name in RESERVED:
                raise ValueError(f"fields: {name!r} is a name every document has; declare it as {{my_{name}: {name}}}")
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise ValueError(f"fields: {name!r} is no name; write {{some_name: {name!r}}}, with letters and digits")
        return self


def chats_of(sources: Mapping[str, SourceOptions]) -> dict[str, Chat]:
    """Return the chat of each source that has one."""
    layouts = {name: source.layout for name, source in sources.items()}
    return {name: layout.chat for name, layout in layouts.items() if layout.chat is not None}
