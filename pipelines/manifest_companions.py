"""Checks of what a manifest says of companions: stages ask for what sources carry, and the files are there.

In:  a manifest, and the document that it was read from.
Out: nothing, or a ManifestError.
Guaranteed: a stage that takes published bands or spans finds them in every source that it sees; spans are used only
where the text is still the one that they were counted in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.spans import ReplaceSpans, spans_name
from pipelines.dedup.minhash import DedupMinhash
from pipelines.engine.companions import companion_file
from pipelines.manifest_columns import text_suffix
from pipelines.refusals import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.engine.splits import SourceFile
    from pipelines.manifest import Manifest
    from pipelines.sources.companions import Companion
    from pipelines.sources.options import SourceOptions
    from pipelines.yaml_keys import Document, Key


def check_companions(document: Document, manifest: Manifest) -> None:
    """Refuse stages that ask for what some source that they see does not carry.

    Raises:
        ManifestError: the first that does.
    """
    for at, entry in enumerate(manifest.stages):
        key: Key = ("stages", at, entry.name)
        for source in (source for source in manifest.sources if manifest.applies(entry, source)):
            if isinstance(entry.stage, DedupMinhash) and entry.stage.published is not None:
                _check_bands(document, (*key, "published"), source, manifest.sources[source])
            if isinstance(entry.stage, ReplaceSpans):
                _check_spans(document, (*key, "spans"), manifest, source, entry.stage)
                _check_text(document, (*key, "spans"), source, text_suffix(manifest, source, at))


def _check_bands(document: Document, key: Key, name: str, source: SourceOptions) -> None:
    asked = document.value(key)
    if asked not in _columns(source):
        carry = f"write minhash: [{asked}] there" if "minhash" in type(source).model_fields else "its format has none"
        remedy = f"source {name!r} does not carry these bands; {carry}, or name the sources that do in `on`"
        document.refuse(key, remedy)


def _check_spans(document: Document, key: Key, manifest: Manifest, name: str, stage: ReplaceSpans) -> None:
    columns = _columns(manifest.sources[name])
    known = [each for each in columns if spans_name(each) in columns]
    for field in (rule.field for rule in stage.rules if rule.field not in known):
        document.refuse(key, f"source {name!r} carries no spans called {field!r}; {nearest(field, known)}", field)


def _check_text(document: Document, key: Key, name: str, suffix: str) -> None:
    """Refuse spans behind an editor; `suffix` names those before, such as `@normalize`."""
    if suffix:
        first = suffix.split("@")[1]
        document.refuse(key, f"spans are counted in the text as {name!r} gives it; put this stage before {first!r}")


def _columns(source: SourceOptions) -> list[str]:
    return [column for companion in source.companions for column in companion.schema.names]


def check_companion_files(document: Document, name: str, source: SourceOptions, files: Sequence[SourceFile]) -> None:
    """Refuse a companion of which no document file has one; where only some lack it, their documents go on without.

    Raises:
        ManifestError: the first such companion.
    """
    for companion in source.companions:
        found = (companion_file(source, companion, file) for file in files)
        if not any(file is not None and file.identity is not None for file in found):
            _refuse_missing(document, ("sources", name, *companion.option), source, companion, files)


def _refuse_missing(
    document: Document, key: Key, source: SourceOptions, companion: Companion, files: Sequence[SourceFile]
) -> None:
    first = next((file for each in files if (file := companion_file(source, companion, each)) is not None), None)
    say = f"write where they lie: folders: {{{companion.name}: some/folder}}"
    if first is None:
        document.refuse(key, f"the documents are in no folder called `documents` for them to lie beside; {say}")
    document.refuse(key, f"no document file has one: there is no {first.root}/{first.path}, and no other; {say}")
