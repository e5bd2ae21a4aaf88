"""What a manifest says of its tokenizer: train one, or which file holds one.

In:  `tokenizer:` of a manifest.
Out: a frozen `TokenizerSpec`.
Guaranteed: exactly one of training and a file; nothing here opens the file.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from pipelines.amounts import Bytes, Count
from pipelines.mixture import Weight, sum_to_one
from pipelines.sequences import as_tuple
from pipelines.tokenizer_edit import EditOptions

Kind = Literal["train", "json", "tiktoken", "sentencepiece", "file"]


Name = Annotated[str, Field(min_length=1)]

Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
"""Tokens, in order."""

ROLES = ("bos", "eos", "pad")
"""Options that may name a special token: what begins and ends documents, and fills up sequences."""

KINDS: tuple[Kind, ...] = ("train", "json", "tiktoken", "sentencepiece", "file")


class Specials(BaseModel):
    """What the special tokens are called that frame documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bos: Name | None = Field(None, description="Begins a document; without it there is none, or a well-known one.")
    eos: Name | None = Field(None, description="Ends a document; without it <|endoftext|>, or a well-known one.")
    pad: Name | None = Field(None, description="Fills up a sequence; without it <|pad|>.")

    @model_validator(mode="after")
    def _three_tokens(self) -> "Specials":
        named = [name for name in (self.bos, self.eos, self.pad) if name is not None]
        if len(set(named)) < len(named):
            raise ValueError("two of the three are one token; give each a name of its own")
        return self


class TrainOptions(BaseModel):
    """A byte-level BPE, trained on a sample of what the stages keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocab_size: Count = Field(description="Number of tokens, special ones included.", le=2**32)
    sample_bytes: Bytes = Field(64_000_000, description="Bytes of text that it is trained on.")
    normalize: bool = Field(False, description="Scale the weights so that they sum to 1.")
    weights: dict[str, Weight] | None = Field(
        None, min_length=1, description="Share of each source in the sample; without them, as the corpus has it."
    )
    short: Literal["error", "scale", "less"] = Field(
        "error",
        description="Where a source holds less than its share: stop, take less of all, or take what it has of it.",
    )
    max_document_chars: Count = Field(
        1_000_000, description="Characters that one document gives at most, from its beginning."
    )
    min_frequency: int = Field(2, ge=1, description="A pair that is rarer is never merged.")
    pattern: str = Field("gpt2", min_length=1, description="How text is cut into words: gpt2, llama3 or cl100k.")
    digits: Literal["individual", "groups_of_three"] | None = Field(
        None, description="How numbers are cut, where not as the named pattern does: one by one, or by at most three."
    )
    special_tokens: Names = Field((), description="Tokens that no text becomes, behind those of `specials`.")
    specials: Specials = Field(Specials(), description="Names of the tokens that begin, end and pad.")

    @field_validator("weights")
    @classmethod
    def _sum_to_one(cls, weights: dict[str, float] | None, info: ValidationInfo) -> dict[str, float] | None:
        return None if weights is None else sum_to_one(weights, "source", normalize=bool(info.data.get("normalize")))

    @property
    def shares(self) -> dict[str, int]:
        """Bytes of the sample by source; without weights all sources are one, called ""."""
        if self.weights is None:
            return {"": self.sample_bytes}
        return {source: round(weight * self.sample_bytes) for source, weight in self.weights.items() if weight}

    @property
    def all_specials(self) -> tuple[str, ...]:
        """All special tokens, in the order of their ids: EOS, padding, BOS if it is named, and the others."""
        named = self.specials
        first = (named.eos or "<|endoftext|>", named.pad or "<|pad|>", *([named.bos] if named.bos else []))
        return tuple(dict.fromkeys((*first, *self.special_tokens)))


class TokenizerSpec(BaseModel):
    """How text becomes tokens; one of `train`, `json`, `tiktoken`, `sentencepiece` and `file`.

    `bos` and `eos` say whether each document begins and ends with a token of its own, and which where there are
    several; None leaves it to the tokenizer's file. `pad` says which token fills up sequences.
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
    bos: bool | Name | None = Field(None, description="Whether each document begins with the BOS token; or which one.")
    eos: bool | Name | None = Field(None, description="Whether each document ends with the EOS token; or which one.")
    pad: Name | None = Field(None, description="The token that fills up sequences; by default one of a usual name.")
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
