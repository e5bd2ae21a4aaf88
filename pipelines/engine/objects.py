"""Storage in an object store that speaks S3.

In:  paths below `s3://bucket/prefix`; credentials and endpoint from the usual AWS environment variables.
Out: objects that are either whole or not there.
Guaranteed: of several creators of one path one wins (`If-None-Match: *`). A file being written is kept on the local
disk (TMPDIR) and uploaded when it is whole. The connection is made at the first use, once in each process.
"""

import errno
import functools
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from pipelines.engine.diskfull import naming_failures
from pipelines.engine.splits import FileIdentity

READ_AHEAD = 4 * 1024 * 1024
UPLOAD_PART = 8 * 1024 * 1024
UPLOAD_PARTS = 9_000
"""S3 takes at most 10,000 parts an object."""
Paths = list[str]


@dataclass(frozen=True)
class ObjectStorage:
    """A bucket, or a prefix in one, as storage.

    Args:
        url: `s3://bucket/prefix`.
    """

    url: str

    def read(self, path: str) -> bytes:
        """Return the whole object."""
        with self._naming(path):
            return bytes(obstore.get(self._store, path).bytes())

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes [start, end); an object that ends before `end` is an OSError."""
        if start >= end:
            return b""
        with self._naming(path):
            data = bytes(obstore.get_range(self._store, path, start=start, end=end))
        if len(data) < end - start:
            raise OSError(f"{self._name(path)}: ends at byte {start + len(data)}, before byte {end}")
        return data

    def open(self, path: str) -> BinaryIO:
        """Open the object for reading from any place."""
        return cast("BinaryIO", io.BufferedReader(_ObjectReader(self, path), READ_AHEAD))

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        """Give a local file to write into; it is uploaded, whole, when the block ends without error."""
        with naming_failures(f"{self._name(path)} (in {tempfile.gettempdir()})"), tempfile.TemporaryFile() as file:
            yield cast("BinaryIO", file)
            part = max(UPLOAD_PART, file.seek(0, os.SEEK_END) // UPLOAD_PARTS)
            file.seek(0)
            with self._naming(path):
                obstore.put(self._store, path, file, chunk_size=part)

    def put(self, path: str, data: bytes) -> None:
        """Write a small object, or replace it at once."""
        with self._naming(path):
            obstore.put(self._store, path, data, use_multipart=False)

    def create(self, path: str, data: bytes) -> bool:
        """Write an object that must not exist; False, and nothing written, where it does."""
        with self._naming(path):
            try:
                obstore.put(self._store, path, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def append(self, path: str, line: bytes) -> None:
        """Add a line to the end of the object by writing it again: for one writer only."""
        self.put(path, (self.read(path) if self.exists(path) else b"") + line)

    def identify(self, path: str) -> FileIdentity:
        """Return size and ETag."""
        with self._naming(path):
            meta = obstore.head(self._store, path)
        return FileIdentity(meta["size"], meta["e_tag"] or "")

    def exists(self, path: str) -> bool:
        """Tell whether there is an object at the path."""
        try:
            self.identify(path)
        except FileNotFoundError:
            return False
        return True

    def delete(self, path: str) -> None:
        """Remove the object; one that is not there is no error."""
        with self._naming(path):
            obstore.delete(self._store, path)

    def list(self, prefix: str = "", depth: int | None = None) -> Paths:
        """Return the paths, relative to the storage and sorted, of the objects in the folder `prefix` and below.

        Hidden names and folders are left out. `depth` bounds the folders below `prefix`.
        """
        with self._naming(prefix):
            found = [
                meta["path"] for batch in obstore.list(self._store, prefix or None, chunk_size=1000) for meta in batch
            ]
        start = len(prefix) + 1 if prefix else 0
        return sorted(path for path in found if _is_listed(path[start:], depth))

    def sweep(self) -> None:
        """Do nothing: an object that was not uploaded whole does not exist."""

    @property
    def _store(self) -> S3Store:
        return _connect(self.url, os.environ.get("AWS_ENDPOINT_URL"))

    def _name(self, path: str) -> str:
        return f"{self.url}/{path}"

    @contextmanager
    def _naming(self, path: str) -> Iterator[None]:
        """Turn the client's errors into OSErrors that name the object."""
        try:
            yield
        except FileNotFoundError as error:
            raise FileNotFoundError(errno.ENOENT, "there is no such object (or bucket)", self._name(path)) from error
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise PermissionError(errno.EACCES, f"access is refused: {error}", self._name(path)) from error
        except AlreadyExistsError:
            raise
        except BaseError as error:
            raise OSError(f"{self._name(path)}: {error}") from error


class _ObjectReader(io.RawIOBase):
    """An object as an unbuffered file: every read is one range request."""

    def __init__(self, storage: ObjectStorage, path: str) -> None:
        super().__init__()
        self._storage, self._path, self._position = storage, path, 0
        self._size = storage.identify(path).size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        end = min(self._position + len(view), self._size)
        data = self._storage.read_range(self._path, self._position, end)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


@functools.lru_cache
def _connect(url: str, endpoint: str | None) -> S3Store:
    """Make the process's connection to a store; `endpoint` is part of what it is."""
    return S3Store.from_url(url, endpoint=endpoint) if endpoint else S3Store.from_url(url)


def _is_listed(path: str, depth: int | None) -> bool:
    parts = path.split("/")
    return (depth is None or len(parts) <= depth + 1) and not any(part.startswith(".") for part in parts)
