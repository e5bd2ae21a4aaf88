"""What a manifest says of its tokenizer: train one, or which file holds one.

In:  `tokenizer:` of a manifest.
Out: a frozen `TokenizerSpec`.
Guaranteed: exactly one of training and a file; nothing here opens the file.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipelines.amounts import Bytes, Count
from pipelines.sequences import as_tuple
from pipelines.tokenizer_edit import EditOptions

Kind = Literal["train", "json", "tiktoken", "sentencepiece", "file"]


Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
"""Tokens, in order."""

KINDS: tuple[Kind, ...] = ("train", "json", "tiktoken", "sentencepiece", "file")


class TrainOptions(BaseModel):
    """A byte-level BPE, trained on a sample of what the stages keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocab_size: Count = Field(description="Number of tokens, special ones included.", le=2**32)
    sample_bytes: Bytes = Field(64_000_000, description="Bytes of text that it is trained on.")
    min_frequency: int = Field(2, ge=1, description="A pair that is rarer is never merged.")
    pattern: str = Field("gpt2", min_length=1, description="How text is cut into words: gpt2, llama3 or cl100k.")
    special_tokens: Names = Field((), description="Tokens that no text becomes, behind the end of text.")


class TokenizerSpec(BaseModel):
    """How text becomes tokens; one of `train`, `json`, `tiktoken`, `sentencepiece` and `file`.

    `bos` and `eos` say whether each document begins and ends with a token of its own; None leaves it to the
    tokenizer's file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    train: TrainOptions | None = Field(None, description="Train a byte-level BPE.")
    tokenizer_json: Annotated[str | None, Field(alias="json", description="A tokenizer.json.")] = None
    tiktoken: str | None = Field(None, description="A file of tiktoken ranks.")
    sentencepiece: str | None = Field(None, description="A SentencePiece model.")
    file: str | None = Field(None, description="Any of these files; its content tells which.")
    pattern: str | None = Field(None, description="For tiktoken: llama3, gpt2, cl100k or a regular expression.")
    special_tokens: dict[str, int] | Names | None = Field(
        None, description="For tiktoken: special tokens, with ids, or in order behind the ranks."
    )
    library: bool = Field(
        False, description="Whether the library that defines the vocabulary encodes, not kernels of our own."
    )
    bos: bool | None = Field(None, description="Whether each document begins with the BOS token.")
    eos: bool | None = Field(None, description="Whether each document ends with the EOS token.")
    edit: EditOptions | None = Field(None, description="Changes to the file's vocabulary.")

    @model_validator(mode="before")
    @classmethod
    def _bare_path(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the manifest holds
        return {"file": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_of_them(self) -> "TokenizerSpec":
        given = [kind for kind in KINDS if self._given(kind) is not None]
        if len(given) != 1:
            raise ValueError(f"write exactly one of {', '.join(KINDS)}")
        if self.tiktoken is None and (self.pattern is not None or self.special_tokens is not None):
            raise ValueError("`pattern` and `special_tokens` belong to tiktoken; under `train` they stand inside it")
        if self.train is not None and self.edit is not None:
            raise ValueError("`edit` changes a file; under `train` write `special_tokens` and `vocab_size`")
        return self

    def _given(self, kind: Kind) -> TrainOptions | str | None:
        value: TrainOptions | str | None = getattr(self, "tokenizer_json" if kind == "json" else kind)
        return value

    @property
    def kind(self) -> Kind:
        """Which of them it is."""
        return next(kind for kind in KINDS if self._given(kind) is not None)

    @property
    def path(self) -> str | None:
        """Where the tokenizer's file is; None where one is trained."""
        given = self._given(self.kind)
        return given if isinstance(given, str) else None
