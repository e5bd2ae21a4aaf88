"""An overlay: a build folder that can be looked at, and into which nothing is written.

In:  the storage of a build folder, or none.
Out: a storage that shows its files; what is written to it stays in memory and covers them.
Guaranteed: the storage below is never written to, whatever code of the engine is run on top.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from pipelines.engine.splits import FileIdentity
from pipelines.engine.storage import Storage

Paths = list[str]


class Overlay:
    """A storage over another one.

    Args:
        base: the storage below; None is an empty one.
    """

    def __init__(self, base: Storage | None = None) -> None:
        self._base = base
        self._written: dict[str, bytes] = {}
        self._deleted: set[str] = set()

    @property
    def url(self) -> str:
        """The URL of the storage below."""
        return "" if self._base is None else self._base.url

    def _below(self, path: str) -> Storage:
        """Return the storage that has the file, if any does."""
        if self._base is None or path in self._deleted:
            raise FileNotFoundError(f"{self.url}/{path}")
        return self._base

    def read(self, path: str) -> bytes:
        """Return the whole file."""
        return self._written[path] if path in self._written else self._below(path).read(path)

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes [start, end)."""
        if path in self._written:
            return self._written[path][start:end]
        return self._below(path).read_range(path, start, end)

    def open(self, path: str) -> BinaryIO:
        """Open the file for reading from any place."""
        return io.BytesIO(self._written[path]) if path in self._written else self._below(path).open(path)

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        """Give memory to write into; it takes its name when the block ends without error."""
        file = io.BytesIO()
        yield file
        self.put(path, file.getvalue())

    def put(self, path: str, data: bytes) -> None:
        """Remember a file."""
        self._written[path] = data

    def create(self, path: str, data: bytes) -> bool:
        """Remember a file that must not exist."""
        if self.exists(path):
            return False
        self.put(path, data)
        return True

    def append(self, path: str, line: bytes) -> None:
        """Forget a line of a log."""

    def identify(self, path: str) -> FileIdentity:
        """Return the identity of a file below."""
        return self._below(path).identify(path)

    def exists(self, path: str) -> bool:
        """Tell whether there is a file at the path."""
        below = self._base is not None and path not in self._deleted and self._base.exists(path)
        return path in self._written or below

    def delete(self, path: str) -> None:
        """Hide a file."""
        self._written.pop(path, None)
        self._deleted.add(path)

    def list(self, prefix: str = "", depth: int | None = None) -> Paths:
        """Return the sorted paths of the files in a folder below; what is only remembered is not listed."""
        found = [] if self._base is None else self._base.list(prefix, depth)
        return [path for path in found if path not in self._deleted]

    def sweep(self) -> None:
        """Leave everything as it is."""
