"""RedPajama v2: documents `{snapshot}/{shard}/{lang}_{bucket}.json.gz` as CCNet wrote them."""

from typing import Literal

from pipelines.sources.options import Column, Layout, SourceOptions


class RedPajamaV2(SourceOptions):
    """Flat JSON lines (RedPajama-Data, app/src/core/data_types.py, InputSpec).

    The published id, by which quality signals and MinHash signatures are joined, is "<shard uri>/<row>", such as
    "2023-06/0000/en_head.json.gz/0". It is made of the last three parts of the file's path below the folder that the
    source's `path` begins with, so that should be a pattern such as documents/**/*.json.gz, above the snapshots.
    """

    format: Literal["redpajama_v2"] = "redpajama_v2"

    @property
    def layout(self) -> Layout:
        """The rows carry no id; it is their place."""
        return Layout(
            text="raw_content",
            url=Column(("url",)),
            date=Column(("date_download",), "timestamp"),
            language=Column(("language",)),
            fields={
                "bucket": Column(("bucket",)),
                "digest": Column(("digest",)),
                "perplexity": Column(("perplexity",), "float64"),
                "language_score": Column(("language_score",), "float64"),
                "source_domain": Column(("source_domain",)),
                "title": Column(("title",)),
                "cc_segment": Column(("cc_segment",)),
                "length": Column(("length",), "int64"),
                "nlines": Column(("nlines",), "int64"),
            },
            numbered=True,
        )
