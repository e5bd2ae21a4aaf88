"""Sealing: the files that stages read, known by what is in them and copied to where every worker finds them.

In:  the options of type `InputFile` in a manifest's stages.
Out: their content hashes when the manifest is loaded; `work/inputs/<content>/` in the build folder; what `load` reads.
Guaranteed: identity sees content and never a path; what a stage reads is what was hashed, or the build stops with the
file's name.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import BinaryIO, TypeVar

import xxhash

from filters.batch import InputFile, Stage
from pipelines.dedup.earlier import EarlierBuild
from pipelines.engine.keys import key_of
from pipelines.engine.receipts import FileNote, Receipt, load_receipt, save_receipt
from pipelines.engine.splits import SourceFile
from pipelines.engine.storage import Storage, find_files, open_storage
from pipelines.errors import SourceChanged

Named = TypeVar("Named", InputFile, EarlierBuild)

CHUNK = 1 << 20
"""Bytes that are read at a time."""

Place = tuple[str, int | None]
"""An option of a stage, and a position in it where it is a tuple."""


def input_files(stage: Stage) -> Iterator[tuple[Place, InputFile]]:
    """Yield the files that a stage's options name, and where they stand."""
    return _named(stage, InputFile)


def earlier_builds(stage: Stage) -> Iterator[tuple[Place, EarlierBuild]]:
    """Yield the earlier builds that a stage's options name, and where they stand."""
    return _named(stage, EarlierBuild)


def _named(stage: Stage, kind: type[Named]) -> Iterator[tuple[Place, Named]]:
    for name in type(stage).model_fields:
        value = getattr(stage, name)
        if isinstance(value, kind):
            yield (name, None), value
        elif isinstance(value, tuple):
            yield from (((name, at), each) for at, each in enumerate(value) if isinstance(each, kind))


def with_contents(stage: Stage, contents: Mapping[Place, str]) -> Stage:
    """Return the stage with the content of each file or earlier build that its options name."""
    options = {name: getattr(stage, name) for name in type(stage).model_fields}
    for (name, at), content in contents.items():
        value = options[name]
        if at is None:
            options[name] = value.model_copy(update={"content": content})
        else:
            options[name] = (*value[:at], value[at].model_copy(update={"content": content}), *value[at + 1 :])
    return type(stage).model_validate(options)


def content_of(hashes: Iterable[tuple[str, str]]) -> str:
    """Return the content hash of files, given as relative path and xxh3_128 of what is in them."""
    return key_of(sorted([path, digest] for path, digest in hashes))


def seal(files: Iterable[SourceFile]) -> str:
    """Return the content hash of files: of their paths below the folder that the pattern names, and what is in them.

    Raises:
        OSError: a file cannot be read.
    """
    return content_of((file.path, _hash(file, None).hash) for file in files)


def _hash(file: SourceFile, copy: BinaryIO | None) -> FileNote:
    """Read a file once, into `copy` where there is one; return its size and hash."""
    digest, size = xxhash.xxh3_128(), 0
    with open_storage(file.root).open(file.path) as stream:
        while block := stream.read(CHUNK):
            digest.update(block)
            size += len(block)
            if copy is not None:
                copy.write(block)
    return FileNote(bytes=size, hash=digest.hexdigest())


def sealed_part(content: str) -> str:
    """Return the folder of the build that holds the files of a content hash."""
    return f"work/inputs/{content}"


def bring_inputs(storage: Storage, stages: Iterable[Stage]) -> None:
    """Copy every file that a stage reads into the build folder, once per content.

    Raises:
        SourceChanged: a file is not what it was when the manifest was loaded.
    """
    wanted = {each.content: each for stage in stages for _, each in input_files(stage)}
    for content, each in sorted(wanted.items()):
        if load_receipt(storage, sealed_part(content)) is None:
            _bring(storage, each)


def _bring(storage: Storage, wanted: InputFile) -> None:
    part = sealed_part(wanted.content)
    with ExitStack() as stack:
        files = find_files(wanted.path)
        copies = [stack.enter_context(storage.write(f"{part}/{file.path}")) for file in files]
        notes = {file.path: _hash(file, copy) for file, copy in zip(files, copies, strict=True)}
        if content_of((path, note.hash) for path, note in notes.items()) != wanted.content:
            raise SourceChanged(
                f"{wanted.path} changed while the build began: let whatever writes it finish, then run the same "
                "command again"
            )
    _save(storage, wanted.content, notes)


def keep_input(storage: Storage, files: Mapping[str, bytes]) -> str:
    """Put files that were made into the build folder as if a stage named them; return their content hash."""
    notes = {path: FileNote(bytes=len(data), hash=xxhash.xxh3_128_hexdigest(data)) for path, data in files.items()}
    content = content_of((path, note.hash) for path, note in notes.items())
    for path, data in files.items():
        storage.put(f"{sealed_part(content)}/{path}", data)
    _save(storage, content, notes)
    return content


def _save(storage: Storage, content: str, notes: Mapping[str, FileNote]) -> Receipt:
    part = sealed_part(content)
    files = {f"{part}/{path}": note for path, note in notes.items()}
    return save_receipt(storage, Receipt(part, files, content, {"bytes": sum(note.bytes for note in notes.values())}))


def read_input(storage: Storage, content: str) -> dict[str, bytes]:
    """Return the files of a content hash: relative path -> what is in it.

    Raises:
        FileNotFoundError: the build folder does not hold them.
    """
    part = sealed_part(content)
    receipt = load_receipt(storage, part)
    if receipt is None:
        raise FileNotFoundError(f"{storage.url}/{part}")
    return {path.removeprefix(f"{part}/"): storage.read(path) for path in sorted(receipt.files)}
