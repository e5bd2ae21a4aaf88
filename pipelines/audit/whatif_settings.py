"""Settings of a what-if: `stage.option=value`, put into the manifest of a finished build.

In:  a finished build, and settings such as `gopher_quality.min_word_count=40`.
Out: the manifest that they would have made of it.
Guaranteed: only what kept numbers can answer is changed; anything else is refused with what to do instead.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from filters.batch import InputFile, role_of
from pipelines.audit.opened import Opened
from pipelines.dedup.exchanges import ExchangeStage
from pipelines.engine.lock import MANIFEST
from pipelines.entries import StageEntry
from pipelines.errors import ManifestError, RequestError
from pipelines.manifest import Manifest, stored_manifest
from pipelines.overrides import override
from pipelines.refusals import nearest
from pipelines.yaml_keys import Document, parse_document, write_document

EXAMPLE = "write --set stage.option=value, such as --set gopher_quality.min_word_count=40"

IMPLIED = {"where": "expression"}
"""Stages that one option is all of: `where=...` is `where.expression=...`."""


@dataclass(frozen=True)
class Setting:
    """One change.

    Args:
        text: as it was written.
        at: which of the manifest's stages.
        stage: its name.
        option: of that stage; what follows a dot in it is a place inside the option.
        value: YAML.
    """

    text: str
    at: int
    stage: str
    option: str
    value: str

    @property
    def key(self) -> str:
        """The option's own name."""
        return self.option.partition(".")[0]

    @property
    def for_build(self) -> str:
        """The change as `gristmill build --set` takes it."""
        return f"stages.{self.at}.{self.stage}.{self.option}={self.value}"


def changed_manifest(build: Opened, settings: Sequence[str]) -> Manifest:
    """Return the manifest of a build with other judging options.

    Raises:
        RequestError: a setting names no stage or no option, or what kept numbers cannot answer.
    """
    if not settings:
        raise RequestError(f"name at least one change: {EXAMPLE}")
    manifest, name = build.manifest, f"{build.storage.url}/{MANIFEST}"
    document = parse_document(build.storage.read(MANIFEST).decode(), name)
    for text in settings:
        setting = read_setting(manifest, text)
        _check(build, manifest.stages[setting.at], setting)
        document, manifest = _changed(document, setting)
    return manifest


def read_setting(manifest: Manifest, text: str) -> Setting:
    """Return the stage and the option that a setting names.

    A stage is called as in the manifest; the second of a name `name#2`; any also by place, `stages.1.name`, as
    `gristmill build --set` has it.

    Raises:
        RequestError: the manifest has no such stage, or several.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise RequestError(f"--set {text}: {EXAMPLE}")
    stage, _, option = _without_place(manifest, text, name.strip()).partition(".")
    at = _stage_called(manifest, text, stage)
    label = manifest.stages[at].name
    return Setting(text, at, label, option or IMPLIED.get(label, ""), value)


def stage_called(manifest: Manifest, at: int) -> str:
    """Return what a what-if calls a stage: its name, and its number among those of that name where there are more."""
    same = [other for other, entry in enumerate(manifest.stages) if entry.name == manifest.stages[at].name]
    return manifest.stages[at].name if len(same) == 1 else f"{manifest.stages[at].name}#{same.index(at) + 1}"


def _without_place(manifest: Manifest, text: str, name: str) -> str:
    """Return `stages.1.name.option` as `name#2.option`; other names as they are."""
    if not name.startswith("stages."):
        return name
    _, place, *rest = name.split(".")
    at = int(place) if place.isascii() and place.isdigit() else len(manifest.stages)
    if at >= len(manifest.stages) or (rest and rest[0] != manifest.stages[at].name):
        places = (f"stages.{number}.{entry.name}" for number, entry in enumerate(manifest.stages))
        raise RequestError(f"--set {text}: {nearest('.'.join(name.split('.')[:3]), places)}")
    return ".".join([stage_called(manifest, at), *rest[1:]])


def _stage_called(manifest: Manifest, text: str, name: str) -> int:
    called = [stage_called(manifest, at) for at in range(len(manifest.stages))]
    if name in called:
        return called.index(name)
    same = [at for at, entry in enumerate(manifest.stages) if entry.name == name]
    if len(same) > 1:
        choices = " or ".join(f"{called[at]}{_seen_by(manifest.stages[at])}" for at in same)
        raise RequestError(f"--set {text}: {len(same)} stages are called {name!r}: write {choices}")
    raise RequestError(f"--set {text}: the build has no stage {name!r}; {nearest(name, called)}")


def _seen_by(entry: StageEntry) -> str:
    return "" if entry.on is None else f" (on {', '.join(entry.on)})"


def _check(build: Opened, entry: StageEntry, setting: Setting) -> None:
    """Refuse what kept numbers cannot answer."""
    options = type(entry.stage).model_fields
    if setting.key == "on" or isinstance(entry.stage, ExchangeStage):
        what = "`on` says which documents a stage sees" if setting.key == "on" else f"{entry.name} compares documents"
        raise RequestError(f"--set {setting.text}: {what}, and kept numbers do not tell what then; {again(build)}")
    if setting.key not in options:
        judging = [name for name, info in options.items() if role_of(info) == "judging"]
        what = "has no such option" if setting.key else "is a stage: name one of its options"
        raise RequestError(f"--set {setting.text}: {entry.name} {what}; {nearest(setting.key, judging)}")
    if role_of(options[setting.key]) == "measuring":
        raise RequestError(
            f"--set {setting.text}: {setting.key} changes what is measured, which kept numbers cannot tell; "
            f"{again(build)}"
        )
    if isinstance(getattr(entry.stage, setting.key), InputFile):
        raise RequestError(
            f"--set {setting.text}: {setting.key} is a file, of which a build takes a copy; {again(build)}"
        )


def again(build: Opened) -> str:
    """Return the remedy where only a build can tell."""
    return f"change it in the manifest and build again into {build.storage.url}: what is known is not computed twice"


def _changed(document: Document, setting: Setting) -> tuple[Document, Manifest]:
    """Return the manifest with one setting put in, as a document and checked."""
    try:
        changed = override(document, setting.for_build)
        return changed, stored_manifest(write_document(changed.tree), document.name)
    except ManifestError as error:
        problem, *rest = error.remedy.splitlines()
        remedy = "\n".join([re.sub(r" \([^()]*, line \d+, column \d+\)$", "", problem), *rest])
        raise RequestError(f"--set {setting.text}: {remedy}") from error
