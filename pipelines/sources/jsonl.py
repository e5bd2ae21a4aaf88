"""Any JSON lines: the manifest says under which keys the text and the rest stand."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pipelines.sources.chats import Chat
from pipelines.sources.options import Column, Container, Layout, SourceOptions


class FlexibleOptions(SourceOptions):
    """Where the text and the rest stand; a dot leads into an object ("meta.url")."""

    text_field: str = Field("text", min_length=1, description="Key of the text.")
    id_field: str = Field("id", min_length=1, description="Key of the document's own id.")
    url_field: str = Field("url", min_length=1, description="Key of the page's address.")
    date_field: str = Field("date", min_length=1, description="Key of the date: ISO 8601, or a number since 1970.")
    language_field: str = Field("language", min_length=1, description="Key of the language code.")
    chat: Chat | None = Field(
        None, description="Texts are written from messages, by role; in place of a key of the text."
    )

    @property
    def layout(self) -> Layout:
        """The places that the options name."""
        return Layout(
            text=self.text_field if self.chat is None else self.chat.messages,
            id=Column((self.id_field,)),
            url=Column((self.url_field,)),
            date=Column((self.date_field,), "timestamp"),
            language=Column((self.language_field,)),
            chat=self.chat,
        )

    @model_validator(mode="after")
    def _check_chat(self) -> "FlexibleOptions":
        if self.chat is not None and self.loss_spans is not None:
            raise ValueError("loss_spans: `chat` says by `loss: true` which messages count; leave it out")
        if self.chat is not None and self.text_field != "text":
            raise ValueError("text_field: `chat` writes the text; leave it out")
        return self


class JsonLines(FlexibleOptions):
    """One JSON object per line, plain, gzip or zstd."""

    containers: ClassVar[tuple[Container, ...]] = ("lines",)
    format: Literal["jsonl"] = "jsonl"
