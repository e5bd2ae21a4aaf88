"""Checks of spans that count for the loss: the text that becomes tokens is the one that they were counted in.

In:  a manifest, and the document that it was read from.
Out: nothing, or a ManifestError.
Guaranteed: no stage edits or cuts the texts of a source with `loss_spans`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.manifest_columns import text_suffix

if TYPE_CHECKING:
    from pipelines.manifest import Manifest
    from pipelines.yaml_keys import Document


def check_loss_spans(document: Document, manifest: Manifest) -> None:
    """Refuse `loss_spans` of a source whose texts some stage changes.

    Raises:
        ManifestError: the first such source.
    """
    for name, source in manifest.sources.items():
        suffix = text_suffix(manifest, name, len(manifest.stages))
        if source.layout.loss_spans.paths and suffix:
            first = suffix.split("@")[1]
            remedy = (
                f"they are counted in the text as it is read, and {first!r} changes it; leave {name!r} out of its `on`"
            )
            document.refuse(("sources", name, "loss_spans"), remedy)
