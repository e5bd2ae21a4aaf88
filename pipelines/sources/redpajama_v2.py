"""RedPajama v2: documents `{snapshot}/{shard}/{lang}_{bucket}.json.gz` as CCNet wrote them, and files beside them."""

from typing import Any, Literal

from pydantic import Field

from pipelines.sources.accompanied import Accompanied, FieldNames, named
from pipelines.sources.bands import Signature
from pipelines.sources.companions import Companion, CompanionKind
from pipelines.sources.options import Column, Layout


def _companion(name: str, kind: CompanionKind, ending: str, **rest: Any) -> Companion:  # noqa: ANN401 - as `Companion` has it
    return Companion(name, (name,), kind, name, ending, **rest)


class RedPajamaV2(Accompanied):
    """Flat JSON lines (RedPajama-Data, app/src/core/data_types.py, InputSpec).

    The published id, by which quality signals and MinHash signatures are joined, is "<shard uri>/<row>", such as
    "2023-06/0000/en_head.json.gz/0". It is made of the last three parts of the file's path below the folder that the
    source's `path` begins with, so that should be a pattern such as documents/**/*.json.gz, above the snapshots.

    Beside `documents` lie `minhash`, `duplicates` and `quality_signals`, a file of each for every document file of the
    buckets head and middle (dataset card of togethercomputer/RedPajama-Data-V2).
    """

    format: Literal["redpajama_v2"] = "redpajama_v2"
    minhash: list[Signature] = Field(
        default=[], description="Published MinHash bands to carry, for the option `published` of dedup_minhash."
    )
    duplicates: bool = Field(
        default=False, description="Whether to carry `duplicate`: true where the publisher found an earlier copy."
    )
    quality_signals: FieldNames = Field(
        default=[],
        description="Published quality signals to carry: names, or {name: key}; a field is a list of scores.",
    )

    @property
    def companions(self) -> tuple[Companion, ...]:
        """Those of the three that the manifest asks for."""
        return tuple(companion for companion in self._published if companion.fields)

    @property
    def _published(self) -> tuple[Companion, ...]:
        bands = {name: name for name in self.minhash}
        duplicate = {"duplicate": "doc_id"} if self.duplicates else {}
        signals = named(self.quality_signals)
        return (
            _companion("minhash", "bands", ".minhash.parquet", fields=bands),
            _companion("duplicates", "listing", ".duplicates.parquet", id="doc_id", fields=duplicate),
            _companion("quality_signals", "attributes", ".signals.json.gz", key="quality_signals", fields=signals),
        )

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
