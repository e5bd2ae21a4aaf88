"""Plain text files: one document per file, or several with a separator between them."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pipelines.sources.options import Container, Layout, SourceOptions


class Text(SourceOptions):
    """A file of UTF-8 text, plain, gzip or zstd; it has no metadata."""

    containers: ClassVar[tuple[Container, ...]] = ("text",)
    format: Literal["text"] = "text"
    separator: str | None = Field(
        None, min_length=1, description='What stands between two documents, such as "<|endoftext|>" in TinyStories.'
    )

    @property
    def layout(self) -> Layout:
        """The file's content is the text."""
        return Layout(text="text")

    @model_validator(mode="after")
    def _check_tokens(self) -> "Text":
        """Refuse what would say something of each token: there is no place for it."""
        for option in ("loss_spans", "ref_loss"):
            if getattr(self, option) is not None:
                raise ValueError(
                    f"{option}: plain text has nothing beside the text; write `format: jsonl` or `parquet`"
                )
        return self
