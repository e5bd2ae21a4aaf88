"""Storage in a local folder.

In:  paths below a folder, with `/` between their parts.
Out: files that are either whole and under their name, or not there.
Guaranteed: a reader never sees half a file, whatever is killed and when; of several creators of one path one wins.
Data reaches the disk before the name does. Unfinished files have hidden names, which `list` never shows.
"""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import xxhash

from pipelines.engine.diskfull import naming_failures
from pipelines.engine.splits import FileIdentity

SAMPLE_BYTES = 64 * 1024
BUFFER_BYTES = 1024 * 1024
UNFINISHED = ".tmp"
Paths = list[str]


@dataclass(frozen=True)
class LocalStorage:
    """A folder as storage.

    Args:
        url: absolute path of the folder; it need not exist yet.
    """

    url: str

    def read(self, path: str) -> bytes:
        """Return the whole file."""
        return self._at(path).read_bytes()

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes [start, end); a file that ends before `end` is an OSError."""
        with self._at(path).open("rb") as file:
            file.seek(start)
            data = file.read(max(end - start, 0))
        if len(data) < end - start:
            raise OSError(f"{self._at(path)}: ends at byte {start + len(data)}, before byte {end}")
        return data

    def open(self, path: str) -> BinaryIO:
        """Open the file for reading from any place."""
        return self._at(path).open("rb", buffering=BUFFER_BYTES)

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        """Give a file to write into; it takes its name, whole, when the block ends without error."""
        with self._unfinished(path) as (temporary, file):
            yield file
            _to_disk(file)
            temporary.replace(self._at(path))

    def put(self, path: str, data: bytes) -> None:
        """Write a small file, or replace it at once."""
        with self.write(path) as file:
            file.write(data)

    def create(self, path: str, data: bytes) -> bool:
        """Write a file that must not exist; False, and nothing written, where it does."""
        with self._unfinished(path) as (temporary, file):
            file.write(data)
            _to_disk(file)
            try:
                os.link(temporary, self._at(path))
            except FileExistsError:
                return False
        return True

    def append(self, path: str, line: bytes) -> None:
        """Add a line to the end of the file, whole or not at all."""
        with naming_failures(str(self._at(path))):
            self._at(path).parent.mkdir(parents=True, exist_ok=True)
            with self._at(path).open("ab", buffering=0) as file:
                end = file.tell()
                if file.write(line) < len(line):
                    file.truncate(end)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def identify(self, path: str) -> FileIdentity:
        """Return size, modification time and xxh3_128 of the first, middle and last 64 KiB."""
        with self._at(path).open("rb") as file:
            stat = os.fstat(file.fileno())
            digest = xxhash.xxh3_128()
            for start in (0, (stat.st_size - SAMPLE_BYTES) // 2, stat.st_size - SAMPLE_BYTES):
                file.seek(max(start, 0))
                digest.update(file.read(SAMPLE_BYTES))
        return FileIdentity(stat.st_size, digest.hexdigest(), stat.st_mtime_ns)

    def exists(self, path: str) -> bool:
        """Tell whether there is a file (not a folder) at the path."""
        return self._at(path).is_file()

    def delete(self, path: str) -> None:
        """Remove the file; one that is not there is no error."""
        self._at(path).unlink(missing_ok=True)

    def list(self, prefix: str = "", depth: int | None = None) -> Paths:
        """Return the paths, relative to the storage and sorted, of the files in the folder `prefix` and below.

        Hidden files and folders are left out; links are followed. `depth` bounds the folders below `prefix`.
        """
        folder = self._at(prefix)
        if not folder.is_dir():
            return []
        found = _files_below(folder, depth, frozenset([folder.resolve()]))
        return sorted(path.relative_to(self.url).as_posix() for path in found)

    def sweep(self) -> None:
        """Remove what killed attempts left unfinished; call it while nothing else writes here."""
        for leftover in Path(self.url).rglob(f".*{UNFINISHED}"):
            leftover.unlink(missing_ok=True)

    def _at(self, path: str) -> Path:
        return Path(self.url, path)

    @contextmanager
    def _unfinished(self, path: str) -> Iterator[tuple[Path, BinaryIO]]:
        """Give a file under a hidden name beside `path`, which is gone, under that name, when the block ends."""
        target = self._at(path)
        temporary = target.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
        with naming_failures(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("xb", buffering=BUFFER_BYTES) as file:
                    yield temporary, file
            finally:
                temporary.unlink(missing_ok=True)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _files_below(folder: Path, depth: int | None, above: frozenset[Path]) -> Iterator[Path]:
    """Walk files; `above` holds the real folders on the way, so that a link to one of them ends the walk there."""
    with os.scandir(folder) as entries:
        visible = [entry for entry in entries if not entry.name.startswith(".")]
    yield from (folder / entry.name for entry in visible if entry.is_file())
    if depth == 0:
        return
    for path in (folder / entry.name for entry in visible if entry.is_dir()):
        real = path.resolve()
        if real not in above:
            yield from _files_below(path, None if depth is None else depth - 1, above | {real})
