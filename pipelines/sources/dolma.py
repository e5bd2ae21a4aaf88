"""Dolma: `allenai/dolma`, JSON lines `*.json.gz` of {id, text, source, added, created, metadata}, and attributes."""

from typing import Literal

from pydantic import Field

from pipelines.sources.accompanied import Accompanied, FieldNames, named
from pipelines.sources.companions import Companion
from pipelines.sources.options import Column, Layout


class Dolma(Accompanied):
    """The data format of the Dolma toolkit (allenai/dolma, docs/data-format.md); `metadata` differs by subset.

    Taggers and the deduper leave their answers in attributes/<name>/<the document file's own path>, a row
    {id, attributes: {name: [[start, end, score], ...]}} for each document. A field is the list of the scores; the spans
    are there for `replace_spans`. A bare number, true or false is one score without a span.
    """

    format: Literal["dolma"] = "dolma"
    attributes: dict[str, FieldNames] = Field(
        default={},
        description="Attributes to carry, by the folder they lie in: {gopher_v1: [key]} or {pii: {emails: pii.email}}.",
    )

    @property
    def companions(self) -> tuple[Companion, ...]:
        """One for each folder of attributes."""
        return tuple(
            Companion(name, ("attributes", name), "attributes", f"attributes/{name}", fields=named(fields))
            for name, fields in self.attributes.items()
        )

    @property
    def layout(self) -> Layout:
        """Every document has an id; url and language stand in `metadata` where the subset has them."""
        return Layout(
            text="text",
            id=Column(("id",)),
            url=Column(("metadata.url",)),
            date=Column(("created",), "timestamp"),
            language=Column(("metadata.language",)),
            fields={
                "subset": Column(("source",)),
                "added": Column(("added",), "timestamp"),
                "bucket": Column(("metadata.bucket",)),
                "perplexity": Column(("metadata.perplexity",), "float64"),
                "language_score": Column(("metadata.language_score",), "float64"),
            },
            metadata="metadata",
        )
