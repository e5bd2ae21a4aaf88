"""Inputs: the splits of a build, from the files that its sources' paths find.

In:  the manifest's sources and `split_bytes`.
Out: splits, numbered in the order (source, path, start): the high half of every address.
Guaranteed: a file added to a source changes the numbers of splits, never their keys.
"""

from collections.abc import Mapping

from pipelines.engine.companions import with_companions
from pipelines.engine.splits import SourceFile, Split
from pipelines.engine.storage import find_files, open_storage
from pipelines.errors import RequestError
from pipelines.sources.options import SourceOptions
from pipelines.sources.reading import extents


def plan_splits(sources: Mapping[str, SourceOptions], split_bytes: int) -> list[Split]:
    """Return the splits of all files of all sources, numbered in the order (source, path, start).

    Raises:
        RequestError: two of a source's patterns find the same file, or files of one relative path.
    """
    splits: list[Split] = []
    for name in sorted(sources):
        for file in with_companions(sources[name], _files(name, sources[name])):
            for start, end in _extents(sources[name], file, split_bytes):
                splits.append(Split(len(splits), name, file, start, end))
    return splits


def _files(name: str, source: SourceOptions) -> list[SourceFile]:
    patterns = [source.path] if isinstance(source.path, str) else source.path
    files = [file for pattern in patterns for file in find_files(pattern)]
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise RequestError(
                f"sources.{name}.path: {file.path} is found twice, and a document is named by its source and path: "
                "make the patterns disjoint, or give the second folder a source of its own"
            )
        seen.add(file.path)
    return sorted(files, key=lambda file: file.path)


def _extents(source: SourceOptions, file: SourceFile, split_bytes: int) -> list[tuple[int, int]]:
    with open_storage(file.root).open(file.path) as stream:
        return extents(source, stream, file.identity.size, file.path, split_bytes)
