"""Where a build's files and its sources live: a local folder, or a prefix in an S3 bucket.

In:  URLs: "some/folder", "file:///some/folder", "s3://bucket/prefix".
Out: one `Storage` per URL, with the same behaviour everywhere, and the files that a manifest's pattern finds.
Guaranteed: a file appears whole or not at all; `create` is exclusive; errors name the file. A storage can be pickled
and opens its connection where it is used. Only this module and the two beside it (`local`, `objects`) open paths.
"""

import os
import posixpath
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from pipelines.engine.local import LocalStorage
from pipelines.engine.objects import ObjectStorage
from pipelines.engine.patterns import depth_of, matcher, split_pattern
from pipelines.engine.splits import FileIdentity, SourceFile
from pipelines.errors import RequestError

Paths = list[str]


class Storage(Protocol):
    """Files below one URL; every path is relative to it, with `/` between its parts.

    Each method but `create`, `exists`, `delete` and `list` raises FileNotFoundError where there is no such file, and
    each that writes raises StorageFull where there is no room. Other failures are OSErrors. All name the file.
    """

    def __hash__(self) -> int:
        """Storages at one URL are equal."""

    @property
    def url(self) -> str:
        """The root: an absolute local path or an `s3://` URL, without a slash at the end."""

    def read(self, path: str) -> bytes:
        """Return the whole file."""

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes [start, end), all of which must be there."""

    def open(self, path: str) -> BinaryIO:
        """Open the file for reading from any place."""

    def write(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Give a file to write into; it appears, whole, when the block ends without error, and otherwise never."""

    def put(self, path: str, data: bytes) -> None:
        """Write a small file, or replace it at once."""

    def create(self, path: str, data: bytes) -> bool:
        """Write a file that must not exist; False, and nothing written, where it does."""

    def append(self, path: str, line: bytes) -> None:
        """Add a line to a log that has one writer."""

    def identify(self, path: str) -> FileIdentity:
        """Return what tells a changed file from an unchanged one."""

    def exists(self, path: str) -> bool:
        """Tell whether there is a file at the path."""

    def delete(self, path: str) -> None:
        """Remove the file; one that is not there is no error."""

    def list(self, prefix: str = "", depth: int | None = None) -> Paths:
        """Return the sorted paths of the files in the folder `prefix`, at most `depth` folders below it."""

    def sweep(self) -> None:
        """Remove what killed attempts left unfinished; call it while nothing else writes here."""


def open_storage(url: str | Path) -> Storage:
    """Return the storage at a URL; nothing is opened or created yet.

    Raises:
        RequestError: the URL's scheme is not supported.
    """
    text = os.fspath(url)
    scheme = text.partition("://")[0] if "://" in text else ""
    if scheme == "s3":
        return ObjectStorage(text.rstrip("/"))
    if scheme == "file":
        return LocalStorage(str(Path(unquote(urlsplit(text).path)).resolve()))
    if scheme:
        known = "not supported yet" if scheme in {"gs", "hf"} else "not known"
        raise RequestError(f"{text}: {scheme}:// is {known}; give a local folder or s3://bucket/prefix")
    return LocalStorage(str(Path(text).expanduser().resolve()))


def find_files(pattern: str) -> list[SourceFile]:
    """Return the files that a pattern of the manifest means, sorted by path; none is an empty list.

    Args:
        pattern: a file, a folder (all files below it but hidden ones), or a pattern with `*`, `?`, `[...]` and `**`,
            local or `s3://`. A file with exactly this name comes before any reading as a pattern.
    """
    text = pattern.rstrip("/") or "/"
    folder, name = posixpath.split(text)
    if name and not folder.endswith(":") and open_storage(folder or ".").exists(name):
        return _identified(open_storage(folder or "."), [name])
    root, tail = split_pattern(text)
    return _matching(open_storage(root), tail or "**")


def _matching(storage: Storage, pattern: str) -> list[SourceFile]:
    matches = matcher(pattern).fullmatch
    return _identified(storage, [path for path in storage.list("", depth_of(pattern)) if matches(path)])


def _identified(storage: Storage, paths: Paths) -> list[SourceFile]:
    """Identify many files at once: on an object store each is a request."""
    with ThreadPoolExecutor(16) as pool:
        identities = pool.map(storage.identify, paths)
        return [SourceFile(storage.url, path, identity) for path, identity in zip(paths, identities, strict=True)]
