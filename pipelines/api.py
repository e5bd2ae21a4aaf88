"""What Python programs use: load a manifest, build it, and look into a build.

In:  manifests and build folders.
Out: `Manifest`, `Summary`, `OpenBuild`.
Guaranteed: the same behaviour as the command line; errors are those of `pipelines.errors`.
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines.audit.summary import Summary
from pipelines.audit.trace import TracedPiece, pieces_of
from pipelines.audit.why import Fate, read_lock, why
from pipelines.engine.job import Resources
from pipelines.engine.session import Settings
from pipelines.engine.session import build as build_manifest
from pipelines.engine.storage import Storage, open_storage
from pipelines.manifest import Manifest, load_manifest


def load(path: str | Path, overrides: Sequence[str] = ()) -> Manifest:
    """Load and check a manifest.

    Args:
        path: a YAML file.
        overrides: changes, each `key.path=value`.

    Raises:
        ManifestError: it is refused; the error names key, value and remedy.
    """
    return load_manifest(path, overrides)


def build(
    manifest: Manifest | str | Path,
    out: str | Path,
    address: str = "auto",
    resources: Resources | None = None,
) -> Summary:
    """Build a manifest into a folder; called again after a stop, it goes on where it stopped.

    Args:
        manifest: a manifest, or the path of one.
        out: the build folder: local, or `s3://bucket/prefix`.
        address: `auto` (this machine's cores, or its Ray cluster), `ray://host:port`, or `none` (this process).
        resources: how many tasks at a time, and the like; no value changes a byte of the result.

    Raises:
        RequestError: something is wrong with what was asked; nothing was done.
        BuildError: the build stopped.
    """
    loaded = manifest if isinstance(manifest, Manifest) else load_manifest(manifest)
    return build_manifest(loaded, out, Settings(address, resources or Resources()))


def open_build(folder: str | Path) -> "OpenBuild":
    """Open a build folder for reading.

    Raises:
        RequestError: it holds no build.
    """
    storage = open_storage(folder)
    read_lock(storage)
    return OpenBuild(storage)


class OpenBuild:
    """A build folder to look into.

    Args:
        storage: the folder.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def why(self, name: str) -> list[Fate]:
        """Return what became of the documents of that name: an id, a uid in decimal, or `path:ordinal`.

        Raises:
            RequestError: there is no such document.
        """
        return why(self.storage, name)

    def trace(self, shard: str, row: int) -> list[TracedPiece]:
        """Return the pieces of documents that a row of a shard (`phase/part-00000.parquet`) is made of.

        Raises:
            RequestError: there is no such shard or row.
        """
        return pieces_of(self.storage, shard, row)

    def shards(self, phase: str | None = None) -> list[str]:
        """Return the paths or URLs of the shards of a phase, or of all, in the order in which a trainer reads them."""
        folder = "shards" if phase is None else f"shards/{phase}"
        return [f"{self.storage.url}/{path}" for path in self.storage.list(folder)]
