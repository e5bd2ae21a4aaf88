"""Dolma: `allenai/dolma`, JSON lines `*.json.gz` of {id, text, source, added, created, metadata}."""

from typing import Literal

from pipelines.sources.options import Column, Layout, SourceOptions


class Dolma(SourceOptions):
    """The data format of the Dolma toolkit (allenai/dolma, docs/data-format.md); `metadata` differs by subset."""

    format: Literal["dolma"] = "dolma"

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
