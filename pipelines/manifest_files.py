"""Files of a manifest: every path in it leads to files.

In:  a manifest, and the document that it was read from.
Out: nothing, or a ManifestError; the stages, each file and earlier build that they read known by its content.
Guaranteed: no file of a source is read as data; a source names each of its files once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pipelines.dedup.earlier import MOST_BUILDS
from pipelines.engine.earlier import Keyed, find_keys
from pipelines.engine.sealing import earlier_builds, input_files, seal, with_contents
from pipelines.engine.storage import find_files
from pipelines.errors import RequestError
from pipelines.language_model import with_model
from pipelines.manifest_columns import text_suffix
from pipelines.manifest_companions import check_companion_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from filters.batch import InputFile, Stage
    from pipelines.dedup.earlier import EarlierBuild
    from pipelines.dedup.exchanges import ExchangeStage
    from pipelines.engine.sealing import Place
    from pipelines.engine.splits import SourceFile
    from pipelines.entries import StageEntry
    from pipelines.manifest import Manifest
    from pipelines.yaml_keys import Document, Key


def check_files(document: Document, manifest: Manifest) -> None:
    """Refuse a manifest whose paths lead to no file, or twice to the same one.

    Raises:
        ManifestError: the first path that is wrong.
    """
    for name, source in manifest.sources.items():
        files = _check_source(document, _paths(("sources", name, "path"), source.path))
        check_companion_files(document, name, source, files)
    if manifest.tokenizer is not None and manifest.tokenizer.path is not None:
        bare = isinstance(document.value(("tokenizer",)), str)
        key: Key = ("tokenizer",) if bare else ("tokenizer", manifest.tokenizer.kind)
        if len(_found(document, key, manifest.tokenizer.path)) > 1:
            document.refuse(key, "this names several files; a tokenizer is one")


def sealed_stages(document: Document, manifest: Manifest) -> tuple[StageEntry, ...]:
    """Return the stages with the content hash of every file that they read.

    Raises:
        ManifestError: a path finds nothing, or not the content that the manifest asks for.
    """
    return tuple(_sealed(document, manifest, at) for at in range(len(manifest.stages)))


def _sealed(document: Document, manifest: Manifest, at: int) -> StageEntry:
    entry = manifest.stages[at]
    contents: dict[Place, str] = {}
    stage = _with_model(document, ("stages", at, entry.name), entry.stage)
    for place, file in input_files(stage):
        contents[place] = _content(document, _key(at, entry, place), file)
    for place, build in earlier_builds(stage):
        contents[place] = _kept_keys(document, _key(at, entry, place), _keyed(manifest, at), build)
    return entry.model_copy(update={"stage": with_contents(stage, contents)}) if contents else entry


def _key(at: int, entry: StageEntry, place: Place) -> Key:
    """Return the key of an option of a stage, or of an item of it."""
    name, position = place
    return ("stages", at, entry.name, name) if position is None else ("stages", at, entry.name, name, position)


def _with_model(document: Document, key: Key, stage: Stage) -> Stage:
    """Return the stage; one that needs the language model and names none has the installed one."""
    try:
        return with_model(stage)
    except RequestError as missing:
        document.refuse(key, str(missing))


def _content(document: Document, key: Key, file: InputFile) -> str:
    """Return the content hash of what a stage's option names."""
    found = _found(document, key, file.path)
    try:
        content = seal(found)
    except OSError as error:
        document.refuse(key, f"cannot be read: {str(error).partition(chr(10))[0]}", file.path)
    return _expected(document, key, file, content)


def _keyed(manifest: Manifest, at: int) -> Keyed:
    """Return a stage and the text versions that come to it."""
    entry = manifest.stages[at]
    seen = (source for source in manifest.sources if manifest.applies(entry, source))
    stage = cast("ExchangeStage", entry.stage)
    return Keyed(entry.name, stage, frozenset(text_suffix(manifest, source, at) for source in seen))


def _kept_keys(document: Document, key: Key, keyed: Keyed, build: EarlierBuild) -> str:
    """Return the content hash of the keys that an earlier build keeps of a stage."""
    if isinstance(key[-1], int) and key[-1] >= MOST_BUILDS:
        document.refuse(key, f"name at most {MOST_BUILDS} builds", build.path)
    try:
        content = find_keys(build.path, keyed).content
    except RequestError as error:
        document.refuse(key, str(error), build.path)
    return _expected(document, key, build, content)


def _expected(document: Document, key: Key, named: InputFile | EarlierBuild, content: str) -> str:
    """Return the content that is there, if the manifest asks for no other."""
    if named.content not in {"", content}:
        document.refuse(key, f"what is there now has the content {content}; write the path alone to take it as it is")
    return content


def _paths(key: Key, path: str | list[str]) -> dict[Key, str]:
    """Return the paths of a source by the key at which each stands."""
    return {key: path} if isinstance(path, str) else {(*key, at): each for at, each in enumerate(path)}


def _check_source(document: Document, paths: Mapping[Key, str]) -> list[SourceFile]:
    """Return the files of a source: a document is known by its file's path below the folder that the source names."""
    seen: set[str] = set()
    files: list[SourceFile] = []
    for key, path in paths.items():
        found = _found(document, key, path)
        names = {file.path for file in found}
        if again := sorted(names & seen):
            remedy = "name each file once, and files of one name below one folder"
            document.refuse(key, f"{again[0]!r} is there already, from an earlier path of this source; {remedy}")
        seen |= names
        files += found
    return files


def _found(document: Document, key: Key, path: str) -> list[SourceFile]:
    """Return the files that a path means."""
    if not path.strip():
        document.refuse(key, "write the path of a file or a folder, or a pattern such as data/*.jsonl.gz")
    try:
        files = find_files(path)
    except (RequestError, OSError, ValueError) as error:
        document.refuse(key, f"cannot be looked up: {str(error).partition(chr(10))[0]}")
    return files or document.refuse(key, "no such file; paths are relative to the folder you are in")
