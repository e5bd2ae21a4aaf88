"""Earlier: what a finished build keeps for later ones to be compared with, and how it is found.

In:  the folder of a finished build, and a stage that is to be compared with one of the same name there.
Out: `StageKeys`: where the keys of its documents are, and what decided them.
Guaranteed: keys that mean something else (another band, another scope, another version) are refused with the names of
the options that differ; nothing is read but `lock.json` and names of files.
"""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from filters.batch import Stage, measuring_options
from filters.kernels.shingles import VERSION
from pipelines.dedup.exchanges import Comparing, ExchangeStage, Linking
from pipelines.engine.keys import key_of
from pipelines.engine.storage import Storage, open_storage
from pipelines.errors import RequestError


class SplitKeys(msgspec.Struct, frozen=True):
    """What is kept of one split.

    Args:
        rows: rows file that the split sent to the (first) exchange of the stage.
        bytes: its size.
        records: part with the uids.
        delta: part that says who is alive behind the stage.
        shingles: part with the shingles of those; "" where they were not stored.
        content: hash of what these say.
    """

    rows: str
    bytes: int
    records: str
    delta: str
    shingles: str
    content: str


class StageKeys(msgspec.Struct, frozen=True):
    """What is kept of one stage.

    Args:
        stage: its name in the manifest.
        version: of the stage.
        shingles: `VERSION` of the hashes of shingles.
        options: all options, as plain values.
        texts: the editors before it, such as `@normalize`, of each text version that came to it; "" is none.
        documents: how many came to it.
        splits: what is kept of each split that took part, in the order of their numbers.
    """

    stage: str
    version: int
    shingles: int
    options: dict[str, Any]
    texts: list[str]
    documents: int
    splits: list[SplitKeys]

    @property
    def content(self) -> str:
        """Hash of all that a later build reads."""
        return key_of([self.stage, self.documents, [split.content for split in self.splits]])


class _Lock(msgspec.Struct, frozen=True):
    """What is asked of another build's lock."""

    parts: dict[str, Any]
    keys: list[StageKeys] = []


@dataclass(frozen=True)
class Keyed:
    """A stage that makes keys, where it stands in a manifest.

    Args:
        label: its name.
        stage: its options.
        texts: the editors before it, of each text version that comes to it.
    """

    label: str
    stage: ExchangeStage
    texts: frozenset[str]


def keys_of(keyed: Keyed, documents: int, splits: list[SplitKeys]) -> StageKeys:
    """Return what a build keeps of a stage."""
    stage = keyed.stage
    versions, options = (type(stage).version, VERSION), stage.model_dump(mode="json")
    return StageKeys(keyed.label, *versions, options, sorted(keyed.texts), documents, splits)


def find_keys(url: str, keyed: Keyed) -> StageKeys:
    """Return what a build has kept of the stage that this one can be compared with.

    Args:
        url: the build folder.
        keyed: the stage, as it is asked for now; there it has the same name.

    Raises:
        RequestError: there is no finished build, or none with keys that mean the same; it says what to do.
    """
    storage, label, stage = open_storage(url), keyed.label, keyed.stage
    named = [keys for keys in _read(storage).keys if keys.stage == label]
    if not named:
        raise RequestError(f"that build has no stage {label}, or is older than `against`: add it there and build again")
    differing = [list(_differences(keys, keyed)) for keys in named]
    if all(differing):
        fewest = differing[np.argmin([len(each) for each in differing])]
        differences = "; ".join(fewest)
        raise RequestError(f"keys of {label} in that build mean something else: {differences}; write the same in both")
    keys = named[differing.index([])]
    if _needs_shingles(stage) and any(not split.shingles for split in keys.splits):
        raise RequestError(
            f"that build has not stored its shingles: write `store_shingles: true` in its {label} and build it again, "
            "what is done there stays; or write `verify: false` here"
        )
    _check_files(storage, keys, stage)
    return keys


def compared_with(url: str, label: str) -> set[str]:
    """Return the contents of all builds with which the stages of a name in a build were compared themselves.

    Raises:
        RequestError: there is no finished build.
    """
    named = [keys.options.get("against", []) for keys in _read(open_storage(url)).keys if keys.stage == label]
    builds = [build for against in named for build in (against if isinstance(against, list) else [against])]
    return {build["content"] for build in builds}


def _read(storage: Storage) -> _Lock:
    """Read as much of a lock as is needed."""
    try:
        lock = msgspec.json.decode(storage.read("lock.json"), type=_Lock)
    except FileNotFoundError:
        raise RequestError("no build is there: name a folder that `gristmill build MANIFEST --out DIR` wrote") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise RequestError(f"its lock.json cannot be read ({error}); build it again") from error
    if not lock.parts:
        raise RequestError("that build is not finished: run `gristmill build` there again, it goes on")
    return lock


def _differences(keys: StageKeys, keyed: Keyed) -> Iterator[str]:
    """Say what makes the keys of a stage others than those that this one makes."""
    stage = keyed.stage
    versions = (keys.version, keys.shingles), (type(stage).version, VERSION)
    if versions[0] != versions[1]:
        yield f"another version of gristmill made them ({versions[0]}, now {versions[1]})"
    now = stage.model_dump(mode="json")
    for name in (*(measuring_options(stage) if isinstance(stage, Stage) else ()), "scope"):
        if keys.options.get(name) != now[name]:
            yield f"{name} is {keys.options.get(name)!r} there and {now[name]!r} here"
    if isinstance(stage, Comparing) and stage.compares_texts and keyed.texts.isdisjoint(keys.texts):
        yield f"editors before it are {_editors(keys.texts)} there and {_editors(keyed.texts)} here"


def _editors(texts: Iterable[str]) -> str:
    return " or ".join(sorted(text.strip("@").replace("@", ", ") or "none" for text in texts))


def _check_files(storage: Storage, keys: StageKeys, stage: ExchangeStage) -> None:
    """Refuse keys of which files have been deleted since."""
    wanted = {path for split in keys.splits for path in _files(split, stage)}
    there = {path for folder in {posixpath.dirname(path) for path in wanted} for path in storage.list(folder, 0)}
    if missing := sorted(wanted - there):
        raise RequestError(
            f"files of that build are gone, such as {missing[0]}; bring them back, or build it into another folder"
        )


def _files(split: SplitKeys, stage: ExchangeStage) -> list[str]:
    """Return the files of a split that a stage reads."""
    recalled = [split.records, split.delta] if isinstance(stage, Linking) else []
    return [split.rows, *recalled, *([split.shingles] if _needs_shingles(stage) else [])]


def _needs_shingles(stage: ExchangeStage) -> bool:
    return isinstance(stage, Comparing) and stage.needs_shingles
