"""Splits: the pieces of input that one task reads.

In:  files, as a source's `path` finds them, and `split_bytes` of the manifest.
Out: splits, numbered in the order (source, path, start): the high half of every address.
Guaranteed: a split depends on its file and on `split_bytes` alone, never on workers or on other files.
"""

from dataclasses import asdict, dataclass
from functools import cached_property

from pipelines.engine.keys import key_of


@dataclass(frozen=True, order=True)
class FileIdentity:
    """What a file was when planning: size and ETag, or locally size, modification time and a sampled hash."""

    size: int
    tag: str
    modified_ns: int = 0


@dataclass(frozen=True)
class CompanionFile:
    """A file that lies beside a file of a source and says more of its documents.

    Args:
        name: of the companion (`pipelines/sources/companions.py`).
        root: URL of a folder; never part of an identity.
        path: the file's path below `root`.
        identity: what the file was when planning; None: there was none.
    """

    name: str
    root: str
    path: str
    identity: FileIdentity | None


@dataclass(frozen=True)
class SourceFile:
    """A file of a source.

    Args:
        root: URL of the longest folder of the source's `path` that holds no wildcard; never part of an identity.
        path: the file's path below `root`, with `/`.
        identity: what the file was when planning.
        beside: its companions, in the order in which the source asks for them.
    """

    root: str
    path: str
    identity: FileIdentity
    beside: tuple[CompanionFile, ...] = ()


@dataclass(frozen=True)
class Split:
    """A byte range (plain lines), a range of row groups (Parquet), or the whole of one file (start 0, end -1).

    Args:
        number: position among all splits of the build, in the order (source, path, start).
        source: name of the source in the manifest.
        file: the file it is cut from.
        start: first byte or row group.
        end: end of the range, exclusive; -1 is the whole file.
        most: records of it that are read, the first; -1 is all. A build reads all.
    """

    number: int
    source: str
    file: SourceFile
    start: int
    end: int
    most: int = -1

    @cached_property
    def key(self) -> str:
        """Name of the split in part keys: all of it but its number and its root; what lies beside it counts too."""
        identity, some = asdict(self.file.identity), [self.most] if self.most >= 0 else []
        beside = [[each.name, each.identity and asdict(each.identity)] for each in self.file.beside]
        extra = [*([beside] if beside else []), *some]
        return key_of([self.source, self.file.path, identity, self.start, self.end, *extra])
