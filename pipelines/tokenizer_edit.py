"""What a manifest changes in a vocabulary that exists: tokens added, ids removed, a round size.

In:  `tokenizer.edit` of a manifest.
Out: a frozen `EditOptions`.
Guaranteed: nothing here opens the tokenizer's file; what it can be asked for is decided in `tokens/edit.py`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipelines.sequences import as_tuple

Removed = Annotated[tuple[str | int, ...] | Literal["unused"], BeforeValidator(as_tuple)]
"""Tokens, or their ids; or all that no text becomes."""

Added = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


class EditOptions(BaseModel):
    """Changes to a vocabulary, as Phi-3 made them to Llama 2's and to tiktoken's (arXiv 2404.14219, section 2).

    Ids that stay close up, in their order; added tokens follow them, in theirs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    add: Added = Field((), description="Special tokens that follow the vocabulary; no text becomes one.")
    remove: Removed = Field(
        (),
        description="Tokens or ids that go: special ones, gaps, and those that no text becomes; `unused` is all of "
        "them but BOS, EOS and padding.",
    )
    multiple_of: int = Field(1, ge=1, le=1 << 20, description="The vocabulary's size is filled up to a multiple.")

    @model_validator(mode="after")
    def _each_once(self) -> "EditOptions":
        if len(set(self.add)) < len(self.add) or "" in self.add:
            raise ValueError("`add` names each token once, and none of them is empty")
        return self
