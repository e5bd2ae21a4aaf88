"""RefinedWeb: `tiiuae/falcon-refinedweb`, 5,535 Parquet files with the text in `content`."""

from typing import ClassVar, Literal

from pipelines.sources.options import Column, Container, Layout, SourceOptions


class RefinedWeb(SourceOptions):
    """Columns: content, url, timestamp, dump, segment, image_urls."""

    containers: ClassVar[tuple[Container, ...]] = ("parquet",)
    format: Literal["refinedweb"] = "refinedweb"

    @property
    def layout(self) -> Layout:
        """The text is `content`; the rows have no id of their own."""
        return Layout(
            text="content",
            url=Column(("url",)),
            date=Column(("timestamp",), "timestamp"),
            fields={"dump": Column(("dump",)), "segment": Column(("segment",))},
        )
