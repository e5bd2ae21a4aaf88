"""Any Parquet: the manifest says in which columns the text and the rest stand."""

from typing import ClassVar, Literal

from pipelines.sources.jsonl import FlexibleOptions
from pipelines.sources.options import Container


class Parquet(FlexibleOptions):
    """One document per row; a dotted path leads into a struct, or into a string that holds a JSON object."""

    containers: ClassVar[tuple[Container, ...]] = ("parquet",)
    format: Literal["parquet"] = "parquet"
