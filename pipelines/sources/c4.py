"""C4 and mC4: `allenai/c4`, JSON lines `*.json.gz` of {text, timestamp, url}."""

from typing import Literal

from pipelines.sources.options import Column, Layout, SourceOptions


class C4(SourceOptions):
    """Every value is a string; the language is in the file's name only."""

    format: Literal["c4"] = "c4"

    @property
    def layout(self) -> Layout:
        """The rows have no id of their own."""
        return Layout(text="text", url=Column(("url",)), date=Column(("timestamp",), "timestamp"))
