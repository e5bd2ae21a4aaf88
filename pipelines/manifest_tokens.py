"""Checks of what sources say of tokens: of spans that count for the loss, and of a reference model's losses.

In:  a manifest, and the document that it was read from.
Out: nothing, or a ManifestError.
Guaranteed: no stage edits or cuts the texts of a source with `loss_spans` or a `chat`; where a source has `ref_loss`,
    the tokenizer is one that was there before. Special tokens that a chat names are those of a trained tokenizer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.errors import ManifestError
from pipelines.manifest_columns import text_suffix
from pipelines.sources.options import LOSS_SPANS, chats_of
from pipelines.tokens.marks import check_marks

if TYPE_CHECKING:
    from pipelines.manifest import Manifest
    from pipelines.yaml_keys import Document


def check_beside_tokens(document: Document, manifest: Manifest) -> None:
    """Refuse a source of which parts count for the loss and whose texts some stage changes, and `ref_loss` too early.

    Raises:
        ManifestError: the first such source.
    """
    for name, source in manifest.sources.items():
        if source.ref_loss is not None and manifest.tokenizer is not None and manifest.tokenizer.train is not None:
            remedy = (
                "it has a number for each token, and the tokenizer is yet to be trained; name the one that was used"
            )
            document.refuse(("sources", name, "ref_loss"), remedy)
        suffix = text_suffix(manifest, name, len(manifest.stages))
        if LOSS_SPANS in source.beside_tokens and suffix:
            first = suffix.split("@")[1]
            remedy = (
                f"what counts is found in the text as it is read, and {first!r} changes it; leave it out of its `on`"
            )
            document.refuse(("sources", name, "loss_spans" if source.loss_spans is not None else "chat"), remedy)
    _check_marks(document, manifest)


def _check_marks(document: Document, manifest: Manifest) -> None:
    """Refuse marks of chats that a trained vocabulary will not have; those of a file are compared when it is opened."""
    if manifest.tokenizer is None or manifest.tokenizer.train is None:
        return
    try:
        check_marks(chats_of(manifest.sources), manifest.tokenizer.train.all_specials)
    except ManifestError as error:
        document.refuse(
            tuple(error.key.split(".")), f"{error.remedy}; list it in tokenizer.train.special_tokens", error.value
        )
