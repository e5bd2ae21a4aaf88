"""Companions of source files: where they are, what they were when the build was planned, and joining them.

In:  files of a source, and the companions that it asks for.
Out: the files with their companions; raw batches with the companions' columns; counts of what was joined.
Guaranteed: a companion that changes under a build stops it with the file's name; one that is missing or broken does
not: its documents go on without, and are counted. A companion is read once for every split of its file, and held in
memory meanwhile; no other is.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from pipelines.engine.splits import CompanionFile, FileIdentity, SourceFile
from pipelines.engine.storage import open_storage
from pipelines.errors import SourceChanged
from pipelines.sources.beside import joined_schema, read_companion
from pipelines.sources.companions import Companion, place_beside
from pipelines.sources.joining import Joining, Told
from pipelines.sources.options import SourceOptions

MISSING = "missing"
"""What a count says of a file that is not there."""


def with_companions(source: SourceOptions, files: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """Yield the files, each with what lies beside it; many are looked for at once, as in a bucket each is a request."""
    if not source.companions:
        yield from files
        return
    with ThreadPoolExecutor(16) as pool:
        yield from pool.map(partial(_with_companions, source), files)


def _with_companions(source: SourceOptions, file: SourceFile) -> SourceFile:
    found = (companion_file(source, companion, file) for companion in source.companions)
    return replace(file, beside=tuple(each for each in found if each is not None))


def companion_file(source: SourceOptions, companion: Companion, file: SourceFile) -> CompanionFile | None:
    """Return what is at the companion's place beside a file; None where there is no such place."""
    place = place_beside(companion, file.root, file.path, source.companion_folder(companion))
    if place is None:
        return None
    root, path = open_storage(place[0]).url, place[1]
    return CompanionFile(companion.name, root, path, _identity(root, path))


def _identity(root: str, path: str) -> FileIdentity | None:
    try:
        return open_storage(root).identify(path)
    except FileNotFoundError:
        return None


class Companions:
    """The companions of one file, while a split of it is read; enter it, then join batches in order."""

    def __init__(self, source: SourceOptions, file: SourceFile) -> None:
        self._source = source
        self._files = {each.name: each for each in file.beside}
        self._joinings: list[Joining] = []

    def __enter__(self) -> Self:
        self._check()
        self._joinings = [Joining(companion, self._told(companion)) for companion in self._source.companions]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._check()

    def _told(self, companion: Companion) -> Told | None:
        file = self._files.get(companion.name)
        if file is None or file.identity is None:
            return None
        with open_storage(file.root).open(file.path) as stream:
            return read_companion(companion, stream)

    def _check(self) -> None:
        """Stop the build where a companion is no longer what it was when the build was planned."""
        for file in self._files.values():
            if _identity(file.root, file.path) != file.identity:
                raise SourceChanged(
                    f"{file.root}/{file.path} changed while the documents that it lies beside were being read: let "
                    "whatever writes it finish, then run the same command again; only their splits are redone"
                )

    def joined(self, raw: pa.RecordBatch) -> pa.RecordBatch:
        """Return a raw batch with the columns of all companions."""
        if not self._joinings:
            return raw
        columns = [column for joining in self._joinings for column in joining.join(raw).values()]
        schema = joined_schema(self._source)
        return pa.RecordBatch.from_arrays([*raw.columns, *columns], schema=schema)

    def counts(self) -> list[dict[str, Any]]:
        """Return what was joined so far, per companion; `pipelines/audit/beside.py` adds them up."""
        return [self._count(joining) for joining in self._joinings]

    def _count(self, joining: Joining) -> dict[str, Any]:
        rows = 0 if joining.told is None else len(joining.told.ids)
        file = self._files.get(joining.companion.name)
        return {
            "companion": joining.companion.name,
            "file": "" if file is None else file.path,
            "documents": joining.documents,
            "without": joining.without,
            "rows": rows,
            "claimed": int(joining.claimed.sum()),
            "problem": MISSING if joining.told is None else joining.told.problem,
        }
