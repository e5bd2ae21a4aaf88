"""The lock: what a build was made from and with.

In:  a plan and a job.
Out: `manifest.yaml` and `lock.json` in the build folder, and back.
Guaranteed: the same lock gives the same shards and ledger; nothing in the lock enters a key but what it names.
`manifest.yaml` is a manifest: building it again is building the same.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import msgspec

from filters.batch import InputFile
from pipelines.dedup.earlier import EarlierBuild
from pipelines.engine.earlier import StageKeys
from pipelines.engine.job import Job
from pipelines.engine.plan import Plan
from pipelines.engine.receipts import Receipt
from pipelines.engine.sealing import Place, earlier_builds, input_files
from pipelines.engine.splits import CompanionFile, FileIdentity, SourceFile, Split
from pipelines.engine.storage import Storage
from pipelines.entries import StageEntry
from pipelines.manifest import Manifest
from pipelines.yaml_keys import write_document

LIBRARIES = (
    "gristmill",
    "fasttext-numpy2-wheel",
    "numpy",
    "pyarrow",
    "ray",
    "tokenizers",
    "tiktoken",
    "sentencepiece",
    "xxhash",
)

LOCK = "lock.json"
MANIFEST = "manifest.yaml"


@dataclass(frozen=True)
class Made:
    """What a build has made so far.

    Args:
        parts: step -> receipts, in the order of the step's tasks; empty when the build begins.
        tokenizer: part with the tokenizer; "" until there is one.
        tokenizer_hash: its identity.
        fits: name of a fit -> content of what was fitted.
        keys: what is kept of stages of duplicates for later builds.
    """

    parts: Mapping[str, Sequence[Receipt]] = field(default_factory=dict)
    tokenizer: str = ""
    tokenizer_hash: str = ""
    fits: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[StageKeys] = ()


class LockedFile(msgspec.Struct, frozen=True):
    """A source file as it was when the build was planned, and its companions; see `SourceFile`, `FileIdentity`."""

    source: str
    path: str
    root: str
    size: int
    tag: str
    modified_ns: int
    beside: tuple[CompanionFile, ...] = ()


class LockedSplit(msgspec.Struct, frozen=True):
    """A split; see `Split`."""

    number: int
    source: str
    path: str
    start: int
    end: int


class Lock(msgspec.Struct, frozen=True):
    """What a build was made from and with.

    Args:
        manifest_hash: hash of the canonical manifest.
        tokenizer: part with the tokenizer; "" where there is none.
        tokenizer_hash: its identity.
        stages: (name, version) of every stage, in order.
        files: all source files.
        splits: all splits, in the order of their numbers.
        parts: step -> part -> hash of its content, in the order of the step's tasks; empty until the build is done.
        versions: of Python and of the libraries.
        fits: name of a fit -> content of what was fitted.
        keys: what later builds may be compared with, of each stage of duplicates, in order.
    """

    manifest_hash: str
    tokenizer: str
    tokenizer_hash: str
    stages: list[tuple[str, int]]
    files: list[LockedFile]
    splits: list[LockedSplit]
    parts: dict[str, dict[str, str]]
    versions: dict[str, str]
    fits: dict[str, str] = {}
    keys: list[StageKeys] = []

    def planned_splits(self) -> tuple[Split, ...]:
        """Return the splits as they were planned."""
        files = {
            (each.source, each.path): SourceFile(
                each.root, each.path, FileIdentity(each.size, each.tag, each.modified_ns), each.beside
            )
            for each in self.files
        }
        return tuple(
            Split(each.number, each.source, files[each.source, each.path], each.start, each.end) for each in self.splits
        )


def lock_of(job: Job, plan: Plan, made: Made) -> Lock:
    """Return the lock of a build."""
    files = {(split.source, split.file.path): split.file for split in plan.splits}
    return Lock(
        manifest_hash=job.manifest_hash,
        tokenizer=made.tokenizer,
        tokenizer_hash=made.tokenizer_hash,
        stages=[(entry.name, type(entry.stage).version) for entry in job.manifest.stages],
        files=[
            LockedFile(source, path, file.root, **asdict(file.identity), beside=file.beside)
            for (source, path), file in files.items()
        ],
        splits=[
            LockedSplit(split.number, split.source, split.file.path, split.start, split.end) for split in plan.splits
        ],
        parts={step: {receipt.part: receipt.content for receipt in receipts} for step, receipts in made.parts.items()},
        fits=dict(made.fits),
        keys=list(made.keys),
        versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    )


def write_lock(job: Job, lock: Lock) -> None:
    """Write the lock, and the manifest with all defaults filled in."""
    job.storage.put(LOCK, msgspec.json.format(msgspec.json.encode(lock), indent=1))
    job.storage.put(MANIFEST, write_document(_as_written(job.manifest)).encode())


def read_lock(storage: Storage) -> Lock:
    """Read the lock of a build folder.

    Raises:
        FileNotFoundError: the folder holds no build.
        msgspec.MsgspecError: another version wrote it.
    """
    return msgspec.json.decode(storage.read(LOCK), type=Lock)


def _as_written(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as a person would write it, with all defaults filled in."""
    whole = manifest.model_dump(mode="json", by_alias=True)
    return {**whole, "stages": [_stage(entry) for entry in manifest.stages]}


def _stage(entry: StageEntry) -> dict[str, Any]:
    options = entry.stage.model_dump(mode="json")
    files: list[tuple[Place, InputFile | EarlierBuild]] = [*input_files(entry.stage), *earlier_builds(entry.stage)]
    for (name, at), file in files:
        named = {"path": file.path, "content": file.content}
        if at is None:
            options[name] = named
        else:
            options[name][at] = named
    return {entry.name: options if entry.on is None else {**options, "on": list(entry.on)}}
